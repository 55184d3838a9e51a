"""`python -m experiments.benchmarks.caption_metrics`."""

from experiments.benchmarks._command import main
from experiments.benchmarks.caption_metrics.config import CaptionMetricsSettings
from experiments.benchmarks.caption_metrics.run import run

if __name__ == "__main__":
    main("caption_metrics", CaptionMetricsSettings, run)
