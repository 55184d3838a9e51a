"""Tuplet margin loss."""

import functools
import math

from keras import ops

from simlearn import distances
from simlearn._numerics import l2_normalize, logsumexp, safe_sqrt
from simlearn._typing import Tensor
from simlearn.losses._base import check_range, register
from simlearn.losses._blocks import BatchLoss, Block, Terms, masked_terms, over_batch


@register
def tuplet_margin_loss(
    labels: Tensor,
    embeddings: Tensor,
    *,
    margin: float = 0.1,
    scale: float = 64.0,
    sample_weight: Tensor | None = None,
) -> Tensor:
    """Tuplet margin loss: a softmax over the negatives, with some slack for the positive.

    Mean over positive pairs of `log(1 + sum_n exp(scale (cos t_an - cos(t_ap - margin))))`, t the
    angle between embeddings. The slack keeps pairs that are close enough from being pulled closer.

    Args:
        labels: integers `(batch,)`.
        embeddings: `(batch, dim)`, of any length.
        margin: the slack (beta in the paper), in radians, in `[0, pi)`.
        scale: s, above 0.
        sample_weight: `(batch,)`, scales each anchor's pairs.

    Returns:
        Scalar; 0 where no anchor has a positive and a negative. The slack's part of the gradient
        is 0 between parallel vectors.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import tuplet_margin_loss
        >>> x = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], "float32")
        >>> labels = np.array([0, 0, 1])
        >>> print(round(float(tuplet_margin_loss(labels, x, margin=0.0, scale=1.0)), 4))
        0.3133

    Reference:
        Yu and Tao, "Deep Metric Learning with Tuplet Margin Loss", ICCV 2019. Deviation: every
        positive pair of the batch counts, against all items of other classes, where the paper draws
        one negative from each other class; the paper's second loss, of the variance among pairs, is
        left out.
    """
    _check(margin, scale)
    row_loss = functools.partial(_tuplet_margin, margin=margin, scale=scale)
    return over_batch(row_loss, labels, embeddings, sample_weight)


def _tuplet_margin(block: Block, *, margin: float, scale: float) -> Terms:
    cosines = -distances.dot(l2_normalize(block.anchors), l2_normalize(block.others))
    against = logsumexp(scale * cosines, block.negatives)
    # cos(t - margin), by the angles' sum: an arc cosine would cost more, in time and in digits.
    slack = scale * math.sin(margin) * safe_sqrt(1.0 - ops.square(cosines))
    losses = ops.softplus(against - scale * math.cos(margin) * cosines - slack)
    opposed = ops.any(block.negatives, axis=-1, keepdims=True)
    counted = ops.logical_and(block.positives, opposed)
    return masked_terms(losses, counted, block.column_weights)


@register
class TupletMarginLoss(BatchLoss):
    """Tuplet margin loss of every positive pair of a batch: `tuplet_margin_loss`.

    Args:
        margin: the slack, in radians, in `[0, pi)`.
        scale: above 0.
        name: of the loss.
    """

    def __init__(
        self, *, margin: float = 0.1, scale: float = 64.0, name: str = "tuplet_margin"
    ) -> None:
        super().__init__(name=name)
        _check(margin, scale)
        self.margin = margin
        self.scale = scale

    def row_loss(self, block: Block) -> Terms:
        """What a block's anchors add to the loss."""
        return _tuplet_margin(block, margin=self.margin, scale=self.scale)


def _check(margin: float, scale: float) -> None:
    check_range("margin", margin, high=math.pi, bounds="[)")
    check_range("scale", scale)
