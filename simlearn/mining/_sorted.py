"""Active triplets by sorting each anchor's row: as fast with many positives as with few."""

import numpy as np
from keras import ops

from simlearn._typing import Tensor
from simlearn.mining._triplets import semi_hard


def sorted_batch_all(
    distances: Tensor, positives: Tensor, negatives: Tensor, margin: Tensor
) -> Tensor:
    """How often each pair stands in an active triplet of all, negatives with a minus: `(n, m)`."""
    keys = ops.where(negatives, distances, np.inf)
    keys = ops.where(positives, distances + margin, keys)
    order = ops.argsort(keys, axis=-1)
    is_positive, is_negative = (
        ops.cast(ops.take_along_axis(mask, order, axis=-1), distances.dtype)
        for mask in (positives, negatives)
    )
    before = ops.cumsum(is_negative, axis=-1)
    after = ops.sum(is_positive, axis=-1, keepdims=True) - ops.cumsum(is_positive, axis=-1)
    back = ops.argsort(order, axis=-1)
    return ops.take_along_axis(is_positive * before - is_negative * after, back, axis=-1)


def sorted_semi_hard(
    distances: Tensor, positives: Tensor, negatives: Tensor, margin: Tensor
) -> Tensor:
    """The same of the triplets that `semi_hard` chooses."""
    chosen = semi_hard(distances, positives, negatives)
    near = ops.take_along_axis(distances, chosen.positive, axis=-1)
    far = ops.take_along_axis(distances, chosen.negative, axis=-1)
    active = ops.logical_and(chosen.valid, far < near + margin)
    count = ops.cast(active, distances.dtype)
    size = ops.shape(distances)
    first = ops.arange(size[0], dtype="int32")[:, None] * size[1]
    places = [ops.cast(c, "int32") + first for c in (chosen.positive, chosen.negative)]
    signed = ops.segment_sum(
        ops.reshape(ops.concatenate([count, -count], axis=-1), (-1,)),
        ops.reshape(ops.concatenate(places, axis=-1), (-1,)),
        num_segments=size[0] * size[1],
    )
    return ops.reshape(signed, size)
