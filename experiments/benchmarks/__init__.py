"""Side-by-side measurements against peers: `python -m experiments.benchmarks.<name> --help`."""
