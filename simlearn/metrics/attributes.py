"""Scores of attributes with few values, beside what saying the most frequent one would score."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn.errors import UserError

__all__ = ["AttributeScores", "attribute_scores"]

_UNKNOWN = -1


class AttributeScores(NamedTuple):
    """How well the values of one attribute were told.

    Attributes:
        accuracy: share of the pictures whose value was told right.
        balanced_accuracy: mean over the values that occur of the share told right among theirs.
        majority_accuracy: accuracy of always saying the most frequent value; its balanced accuracy
            is 1 over the number of values that occur.
        confusion: `(values, values)`, pictures by true value (row) and told value (column).
    """

    accuracy: float
    balanced_accuracy: float
    majority_accuracy: float
    confusion: NDArray[np.int64]


def attribute_scores(true: ArrayLike, told: ArrayLike, values: int) -> AttributeScores:
    """Accuracy, balanced accuracy, the majority's accuracy and the confusion matrix.

    Args:
        true: integers `(pictures,)` in [0, values), or -1 where the value is not known.
        told: integers `(pictures,)` in [0, values).
        values: how many values the attribute has, at least 2.

    Raises:
        UserError: the shapes do not fit, a value is out of range, or none is known.

    Examples:
        >>> scores = attribute_scores([0, 0, 0, 1, -1], [0, 0, 1, 1, 0], 2)
        >>> scores.accuracy, scores.majority_accuracy, round(scores.balanced_accuracy, 3)
        (0.75, 0.75, 0.833)
        >>> scores.confusion.tolist()
        [[2, 1], [0, 1]]
    """
    if values < 2:
        raise UserError(f"expected at least 2 values, got {values}")
    wanted = _integers("true", true, _UNKNOWN, values)
    given = _integers("told", told, 0, values)
    if wanted.shape != given.shape:
        raise UserError(f"expected a told value for each true one, got {wanted.size}, {given.size}")
    known = wanted != _UNKNOWN
    if not known.any():
        raise UserError("expected at least one known value, got none")
    confusion = np.zeros((values, values), np.int64)
    np.add.at(confusion, (wanted[known], given[known]), 1)
    sizes, right = confusion.sum(axis=1), np.diag(confusion)
    occurs = sizes > 0
    return AttributeScores(
        accuracy=float(right.sum() / sizes.sum()),
        balanced_accuracy=float(np.mean(right[occurs] / sizes[occurs])),
        majority_accuracy=float(sizes.max() / sizes.sum()),
        confusion=confusion,
    )


def _integers(name: str, given: ArrayLike, low: int, high: int) -> NDArray[np.int64]:
    numbers = np.asarray(given)
    if numbers.ndim != 1 or not np.issubdtype(numbers.dtype, np.integer):
        raise UserError(
            f"expected {name} as integers (pictures,), got {numbers.dtype} {numbers.shape}"
        )
    if numbers.size and not low <= numbers.min() <= numbers.max() < high:
        raise UserError(
            f"expected {name} in [{low}, {high}), got {numbers.min()} to {numbers.max()}"
        )
    return numbers.astype(np.int64)
