"""Losses that are one minus a smooth average precision of each anchor's ranking of the others."""

import functools

from keras import ops

from simlearn import distances, pairs
from simlearn._numerics import l2_normalize
from simlearn._typing import Tensor
from simlearn.losses._base import check_range, register
from simlearn.losses._blocks import BatchLoss, Block, Terms, masked_terms, over_batch
from simlearn.losses._soft_histogram import check_bins, pair_histograms

# The similarity of what is no pair, in temperatures: below all others, and its sigmoid is 0.
_LAST = -1e30


@register
def fast_ap_loss(
    labels: Tensor, embeddings: Tensor, *, bins: int = 10, sample_weight: Tensor | None = None
) -> Tensor:
    """FastAP: one minus the average precision of histograms of squared distances.

    Mean over anchors of `1 - sum_r h+_r H+_r / H_r / |P|`: h+ is the histogram of the squared
    distances between unit vectors to the anchor's positives P, H+ its cumulative sum, and H that
    of all other items. A distance is split between the two nodes around it by linear
    interpolation; at a node the gradient is that of the bin above it.

    Args:
        labels: integers `(batch,)`.
        embeddings: `(batch, dim)`, of any length.
        bins: intervals of equal width between 0 and 4; 1 or more.
        sample_weight: `(batch,)`, scales each anchor.

    Returns:
        Scalar in `[0, 1)`; anchors without a positive and a negative do not count, 0 where none
        is left.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import fast_ap_loss
        >>> x = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], "float32")
        >>> print(round(float(fast_ap_loss(np.array([0, 0, 1]), x)), 4))
        0.5

    Reference:
        Cakir et al., "Deep Metric Learning to Rank", CVPR 2019 (its L is `bins`).
    """
    check_bins(bins)
    return over_batch(functools.partial(_fast_ap, bins=bins), labels, embeddings, sample_weight)


def _fast_ap(block: Block, *, bins: int) -> Terms:
    half = 0.5 * bins
    anchors = half * l2_normalize(block.anchors)
    position = half + distances.dot(anchors, l2_normalize(block.others))
    histograms = pair_histograms(block, position, bins=bins)
    positives = histograms[:, 0]
    reached = ops.cumsum(histograms, axis=-1)
    precision = ops.divide_no_nan(reached[:, 0], ops.sum(reached, axis=1))
    total = ops.sum(positives * precision, axis=-1)
    average = ops.divide_no_nan(total, ops.stop_gradient(reached[:, 0, -1]))
    valid = pairs.valid_anchors(block.positives, block.negatives)
    return masked_terms(1.0 - average, valid, block.weights)


@register
def smooth_ap_loss(
    labels: Tensor,
    embeddings: Tensor,
    *,
    temperature: float = 0.01,
    sample_weight: Tensor | None = None,
) -> Tensor:
    """Smooth-AP: one minus the average precision with sigmoids in place of comparisons.

    Mean over anchors of `1 - mean_p (1 + sum_{q != p} G(s_q - s_p)) / (1 + sum_{q != p} G(s_q -
    s_p) + sum_n G(s_n - s_p))`: s is the cosine to the anchor, G the sigmoid of its argument over
    the temperature, p and q are the anchor's positives, n its negatives. O(batch^2) memory, and
    O(batch^2) time for each positive of the anchor that has most.

    Args:
        labels: integers `(batch,)`; classes may differ in size.
        embeddings: `(batch, dim)`, of any length.
        temperature: above 0; the sharper, the closer to average precision itself.
        sample_weight: `(batch,)`, scales each anchor.

    Returns:
        Scalar in `[0, 1)`; anchors without a positive and a negative do not count, 0 where none
        is left. There is no second derivative.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import smooth_ap_loss
        >>> x = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], "float32")
        >>> print(round(float(smooth_ap_loss(np.array([0, 0, 1]), x)), 4))
        0.4167

    Reference:
        Brown et al., "Smooth-AP: Smoothing the Path Towards Large-Scale Image Retrieval", ECCV
        2020 (temperature 0.01). Deviation from the authors' code: an anchor is not among its own
        positives, where it would always be first.
    """
    check_range("temperature", temperature)
    row_loss = functools.partial(_smooth_ap, temperature=temperature)
    return over_batch(row_loss, labels, embeddings, sample_weight)


def _smooth_ap(block: Block, *, temperature: float) -> Terms:
    cosines = -distances.dot(l2_normalize(block.anchors), l2_normalize(block.others))
    scores = cosines / temperature
    precision, slopes = map(ops.stop_gradient, _smooth_precision(ops.stop_gradient(scores), block))
    # A plane through the point: its value is the precision, its gradient the slopes.
    plane = ops.sum(slopes * scores, axis=-1)
    precision = precision + (plane - ops.stop_gradient(plane))
    valid = pairs.valid_anchors(block.positives, block.negatives)
    return masked_terms(1.0 - precision, valid, block.weights)


def _smooth_precision(scores: Tensor, block: Block) -> tuple[Tensor, Tensor]:
    """Average precision `(n,)` and its derivatives by `scores` `(n, m)`, a positive at a time."""
    is_pair = ops.logical_or(block.positives, block.negatives)
    compared = ops.where(is_pair, scores, _LAST)
    number = ops.sum(ops.cast(block.positives, "int32"), axis=-1)
    share = 1.0 / ops.maximum(ops.cast(number, scores.dtype), 1.0)
    order = ops.cumsum(ops.cast(block.positives, "int32"), axis=-1)
    order = ops.where(block.positives, order, 0)

    def body(turn: Tensor, precision: Tensor, slopes: Tensor) -> tuple[Tensor, ...]:
        is_this = ops.equal(order, turn)
        this = ops.sum(ops.where(is_this, scores, 0.0), axis=-1, keepdims=True)
        above = ops.sigmoid(compared - this)
        # Compared with itself the positive gives half a rank.
        among = 0.5 + ops.sum(ops.where(block.positives, above, 0.0), axis=-1)
        rank = 0.5 + ops.sum(above, axis=-1)
        mine = ops.where(number >= turn, share, 0.0)
        gain, cost = mine / rank, mine * among / ops.square(rank)
        steepness = above * (1.0 - above)
        by_other = steepness * ops.where(block.positives, (gain - cost)[:, None], -cost[:, None])
        by_this = ops.sum(by_other, axis=-1, keepdims=True)
        slopes = slopes + by_other - ops.where(is_this, by_this, 0.0)
        return turn + 1, precision + gain * among, slopes

    steps = ops.max(number, initial=0)
    first = ops.convert_to_tensor(1, dtype="int32")
    zeros = ops.zeros_like(scores)
    _, precision, slopes = ops.while_loop(
        lambda turn, *_: turn <= steps, body, (first, ops.sum(zeros, axis=-1), zeros)
    )
    return precision, slopes


@register
class FastAPLoss(BatchLoss):
    """FastAP, average precision over histograms of distances: `fast_ap_loss`.

    Args:
        bins: intervals of equal width between 0 and 4; 1 or more.
        name: of the loss.
    """

    def __init__(self, *, bins: int = 10, name: str = "fast_ap") -> None:
        super().__init__(name=name)
        self.bins = check_bins(bins)

    def row_loss(self, block: Block) -> Terms:
        """What a block's anchors add to the loss."""
        return _fast_ap(block, bins=self.bins)


@register
class SmoothAPLoss(BatchLoss):
    """Smooth-AP, average precision with sigmoids for comparisons: `smooth_ap_loss`.

    Args:
        temperature: above 0; the sharper, the closer to average precision itself.
        name: of the loss.
    """

    def __init__(self, *, temperature: float = 0.01, name: str = "smooth_ap") -> None:
        super().__init__(name=name)
        self.temperature = check_range("temperature", temperature)

    def row_loss(self, block: Block) -> Terms:
        """What a block's anchors add to the loss."""
        return _smooth_ap(block, temperature=self.temperature)
