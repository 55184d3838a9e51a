"""`python -m caption RUN IMAGE...`."""

from caption._command import main

if __name__ == "__main__":
    main()
