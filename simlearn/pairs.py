"""Labels to masks: which pairs of a batch are positive, negative, or usable at all.

Rows are anchors, columns are the items they are compared with: the same batch (where no item is
its own partner), or another set such as a memory bank.

Examples:
    >>> import numpy as np
    >>> from simlearn import pairs
    >>> print(np.asarray(pairs.positive_pairs(np.array([7, 7, 2]))).astype(int))
    [[0 1 0]
     [1 0 0]
     [0 0 0]]
"""

import keras
from keras import ops

from simlearn._typing import Tensor
from simlearn.errors import UserError

__all__ = ["as_labels", "negative_pairs", "positive_pairs", "valid_anchors"]


def positive_pairs(
    labels: Tensor,
    other_labels: Tensor | None = None,
    *,
    ids: Tensor | None = None,
    other_ids: Tensor | None = None,
) -> Tensor:
    """Pairs of two different items with the same label.

    Args:
        labels: integers `(n,)` or `(n, 1)`.
        other_labels: integers `(m,)`, the columns. Left out, the columns are the anchors
            themselves and the diagonal is not a pair.
        ids: integers `(n,)`; with `other_ids`, equal ids are one item and so not a pair.
        other_ids: integers `(m,)`.

    Returns:
        bool `(n, m)`.

    Raises:
        UserError: labels or ids are not integers, or not one an item.
    """
    rows = as_labels(labels)
    if other_labels is None:
        other_labels = rows
        ids = other_ids = ops.arange(ops.shape(rows)[0])
    same = _equal(rows, as_labels(other_labels))
    if ids is None or other_ids is None:
        return same
    return ops.logical_and(same, ops.logical_not(_equal(as_labels(ids), as_labels(other_ids))))


def negative_pairs(labels: Tensor, other_labels: Tensor | None = None) -> Tensor:
    """Pairs of items with different labels.

    Args:
        labels: integers `(n,)` or `(n, 1)`.
        other_labels: integers `(m,)`, the columns; left out, the anchors themselves.

    Returns:
        bool `(n, m)`.

    Raises:
        UserError: labels are not integers, or not one an item.
    """
    rows = as_labels(labels)
    columns = rows if other_labels is None else as_labels(other_labels)
    return ops.logical_not(_equal(rows, columns))


def valid_anchors(positives: Tensor, negatives: Tensor) -> Tensor:
    """Anchors that have a positive and a negative; the others teach nothing.

    Args:
        positives: bool `(n, m)`.
        negatives: bool `(n, m)`.

    Returns:
        bool `(n,)`.
    """
    return ops.logical_and(ops.any(positives, axis=-1), ops.any(negatives, axis=-1))


def as_labels(labels: Tensor) -> Tensor:
    """Check that labels are one integer an item and flatten `(n, 1)` to `(n,)`.

    Floats are refused: beyond 2^24 neighbouring float32 labels are one number, and two
    classes would become one without a word.
    """
    try:
        labels = ops.convert_to_tensor(labels)
    except (TypeError, ValueError) as error:  # Strings, None, lists of unequal lengths.
        raise UserError(f"expected integer labels, received {labels!r:.80}") from error
    dtype = keras.backend.standardize_dtype(labels.dtype)
    if "int" not in dtype and "bool" not in dtype:
        raise UserError(
            f"expected integer labels, received {dtype}; convert them where they are "
            "loaded, for example labels.astype('int64'), and give compile() a loss's class: "
            "Keras hands floats to a function"
        )
    if len(labels.shape) == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if len(labels.shape) != 1:
        raise UserError(
            f"expected one integer label an item, shape (batch,), received {tuple(labels.shape)}"
        )
    return labels


def _equal(rows: Tensor, columns: Tensor) -> Tensor:
    return ops.equal(rows[:, None], columns[None, :])
