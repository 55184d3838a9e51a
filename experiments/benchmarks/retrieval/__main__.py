"""`python -m experiments.benchmarks.retrieval`."""

from experiments.benchmarks._command import main
from experiments.benchmarks.retrieval.config import RetrievalSettings
from experiments.benchmarks.retrieval.run import run

if __name__ == "__main__":
    main("retrieval", RetrievalSettings, run)
