"""Angular loss: the angle at the negative, in the triangle it makes with a positive pair."""

import functools
import math

from keras import ops

from simlearn._accumulate import accumulate
from simlearn._numerics import l2_normalize, logsumexp
from simlearn._typing import Tensor
from simlearn.losses._base import check_range, register
from simlearn.losses._blocks import BatchLoss, Block, Terms, masked_terms, over_batch


@register
def angular_loss(
    labels: Tensor,
    embeddings: Tensor,
    *,
    alpha: float = math.pi / 4,
    sample_weight: Tensor | None = None,
) -> Tensor:
    """Angular loss: each positive pair against all its negatives.

    Mean over positive pairs of `log(1 + sum_n exp(4 t (a + p).n - 2 (1 + t) a.p))`, with `t =
    tan(alpha)^2` and embeddings scaled to unit length. One positive of each anchor at a time: time
    grows with the size of the largest class, memory stays O(batch^2). The gradient is made along
    with the value, so there is no second derivative.

    Args:
        labels: integers `(batch,)`.
        embeddings: `(batch, dim)`, of any length.
        alpha: the largest angle wanted at the negative, in radians, in `(0, pi / 2)`; the paper
            has 36 to 55 degrees.
        sample_weight: `(batch,)`, scales each anchor's pairs; it gets no gradient.

    Returns:
        Scalar; 0 where no anchor has a positive and a negative.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import angular_loss
        >>> x = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], "float32")
        >>> print(round(float(angular_loss(np.array([0, 0, 1]), x)), 4))
        0.0181

    Reference:
        Wang et al., "Deep Metric Learning with Angular Loss", ICCV 2017: the loss of a batch, a
        positive pair against many negatives. Deviation: every positive pair of the batch counts,
        against all items of other classes, in either order.
    """
    check_range("alpha", alpha, high=math.pi / 2)
    row_loss = functools.partial(_angular, alpha=alpha)
    return over_batch(row_loss, labels, embeddings, sample_weight)


def _angular(block: Block, *, alpha: float) -> Terms:
    squared_tangent = math.tan(alpha) ** 2
    count = ops.shape(block.anchors)[0]
    ranks = ops.cumsum(ops.cast(block.positives, "int32"), axis=-1)
    ranks = ops.where(block.positives, ranks, 0)
    # Counted from 1, so that a sum over no column at all says that there is none.
    numbers = ops.arange(1, ops.shape(block.others)[0] + 1, dtype="int32")
    opposed = ops.any(block.negatives, axis=-1)

    def step(index: Tensor, unit_rows: Tensor) -> tuple[Tensor, Tensor]:
        anchors, others = unit_rows[:count], unit_rows[count:]
        found = ops.sum(ops.where(ops.equal(ranks, index + 1), numbers, 0), axis=-1)
        positives = ops.take(others, ops.maximum(found - 1, 0), axis=0)
        toward = 4.0 * squared_tangent * (anchors + positives)
        against = logsumexp(ops.matmul(toward, ops.transpose(others)), block.negatives)
        own = 2.0 * (1.0 + squared_tangent) * ops.sum(anchors * positives, axis=-1)
        losses = ops.softplus(against[:, 0] - own)
        terms = masked_terms(losses, ops.logical_and(found > 0, opposed), block.weights)
        return ops.reshape(terms.total, (1,)), ops.reshape(terms.count, (1,))

    unit_rows = l2_normalize(ops.concatenate([block.anchors, block.others]))
    steps = ops.maximum(ops.max(ranks, initial=0), 1)
    totals, counts = accumulate(step, unit_rows, steps)
    return Terms(totals[0], counts[0])


@register
class AngularLoss(BatchLoss):
    """Angular loss of every positive pair of a batch: `angular_loss`.

    Args:
        alpha: the largest angle wanted at the negative, in radians, in `(0, pi / 2)`.
        name: of the loss.
    """

    def __init__(self, *, alpha: float = math.pi / 4, name: str = "angular") -> None:
        super().__init__(name=name)
        self.alpha = check_range("alpha", alpha, high=math.pi / 2)

    def row_loss(self, block: Block) -> Terms:
        """What a block's anchors add to the loss."""
        return _angular(block, alpha=self.alpha)
