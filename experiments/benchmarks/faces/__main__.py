"""`python -m experiments.benchmarks.faces`."""

from experiments.benchmarks._command import main
from experiments.benchmarks.faces.config import FacesSettings
from experiments.benchmarks.faces.run import run

if __name__ == "__main__":
    main("faces", FacesSettings, run)
