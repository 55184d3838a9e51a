"""`python -m caption.metrics REFERENCES HYPOTHESES`."""

from caption.metrics._command import main

if __name__ == "__main__":
    main()
