"""What the COCO caption evaluation is installed from; its tokeniser and METEOR need Java too."""

from experiments.benchmarks._environments import Recipe

RECIPE = Recipe("pycocoevalcap", "3.11", (("pycocoevalcap==1.2", "numpy==2.4.6"),))
