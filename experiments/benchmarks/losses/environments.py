"""What the peers of the losses are installed from."""

from experiments.benchmarks._environments import Recipe
from experiments.benchmarks.losses.case import ADDONS, METRIC_LEARNING, SENTENCE, SIMILARITY

# The newest that tensorflow-addons runs on, which ends at Python 3.11.
_TENSORFLOW = "tensorflow-cpu==2.15.1"

_PYTORCH = Recipe(
    "pytorch",
    "3.11",
    (
        ("torch==2.13.0",),
        ("pytorch-metric-learning==2.9.0", "sentence-transformers==6.2.0"),
    ),
)

RECIPES = {
    ADDONS: Recipe("tensorflow-addons", "3.11", ((_TENSORFLOW, "tensorflow-addons==0.23.0"),)),
    METRIC_LEARNING: _PYTORCH,
    SENTENCE: _PYTORCH,
    # Without what it depends on: its losses need none of it, and a library of its index has to be
    # compiled. TensorFlow is newer than the 2.11 that it was last released for.
    SIMILARITY: Recipe(
        "tensorflow-similarity",
        "3.11",
        ((_TENSORFLOW,), ("--no-deps", "tensorflow-similarity==0.17.1")),
    ),
}
