"""pytorch-metric-learning's AccuracyCalculator, with its own default search, by faiss."""

from measuring import SETTINGS, measure

import faiss  # isort: skip
import numpy as np  # isort: skip
import torch  # isort: skip
import pytorch_metric_learning  # isort: skip
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator  # isort: skip

NAMES = {
    "recall_at_1": "precision_at_1",
    "r_precision": "r_precision",
    "map_at_r": "mean_average_precision_at_r",
}


def scores(vectors: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """The three scores that both define."""
    calculator = AccuracyCalculator(include=tuple(NAMES.values()), k="max_bin_count")
    found = calculator.get_accuracy(vectors, labels)
    return {name: found[theirs] for name, theirs in NAMES.items()}


if __name__ == "__main__":
    torch.set_num_threads(SETTINGS["threads"])
    faiss.omp_set_num_threads(SETTINGS["threads"])
    versions = {
        "pytorch-metric-learning": pytorch_metric_learning.__version__,
        "torch": torch.__version__,
        "faiss": faiss.__version__,
        "numpy": np.__version__,
    }
    measure(scores, versions)
