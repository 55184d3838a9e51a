"""Miners of pairs: which count, and in how many active triplets."""

from typing import Any

import numpy as np
from keras import ops

from simlearn._typing import Tensor
from simlearn.mining._selection import Pairs, TripletCounts, fixed, register


@register
def batch_all(
    distances: Tensor, positives: Tensor, negatives: Tensor, *, margin: float
) -> TripletCounts:
    """Count, for every pair, the active triplets it stands in: those with `d_an < d_ap + margin`.

    The hinge summed over all triplets is linear in the distances while no triplet changes state,
    so these counts are its gradient, and `sum(counts.positive * (d + margin)) -
    sum(counts.negative * d)` its value, exactly, in O(n m) memory instead of O(n m^2).

    Args:
        distances: `(n, m)`, finite.
        positives: bool `(n, m)`.
        negatives: bool `(n, m)`.
        margin: in the unit of the distances.

    Returns:
        TripletCounts: for a positive pair the number of its active negatives, for a negative
        pair the number of its active positives, 0 elsewhere. A triplet at exactly
        `d_an = d_ap + margin` adds nothing to the value and may or may not be counted.
    """
    distances = fixed(distances)
    keys = ops.where(negatives, distances, np.inf)
    keys = ops.where(positives, distances + margin, keys)
    order = ops.argsort(keys, axis=-1)
    back = ops.argsort(order, axis=-1)
    is_positive = _sorted_flags(positives, order, distances.dtype)
    is_negative = _sorted_flags(negatives, order, distances.dtype)
    before = ops.cumsum(is_negative, axis=-1)
    after = ops.sum(is_positive, axis=-1, keepdims=True) - ops.cumsum(is_positive, axis=-1)
    return TripletCounts(
        ops.take_along_axis(is_positive * before, back, axis=-1),
        ops.take_along_axis(is_negative * after, back, axis=-1),
    )


@register
def multi_similarity(
    distances: Tensor, positives: Tensor, negatives: Tensor, *, epsilon: float = 0.1
) -> Pairs:
    """Keep the pairs that are hard relative to the other kind.

    A negative stays if it is closer than the farthest positive plus `epsilon`; a positive stays
    if it is farther than the closest negative minus `epsilon`.

    Args:
        distances: cosine distances `(n, m)`.
        positives: bool `(n, m)`.
        negatives: bool `(n, m)`.
        epsilon: in the unit of the distances.

    Returns:
        Pairs: two masks; an anchor without a positive or without a negative keeps none.

    Reference:
        Wang et al., "Multi-Similarity Loss with General Pair Weighting", CVPR 2019, eqs. 11, 12.
    """
    distances = fixed(distances)
    farthest = _max(ops.where(positives, distances, -np.inf))
    closest = -_max(ops.where(negatives, -distances, -np.inf))
    return Pairs(
        ops.logical_and(positives, distances > closest - epsilon),
        ops.logical_and(negatives, distances < farthest + epsilon),
    )


def _max(values: Tensor) -> Tensor:
    return ops.max(values, axis=-1, keepdims=True, initial=-np.inf)


def _sorted_flags(mask: Tensor, order: Tensor, dtype: Any) -> Tensor:
    return ops.cast(ops.take_along_axis(mask, order, axis=-1), dtype)
