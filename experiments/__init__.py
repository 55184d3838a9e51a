"""Commands that train, measure and report: `python -m experiments.<name> --help`."""
