"""`python -m simlearn COMMAND ...`."""

from simlearn.cli import main

if __name__ == "__main__":
    main()
