"""`python -m experiments.benchmarks.input`."""

from experiments.benchmarks._command import main
from experiments.benchmarks.input.config import InputSettings
from experiments.benchmarks.input.run import run

if __name__ == "__main__":
    main("input", InputSettings, run)
