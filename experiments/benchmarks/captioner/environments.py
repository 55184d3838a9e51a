"""What the peers of the captioner are installed from."""

from experiments.benchmarks._environments import Recipe

RECIPE = Recipe("pytorch-captioner", "3.11", (("torch==2.13.0",), ("numpy==2.4.6",)))
