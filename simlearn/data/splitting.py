"""Two parts of a labelled data set: with different classes, or with the same ones.

Each split is a pure function of the ids, the labels and the seed (for one version of NumPy, whose
generators may change), so it does not depend on the order of the pictures.
"""

from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from simlearn.data.records import LabelledFiles, LabelledImages
from simlearn.errors import UserError

Labelled = TypeVar("Labelled", LabelledFiles, LabelledImages)

# Keeps these random streams apart from those of `sampling` and `pipeline` with the same seed.
_BY_CLASS_STREAM: Final = 101
_WITHIN_STREAM: Final = 102


def split_by_class(record: Labelled, *, share: float, seed: int) -> tuple[Labelled, Labelled]:
    """Hold out some classes with all their pictures, to see how new classes are told apart.

    Args:
        record: Labelled pictures of at least two classes.
        share: Part of the classes to hold out, above 0 and below 1. Their number is rounded, but at
            least one is held out and one is not.
        seed: Non-negative; chooses the classes.

    Returns:
        The rest and what is held out, each in the order of the record.

    Raises:
        UserError: An argument is out of range, or the record has fewer than two classes.

    Examples:
        >>> from simlearn.data import digits
        >>> train = digits.splits().train
        >>> rest, held_out = split_by_class(train, share=0.3, seed=0)
        >>> len(np.unique(rest.labels)), len(np.unique(held_out.labels))
        (7, 3)
    """
    _check(share, seed)
    classes = np.unique(record.labels)
    if len(classes) < 2:
        raise UserError(f"{record.name}: expected at least 2 classes, and found {len(classes)}")
    random = np.random.default_rng((_BY_CLASS_STREAM, seed))
    chosen = random.permutation(classes)[: int(_held_out(np.array(len(classes)), share))]
    return _parts(record, np.isin(record.labels, chosen))


def split_within_classes(record: Labelled, *, share: float, seed: int) -> tuple[Labelled, Labelled]:
    """Hold out some pictures of each class, to see how known classes are told apart.

    Args:
        record: Labelled pictures.
        share: Part of each class to hold out, above 0 and below 1. The number is rounded, but of
            two or more pictures at least one is held out and one is not. The only picture of a
            class is never held out.
        seed: Non-negative; chooses the pictures.

    Returns:
        The rest and what is held out, each in the order of the record.

    Raises:
        UserError: An argument is out of range, or no class has two pictures.

    Examples:
        >>> from simlearn.data import digits
        >>> train = digits.splits().train
        >>> rest, held_out = split_within_classes(train, share=0.25, seed=0)
        >>> np.unique(rest.labels).tolist() == np.unique(held_out.labels).tolist()
        True
    """
    _check(share, seed)
    _, codes, counts = np.unique(record.labels, return_inverse=True, return_counts=True)
    if not np.any(counts >= 2):
        raise UserError(f"{record.name}: expected a class with at least 2 pictures, and found none")
    random = np.random.default_rng((_WITHIN_STREAM, seed))
    turn = np.empty(len(record), np.int64)
    turn[np.argsort(record.ids)] = random.permutation(len(record))
    order = np.lexsort((turn, codes))
    # Where each picture comes in its class, in the order of turns.
    place = np.arange(len(record)) - np.repeat(np.cumsum(counts) - counts, counts)
    held_out = np.zeros(len(record), np.bool_)
    held_out[order] = place < np.repeat(_held_out(counts, share), counts)
    return _parts(record, held_out)


def _held_out(counts: NDArray[np.int64], share: float) -> NDArray[np.int64]:
    """How many of each count."""
    rounded = np.floor(share * counts + 0.5).astype(np.int64)
    return np.clip(rounded, np.minimum(counts - 1, 1), counts - 1)


def _parts(record: Labelled, held_out: NDArray[np.bool_]) -> tuple[Labelled, Labelled]:
    return (
        record.take(~held_out, name=f"{record.name}-rest"),
        record.take(held_out, name=f"{record.name}-held-out"),
    )


def _check(share: float, seed: int) -> None:
    if not 0 < share < 1:
        raise UserError(f"share must lie above 0 and below 1, and came as {share}")
    if seed < 0:
        raise UserError(f"seed must be at least 0, and came as {seed}")
