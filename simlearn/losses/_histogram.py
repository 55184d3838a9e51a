"""Histogram loss: how likely a positive pair is less alike than a negative one."""

import functools

from keras import ops

from simlearn import distances
from simlearn._numerics import l2_normalize
from simlearn._typing import Tensor
from simlearn.losses._base import register
from simlearn.losses._blocks import BatchLoss, Block, Terms, over_batch
from simlearn.losses._soft_histogram import check_bins, pair_histograms


@register
def histogram_loss(
    labels: Tensor,
    embeddings: Tensor,
    *,
    bins: int = 100,
    sample_weight: Tensor | None = None,
) -> Tensor:
    """Histogram loss: the probability that a negative pair is more alike than a positive one.

    `sum_r h-_r (h+_1 + ... + h+_r)`, with h+ and h- the histograms of the cosines of all positive
    and of all negative pairs of the batch, each of sum 1. A cosine is split between the two nodes
    around it by linear interpolation; at a node the gradient is that of the bin above it.

    Args:
        labels: integers `(batch,)`.
        embeddings: `(batch, dim)`, of any length.
        bins: intervals of equal width between -1 and 1; 1 or more.
        sample_weight: `(batch,)`, of the anchors' pairs: in h+ their shares of the sum, in h- also
            the factor that scales the loss.

    Returns:
        Scalar; 0 where the batch lacks either kind of pair.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import histogram_loss
        >>> x = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]], "float32")
        >>> print(round(float(histogram_loss(np.array([0, 0, 1]), x)), 4))
        1.0

    Reference:
        Ustinova and Lempitsky, "Learning Deep Embeddings with Histogram Loss", NIPS 2016. The
        paper's R is the number of nodes, `bins + 1`.
    """
    check_bins(bins)
    row_loss = functools.partial(_histogram, bins=bins)
    return over_batch(row_loss, labels, embeddings, sample_weight)


def _histogram(block: Block, *, bins: int) -> Terms:
    half = 0.5 * bins
    anchors = half * l2_normalize(block.anchors)
    position = half - distances.dot(anchors, l2_normalize(block.others))
    histograms = pair_histograms(block, position, bins=bins)
    counts = ops.sum(ops.stop_gradient(histograms), axis=-1)
    if block.weights is not None:
        histograms = histograms * ops.cast(block.weights, histograms.dtype)[:, None, None]
    positives, negatives = ops.unstack(ops.sum(histograms, axis=0), 2)
    # The positives are a distribution also when weighted; the negatives are averaged over.
    reached = ops.divide_no_nan(ops.cumsum(positives), ops.sum(positives))
    number = ops.sum(counts, axis=0)
    both = ops.cast(ops.all(number > 0), positives.dtype)
    return Terms(both * ops.sum(negatives * reached) / ops.maximum(number[1], 1.0), both)


@register
class HistogramLoss(BatchLoss):
    """Histogram loss over all pairs of a batch: `histogram_loss`.

    Not a sum over anchors, and so not one that goes through a batch in blocks: every negative pair
    meets the positive pairs of all anchors.

    Args:
        bins: intervals of equal width between -1 and 1; 1 or more.
        name: of the loss.
    """

    streams = False

    def __init__(self, *, bins: int = 100, name: str = "histogram") -> None:
        super().__init__(name=name)
        self.bins = check_bins(bins)

    def row_loss(self, block: Block) -> Terms:
        """The loss of a whole batch, as one term."""
        return _histogram(block, bins=self.bins)
