"""The largest of many."""

import math

from keras import ops

from simlearn._numerics import flat_places, pick_columns
from simlearn._typing import Tensor

_BLOCK = 64


def largest(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` largest of each row of `values` `(rows, n)`, and where they are, descending.

    The k largest lie in the k blocks whose own largest are largest. Finding those takes one pass,
    which is several times faster than to keep a list of the best of a long row.
    """
    columns = values.shape[-1]
    blocks = -(-columns // _BLOCK)
    if blocks < 4 * count:
        return ops.top_k(values, count)
    if blocks * _BLOCK > columns:
        missing = blocks * _BLOCK - columns
        values = ops.pad(values, ((0, 0), (0, missing)), constant_values=-math.inf)
    values = ops.reshape(values, (-1, blocks, _BLOCK))
    _, best = ops.top_k(ops.max(values, axis=-1), count)
    # In their order, so that of equal values the first comes first.
    best = ops.sort(best, axis=-1)
    kept = ops.take(ops.reshape(values, (-1, _BLOCK)), flat_places(values, best), axis=0)
    found, places = ops.top_k(ops.reshape(kept, (-1, count * _BLOCK)), count)
    block = pick_columns(best, places // _BLOCK)
    return found, block * _BLOCK + places % _BLOCK
