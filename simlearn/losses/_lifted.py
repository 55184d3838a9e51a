"""Lifted structure losses: a positive pair against all the negatives of both its items."""

import functools

from keras import ops

from simlearn import distances as _distances
from simlearn import pairs
from simlearn._numerics import logsumexp
from simlearn._typing import Tensor
from simlearn.losses._base import Distance, check_callable, check_range, register
from simlearn.losses._blocks import BatchLoss, Block, Terms, masked_terms, over_batch


@register
def lifted_structure_loss(
    labels: Tensor,
    embeddings: Tensor,
    *,
    margin: float = 1.0,
    distance: Distance = _distances.euclidean,
    sample_weight: Tensor | None = None,
) -> Tensor:
    """Lifted structure loss: half the mean over positive pairs of `max(0, J_ij)^2`.

    `J_ij = d_ij + log(sum_k exp(margin - d_ik) + sum_l exp(margin - d_jl))`, with k the negatives
    of i, l those of j, and d the distance. The sums are made once an item: O(batch^2) altogether.

    Args:
        labels: integers `(batch,)`.
        embeddings: `(batch, dim)`.
        margin: above 0, in the distance's unit.
        distance: one of simlearn.distances.
        sample_weight: `(batch,)`, scales each anchor's pairs.

    Returns:
        Scalar; 0 where the batch holds no positive pair or no negative one. Where J is 0 the
        gradient is 0.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import lifted_structure_loss
        >>> x = np.array([[0.0], [1.0], [1.5]], "float32")
        >>> print(round(float(lifted_structure_loss(np.array([0, 0, 1]), x)), 3))
        1.644

    Reference:
        Oh Song et al., "Deep Metric Learning via Lifted Structured Feature Embedding", CVPR 2016,
        the smooth upper bound. Deviation: a pair counts once from either end, which leaves the
        mean as it is and gives each end's weight its say.
    """
    check_range("margin", margin)
    row_loss = functools.partial(_lifted, margin=margin, distance=distance)
    return over_batch(row_loss, labels, embeddings, sample_weight)


@register
def generalized_lifted_structure_loss(
    labels: Tensor,
    embeddings: Tensor,
    *,
    margin: float = 1.0,
    distance: Distance = _distances.euclidean,
    sample_weight: Tensor | None = None,
) -> Tensor:
    """Generalised lifted structure loss: an anchor's positives all at once.

    Mean over anchors of `max(0, log(sum_p exp(d_ap)) + log(sum_n exp(margin - d_an)))`, d the
    distance.

    Args:
        labels: integers `(batch,)`.
        embeddings: `(batch, dim)`.
        margin: above 0, in the distance's unit.
        distance: one of simlearn.distances.
        sample_weight: `(batch,)`, scales each anchor.

    Returns:
        Scalar; anchors without a positive and a negative do not count, 0 where none is left.
        Where the hinge is at 0 its gradient is 0.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import generalized_lifted_structure_loss
        >>> x = np.array([[0.0], [1.0], [1.5]], "float32")
        >>> print(float(generalized_lifted_structure_loss(np.array([0, 0, 1]), x)))
        1.0

    Reference:
        Hermans et al., "In Defense of the Triplet Loss for Person Re-Identification", 2017,
        eq. 7 (the generalised lifted embedding loss), with the divisor that section 2 leaves out of
        its equations.
    """
    check_range("margin", margin)
    row_loss = functools.partial(_generalized, margin=margin, distance=distance)
    return over_batch(row_loss, labels, embeddings, sample_weight)


def _lifted(block: Block, *, margin: float, distance: Distance) -> Terms:
    apart = distance(block.anchors, block.others)
    pushes = logsumexp(margin - apart, block.negatives)
    both = pushes + ops.softplus(ops.transpose(pushes) - pushes)
    counted = ops.logical_and(block.positives, ops.any(block.negatives, axis=-1, keepdims=True))
    cost = 0.5 * ops.square(ops.relu(apart + both))
    return masked_terms(cost, counted, block.column_weights)


def _generalized(block: Block, *, margin: float, distance: Distance) -> Terms:
    apart = distance(block.anchors, block.others)
    pull = logsumexp(apart, block.positives)
    push = logsumexp(margin - apart, block.negatives)
    valid = pairs.valid_anchors(block.positives, block.negatives)
    return masked_terms(ops.relu(pull + push)[:, 0], valid, block.weights)


class _LiftedLoss(BatchLoss):
    """Margin and distance, which both losses have."""

    def __init__(self, *, margin: float, distance: Distance, name: str) -> None:
        super().__init__(name=name)
        self.margin = check_range("margin", margin)
        self.distance = check_callable("distance", distance)


@register
class LiftedStructureLoss(_LiftedLoss):
    """Lifted structure loss of every positive pair of a batch: `lifted_structure_loss`.

    A pair needs the negatives of both its items, and so the batch as a whole: it cannot be
    streamed.

    Args:
        margin: above 0, in the distance's unit.
        distance: one of simlearn.distances.
        name: of the loss.
    """

    streams = False

    def __init__(
        self,
        *,
        margin: float = 1.0,
        distance: Distance = _distances.euclidean,
        name: str = "lifted_structure",
    ) -> None:
        super().__init__(margin=margin, distance=distance, name=name)

    def row_loss(self, block: Block) -> Terms:
        """What a block's anchors add to the loss; the block is the batch."""
        return _lifted(block, margin=self.margin, distance=self.distance)


@register
class GeneralizedLiftedStructureLoss(_LiftedLoss):
    """Generalised lifted structure loss: `generalized_lifted_structure_loss`.

    Args:
        margin: above 0, in the distance's unit.
        distance: one of simlearn.distances.
        name: of the loss.
    """

    def __init__(
        self,
        *,
        margin: float = 1.0,
        distance: Distance = _distances.euclidean,
        name: str = "generalized_lifted_structure",
    ) -> None:
        super().__init__(margin=margin, distance=distance, name=name)

    def row_loss(self, block: Block) -> Terms:
        """What a block's anchors add to the loss."""
        return _generalized(block, margin=self.margin, distance=self.distance)
