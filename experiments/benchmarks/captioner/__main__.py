"""`python -m experiments.benchmarks.captioner`."""

from experiments.benchmarks._command import main
from experiments.benchmarks.captioner.config import CaptionerSettings
from experiments.benchmarks.captioner.run import run

if __name__ == "__main__":
    main("captioner", CaptionerSettings, run)
