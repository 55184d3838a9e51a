"""The MNIST experiment itself."""

import os
from pathlib import Path
from typing import Any

from experiments._similarity.compare import compare
from experiments.mnist_siamese.config import MnistSettings
from simlearn.data import Splits, mnist
from simlearn.errors import UserError
from simlearn.runs import Run


def run(config: MnistSettings, folder: Run) -> dict[str, Any]:
    """Read MNIST; train, score and show both embeddings."""
    data = _splits(_folder(config), config.validation, smoke=config.smoke)
    return compare(
        data,
        config,
        folder,
        title="MNIST",
        protocol=f"MNIST, {len(data.train):,} to train, {len(data.validation):,} to choose the "
        f"threshold, {len(data.test):,} to test (the official test part).",
        data_set="mnist",
        unknown={"writers": "the idx files do not say who wrote which digit"},
    )


def _folder(config: MnistSettings) -> Path:
    shared = Path(os.environ.get("SIMLEARN_DATA") or "data")
    root = shared / "mnist" if config.data is None else config.data
    if not root.exists():
        raise UserError(
            f"{root}: expected a folder or zip with MNIST, and found nothing; "
            f"python datasets/mnist/prepare.py --data {shared} downloads it into {shared}/mnist"
        )
    return root


def _splits(root: Path, validation: int, *, smoke: bool) -> Splits:
    train, test = mnist.load(root, "train"), mnist.load(root, "test")
    if not 0 < validation < len(train):
        raise UserError(
            f"expected --validation between 1 and {len(train) - 1}, the training pictures in "
            f"{root} less one, received {validation}"
        )
    cut = len(train) - validation
    # A smoke run needs a few hundred pictures to go through every step.
    few = slice(0, 300) if smoke else slice(None)
    return Splits(
        train=train.take(slice(0, cut)).take(few, name="mnist-train"),
        validation=train.take(slice(cut, None)).take(few, name="mnist-validation"),
        test=test.take(few, name="mnist-test"),
    )
