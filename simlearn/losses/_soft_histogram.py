"""Histograms that have a gradient: each value is shared between the two nodes around it."""

import numbers

from keras import ops

from simlearn._typing import Tensor
from simlearn.errors import UserError
from simlearn.losses._blocks import Block


def check_bins(bins: int) -> int:
    """Refuse a number of bins that is not a whole number of 1 or more."""
    if not isinstance(bins, numbers.Integral) or bins < 1:
        raise UserError(f"expected bins as a whole number of 1 or more, received {bins}")
    return int(bins)


def pair_histograms(block: Block, position: Tensor, *, bins: int) -> Tensor:
    """Histogram of each anchor's positives and one of its negatives.

    A value between two nodes counts as one, split by linear interpolation: its weight at node r
    is `max(0, 1 - |position - r|)`. At a node the slope is that of the bin above it. O(n m) memory
    and time, however many bins there are.

    Args:
        block: which pairs there are.
        position: `(n, m)`, in bins: 0 is the first node, `bins` the last; what lies beyond them
            by rounding is put into the outermost bin.
        bins: intervals between the nodes.

    Returns:
        `(n, 2, bins + 1)`: of the positives and of the negatives.
    """
    count, kinds = ops.shape(position)[0], 2 * bins
    lower = ops.clip(ops.cast(ops.stop_gradient(position), "int32"), 0, bins - 1)
    share = position - ops.cast(lower, position.dtype)
    segments = ops.where(block.positives, lower, lower + bins)
    segments = segments + kinds * ops.arange(count, dtype="int32")[:, None]
    # What is no pair goes to one segment more, and from there nowhere.
    is_pair = ops.logical_or(block.positives, block.negatives)
    segments = ops.reshape(ops.where(is_pair, segments, count * kinds), (-1,))

    def in_bins(values: Tensor) -> Tensor:
        values = ops.reshape(values, (-1,))
        sums = ops.segment_sum(values, segments, num_segments=count * kinds + 1)
        return ops.reshape(sums[:-1], (count, 2, bins))

    number, above = in_bins(ops.ones_like(share)), in_bins(share)
    left, right = ((0, 0), (0, 0), (1, 0)), ((0, 0), (0, 0), (0, 1))
    return ops.pad(number - above, right) + ops.pad(above, left)
