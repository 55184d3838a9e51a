"""Miners of pairs: which ones count."""

import numpy as np
from keras import ops

from simlearn._typing import Tensor
from simlearn.mining._selection import Pairs, fixed, register


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
        Wang et al., "Multi-Similarity Loss with General Pair Weighting for Deep Metric Learning",
        CVPR 2019: the mining before its loss.
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
