"""Ask pytorch-metric-learning itself: writes `reference.json`, which `test_parity.py` reads.

PyTorch has an environment of its own. The numbers of this repository came from Python 3.11 and
exactly these versions, on the CPU:

    python3.11 -m venv pml
    pml/bin/pip install torch==2.13.0 pytorch-metric-learning==2.9.0 faiss-cpu==1.15.1
    pml/bin/python tests/simlearn/metrics/parity/make_reference.py

The vectors come from a formula in integers, so that the same ones can be made anywhere; a second
run writes the same file.
"""

import json
import platform
from pathlib import Path
from typing import Any

import numpy as np

TARGET = Path(__file__).with_name("reference.json")
COUNT, DIM = 211, 13
NAMES = (
    "precision_at_1",
    "r_precision",
    "mean_average_precision_at_r",
    "mean_reciprocal_rank",
)


def numbers(count: int, dim: int, seed: int) -> np.ndarray:
    """Numbers in -1..1 by a linear congruential generator, float32 ``(count, dim)``."""
    state, found = seed, []
    for _ in range(count * dim):
        # Constants of Numerical Recipes' ranqd1; the upper 16 bits, exact in float32.
        state = (1664525 * state + 1013904223) % 2**32
        found.append((state >> 16) / 2**15 - 1.0)
    return np.array(found, np.float32).reshape(count, dim)


def embeddings(labels: np.ndarray, seed: int) -> np.ndarray:
    """Vectors around a centre for each label."""
    centres = numbers(int(labels.max()) + 1, DIM, 1)
    return numbers(len(labels), DIM, seed) + np.float32(1.25) * centres[labels]


def cases() -> dict[str, dict[str, Any]]:
    """Arguments of both sides by name, as ours takes them."""
    rows = np.arange(COUNT)
    even, uneven = rows * 7 % 29, np.floor(np.sqrt(rows * 3 % COUNT)).astype(np.int64)
    alone = np.where(rows % 5 == 0, 100 + rows, rows % 17)
    others = np.arange(97) * 5 % 31
    return {
        "even classes": {"embeddings": embeddings(even, 2), "labels": even},
        "uneven classes": {"embeddings": embeddings(uneven, 3), "labels": uneven},
        "some alone": {"embeddings": embeddings(alone, 4), "labels": alone},
        "two classes": {"embeddings": embeddings(rows % 2, 5), "labels": rows % 2},
        "separate gallery": {
            "embeddings": embeddings(even, 6),
            "labels": even,
            "gallery": embeddings(others, 7),
            "gallery_labels": others,
        },
    }


def answer(case: dict[str, Any]) -> dict[str, float]:
    """What its AccuracyCalculator gives, ranking the whole gallery."""
    from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator

    calculator = AccuracyCalculator(include=NAMES, k=None)
    others = (case["gallery"], case["gallery_labels"]) if "gallery" in case else ()
    return calculator.get_accuracy(case["embeddings"], case["labels"], *others)


def main() -> None:
    """Write the reference."""
    import faiss
    import pytorch_metric_learning
    import torch

    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    found = {
        "versions": {
            "python": platform.python_version(),
            "pytorch-metric-learning": pytorch_metric_learning.__version__,
            "torch": torch.__version__,
            "faiss": faiss.__version__,
            "numpy": np.__version__,
        },
        "scores": {name: answer(case) for name, case in cases().items()},
    }
    TARGET.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
