"""Batches whose classes resemble each other: plans for one epoch, as `simlearn.data.sampling`'s.

Where classes come in groups (the characters of an alphabet, the models of a maker), negatives of
the same group are the hard ones. They are known before training, so nothing needs mining.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from simlearn._typing import IntArray
from simlearn.data.sampling import _checked_labels, _require_at_least
from simlearn.errors import UserError

# Keeps this random stream apart from those of `sampling`, `pipeline` and `splitting`.
_STREAM: Final = 5


def grouped_pk_batches(
    labels: IntArray,
    groups: IntArray,
    *,
    classes: int,
    per_class: int,
    groups_per_batch: int,
    steps: int,
    seed: int,
    epoch: int,
) -> NDArray[np.int64]:
    """Batches of P classes with K samples each, most of the classes from a few groups.

    For each batch `groups_per_batch` groups are drawn, each with a chance in proportion to its
    classes; their classes fill the batch, at random where they are too many, and classes of other
    groups fill what is left. A class with fewer than `per_class` samples is left out.

    Args:
        labels: Integers `(n,)`.
        groups: Integers `(n,)`, the same for all samples of a class.
        classes: Classes in a batch, P; at least 2.
        per_class: Samples of each, K; at least 2.
        groups_per_batch: Groups to draw first, at least 1.
        steps: Batches in the epoch, at least 1.
        seed: Non-negative; with `epoch` it determines the result.
        epoch: Number of the epoch, from 0.

    Returns:
        Positions in `labels`, `(steps, classes * per_class)`; the samples of a class lie together.

    Raises:
        UserError: Fewer than `classes` classes have `per_class` samples, a class lies in two
            groups, or an argument is out of range.

    Examples:
        >>> labels = np.repeat(np.arange(6), 2)
        >>> plan = grouped_pk_batches(labels, labels // 3, classes=3, per_class=2,
        ...                           groups_per_batch=1, steps=4, seed=0, epoch=0)
        >>> np.unique(labels[plan] // 3, axis=1).shape
        (4, 1)

    Reference:
        Wu, Manmatha, Smola, Kraehenbuehl: Sampling Matters in Deep Embedding Learning. ICCV 2017
        (that the choice of negatives matters as much as the loss). Groups are our choice.
    """
    labels, groups = _checked_labels(labels), _checked_labels(groups)
    _require_at_least(2, classes=classes, per_class=per_class)
    _require_at_least(1, groups_per_batch=groups_per_batch, steps=steps)
    _require_at_least(0, seed=seed, epoch=epoch)
    members, group_of = _members(labels, groups, per_class)
    if len(members) < classes:
        raise UserError(
            f"expected {classes} classes with at least {per_class} samples each, "
            f"got {len(members)} of {len(np.unique(labels))}"
        )
    random = np.random.default_rng((_STREAM, seed, epoch))
    names, counts = np.unique(group_of, return_counts=True)
    drawn = min(groups_per_batch, len(names))
    batches = []
    for _ in range(steps):
        near = np.isin(group_of, random.choice(names, drawn, False, counts / counts.sum()))
        # Classes of the drawn groups first, each kind in random order.
        order = np.argsort(random.random(len(members)) + ~near)[:classes]
        batches.append([random.choice(members[c], per_class, replace=False) for c in order])
    return np.array(batches, np.int64).reshape(steps, classes * per_class)


def _members(
    labels: NDArray[np.int64], groups: NDArray[np.int64], per_class: int
) -> tuple[list[NDArray[np.int64]], NDArray[np.int64]]:
    """The samples of each class that has enough, and the group of each such class."""
    if labels.shape != groups.shape:
        raise UserError(f"groups: expected shape {labels.shape} as labels, got {groups.shape}")
    pairs = np.unique(np.stack([labels, groups]), axis=1)
    if pairs.shape[1] != len(np.unique(labels)):
        twice = pairs[0, :-1][pairs[0, 1:] == pairs[0, :-1]][0]
        raise UserError(f"groups: expected one group for each class, got two for class {twice}")
    order = np.argsort(labels, kind="stable")
    _, starts, counts = np.unique(labels[order], return_index=True, return_counts=True)
    members = [part for part in np.split(order, starts[1:]) if len(part) >= per_class]
    return members, pairs[1][counts >= per_class]
