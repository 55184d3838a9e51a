"""Miners of triplets: which positive and which negative go with each anchor."""

import numpy as np
from keras import ops

from simlearn._numerics import pick_columns
from simlearn._typing import Tensor
from simlearn.mining._selection import Triplets, argmax, fixed, register


@register
def batch_hard(distances: Tensor, positives: Tensor, negatives: Tensor) -> Triplets:
    """Farthest positive and closest negative of each anchor: one slot.

    Args:
        distances: `(n, m)`.
        positives: bool `(n, m)`.
        negatives: bool `(n, m)`.

    Returns:
        Triplets with one slot an anchor; ties go to the lower column.

    Reference:
        Hermans et al., "In Defense of the Triplet Loss for Person Re-Identification", 2017, eq. 5.
    """
    distances = fixed(distances)
    hardest = argmax(ops.where(positives, distances, -np.inf))
    closest = argmax(ops.where(negatives, -distances, -np.inf))
    valid = ops.logical_and(ops.any(positives, axis=-1), ops.any(negatives, axis=-1))
    return Triplets(hardest[:, None], closest[:, None], valid[:, None])


@register
def semi_hard(distances: Tensor, positives: Tensor, negatives: Tensor) -> Triplets:
    """For each positive pair the closest negative that is farther than the positive.

    Where no negative is farther, the farthest one stands in, and of several the lowest column. One
    slot a column (those that hold no positive are not valid); two sorts of each row, so O(n m)
    memory and O(n m log m) time.

    Args:
        distances: `(n, m)`, finite.
        positives: bool `(n, m)`.
        negatives: bool `(n, m)`.

    Returns:
        Triplets with m slots an anchor, in ascending order of the positive's distance.

    Reference:
        Schroff et al., "FaceNet", CVPR 2015, eq. 4. Deviation: the paper leaves open what happens
        where no semi-hard negative exists; here the farthest negative is taken.
    """
    distances = fixed(distances)
    # Negatives alone, ascending, then everything else; `closer` will index into this list.
    by_distance = ops.argsort(ops.where(negatives, distances, np.inf), axis=-1)
    sorted_negatives = ops.take_along_axis(distances, by_distance, axis=-1)
    # A positive goes just behind the negatives at its own distance: semi-hard is strict.
    keys = ops.where(negatives, distances, np.inf)
    keys = ops.where(positives, _next_after(distances), keys)
    positive = ops.argsort(keys, axis=-1)
    closer = ops.cumsum(
        ops.cast(ops.take_along_axis(negatives, positive, axis=-1), "int32"), axis=-1
    )
    positive_distance = ops.take_along_axis(distances, positive, axis=-1)

    total = ops.sum(ops.cast(negatives, "int32"), axis=-1, keepdims=True)
    # A negative one unit in the last place farther than the positive shares its sort key and may
    # have been counted as closer: step back over it.
    last_closer = ops.maximum(closer - 1, 0)
    overshot = ops.take_along_axis(sorted_negatives, last_closer, axis=-1) > positive_distance
    rank = ops.where(overshot, last_closer, closer)
    semi = ops.take_along_axis(by_distance, ops.maximum(ops.minimum(rank, total - 1), 0), axis=-1)
    farthest = argmax(ops.where(negatives, distances, -np.inf))[:, None]
    negative = ops.where(rank < total, semi, farthest)
    valid = ops.logical_and(ops.take_along_axis(positives, positive, axis=-1), total > 0)
    return Triplets(positive, negative, valid)


@register
def easy_positive(distances: Tensor, positives: Tensor, negatives: Tensor) -> Triplets:
    """Closest positive of each anchor and the closest negative beyond it: one slot.

    Pulling only the nearest positive lets a class keep several clusters. Where no negative is
    farther than that positive, the farthest one stands in.

    Args:
        distances: `(n, m)`.
        positives: bool `(n, m)`.
        negatives: bool `(n, m)`.

    Returns:
        Triplets with one slot an anchor.

    Reference:
        Xuan et al., "Improved Embeddings with Easy Positive Triplet Mining", WACV 2020 (easy
        positive, semi-hard negative).
    """
    distances = fixed(distances)
    positive = argmax(ops.where(positives, -distances, -np.inf))[:, None]
    beyond = ops.logical_and(negatives, distances > pick_columns(distances, positive))
    closest = argmax(ops.where(beyond, -distances, -np.inf))
    farthest = argmax(ops.where(negatives, distances, -np.inf))
    negative = ops.where(ops.any(beyond, axis=-1), closest, farthest)[:, None]
    valid = ops.logical_and(ops.any(positives, axis=-1), ops.any(negatives, axis=-1))
    return Triplets(positive, negative, valid[:, None])


def _next_after(values: Tensor) -> Tensor:
    """The next larger float: a little over half a unit in the last place rounds up to one."""
    double = "64" in str(values.dtype)
    step, tiny = (1.12e-16, 2.3e-308) if double else (6.0e-8, 1.2e-38)
    return values + ops.maximum(ops.abs(values) * step, tiny)
