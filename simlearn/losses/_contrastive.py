"""Contrastive losses: pull positives together, push negatives beyond a margin."""

import functools
from typing import Any

import keras
from keras import ops

from simlearn import distances as _distances
from simlearn._numerics import at_least_float32
from simlearn._typing import Tensor
from simlearn.errors import UserError
from simlearn.losses._base import (
    Distance,
    check_callable,
    check_count,
    check_range,
    register,
)
from simlearn.losses._blocks import BatchLoss, Block, Terms, both_terms, masked_terms, over_batch


@register
def contrastive_loss(same: Tensor, distances: Tensor, *, margin: float = 1.0) -> Tensor:
    """Contrastive loss of explicit pairs: `d^2 / 2` if same, else `max(0, margin - d)^2 / 2`.

    Args:
        same: `(n,)` or `(n, 1)`; 1 where the pair is of one class, 0 where it is not.
        distances: Euclidean distances of the pairs, `(n,)` or `(n, 1)`.
        margin: distance, above 0, beyond which a negative pair costs nothing.

    Returns:
        One value a pair, `(n,)`.

    Raises:
        UserError: not one number a pair in both, or the margin is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import contrastive_loss
        >>> print(np.asarray(contrastive_loss(np.array([1, 0]), np.array([0.5, 0.5]))))
        [0.125 0.125]

    Reference:
        Hadsell, Chopra, LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", CVPR
        2006, eq. 4. Deviation: the paper's Y is 1 for *different* pairs; here 1 means same.
    """
    check_range("margin", margin)
    distances = _one_a_pair("distances", at_least_float32(distances))
    same = _one_a_pair("same", ops.cast(same, distances.dtype))
    check_count("same", same, distances)
    pull = ops.square(distances)
    push = ops.square(ops.maximum(margin - distances, 0.0))
    return 0.5 * (same * pull + (1.0 - same) * push)


@register
class ContrastiveLoss(keras.losses.Loss):
    """Contrastive loss for a two-tower model that outputs distances: `contrastive_loss`.

    `y_true` is 1 for pairs of one class and 0 for others; `y_pred` the pairs' distances.

    Args:
        margin: distance, above 0, beyond which a negative pair costs nothing.
        name: of the loss.
        reduction: as in `keras.losses.Loss`.
    """

    def __init__(
        self,
        *,
        margin: float = 1.0,
        name: str = "contrastive",
        reduction: str = "sum_over_batch_size",
    ) -> None:
        super().__init__(name=name, reduction=reduction)
        self.margin = check_range("margin", margin)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """One value a pair."""
        return contrastive_loss(y_true, y_pred, margin=self.margin)

    def get_config(self) -> dict[str, Any]:
        """Everything needed to make an equal loss."""
        return {**super().get_config(), "margin": self.margin}


@register
def batch_contrastive_loss(
    labels: Tensor,
    embeddings: Tensor,
    *,
    margin: float = 1.0,
    distance: Distance = _distances.euclidean,
    sample_weight: Tensor | None = None,
) -> Tensor:
    """Contrastive loss over every pair of a batch.

    `(mean over positive pairs of d^2 + mean over negative pairs of max(0, margin - d)^2) / 2`.

    Args:
        labels: integers `(batch,)`.
        embeddings: `(batch, dim)`.
        margin: above 0, in the distance's unit; a negative pair beyond it costs nothing.
        distance: one of simlearn.distances.
        sample_weight: `(batch,)`, scales each anchor's pairs.

    Returns:
        Scalar; 0 where there are no pairs.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import batch_contrastive_loss
        >>> x = np.array([[0.0], [1.0], [1.5]], "float32")
        >>> print(float(batch_contrastive_loss(np.array([0, 0, 1]), x)))
        0.5625

    Reference:
        Hadsell et al. 2006, eq. 4. Deviation: each kind is averaged on its own, because a batch
        holds far more negative pairs than positive ones.
    """
    check_range("margin", margin)
    row_loss = functools.partial(_all_pairs, margin=margin, distance=distance)
    return over_batch(row_loss, labels, embeddings, sample_weight)


def _all_pairs(block: Block, *, margin: float, distance: Distance) -> Terms:
    apart = distance(block.anchors, block.others)
    excess = ops.where(block.positives, apart, ops.relu(margin - apart))
    cost = 0.5 * ops.square(excess)
    pull, push = (
        masked_terms(cost, mask, block.column_weights)
        for mask in (block.positives, block.negatives)
    )
    return both_terms(pull, push)


@register
class BatchContrastiveLoss(BatchLoss):
    """Contrastive loss over every pair of a batch: `batch_contrastive_loss`.

    Args:
        margin: above 0, in the distance's unit; a negative pair beyond it costs nothing.
        distance: one of simlearn.distances.
        name: of the loss.
    """

    def __init__(
        self,
        *,
        margin: float = 1.0,
        distance: Distance = _distances.euclidean,
        name: str = "batch_contrastive",
    ) -> None:
        super().__init__(name=name)
        self.margin = check_range("margin", margin)
        self.distance = check_callable("distance", distance)

    def row_loss(self, block: Block) -> Terms:
        """What a block's anchors add to the loss."""
        return _all_pairs(block, margin=self.margin, distance=self.distance)


def _one_a_pair(name: str, values: Tensor) -> Tensor:
    if len(values.shape) == 2 and values.shape[1] == 1:
        return values[:, 0]
    if len(values.shape) != 1:
        raise UserError(
            f"expected one number a pair in {name}, shape (n,), received {tuple(values.shape)}"
        )
    return values
