"""`python -m experiments.benchmarks.losses`."""

from experiments.benchmarks._command import main
from experiments.benchmarks.losses.config import LossesSettings
from experiments.benchmarks.losses.run import run

if __name__ == "__main__":
    main("losses", LossesSettings, run)
