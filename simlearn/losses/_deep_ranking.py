"""Deep ranking: triplets ordered by graded relevance, not by one class alone."""

from collections.abc import Iterator

from keras import ops

from simlearn import distances as _distances
from simlearn import mining, pairs
from simlearn._numerics import nan_unless_finite
from simlearn._typing import Tensor
from simlearn.losses._base import (
    Distance,
    check_batch,
    check_callable,
    check_range,
    register,
)
from simlearn.losses._blocks import BatchLoss, Terms, average


@register
def deep_ranking_loss(
    labels: Tensor,
    embeddings: Tensor,
    *,
    gap: float = 1.0,
    distance: Distance = _distances.squared_euclidean,
    sample_weight: Tensor | None = None,
) -> Tensor:
    """Hinge over every triplet of a batch whose first partner is the more relevant one.

    Mean of `max(0, gap + d_ij - d_ik)` over anchors i and items j and k with `r_ij > r_ik`. The
    relevance r of two items is the number of leading levels on which their labels agree: with
    `(make, model)`, 2 for one model, 1 for two models of one make, 0 else. Exact, in O(batch^2)
    memory, with two sorts of each row a level. With one level it is the batch-all triplet loss.

    Args:
        labels: integers `(batch, levels)`, the coarsest level first, or `(batch,)` for one level.
            A finer class counts within its coarser one: model 3 of make 1 is not model 3 of 2.
        embeddings: `(batch, dim)`.
        gap: above 0, in the distance's unit.
        distance: one of simlearn.distances.
        sample_weight: `(batch,)`, scales each anchor's triplets.

    Returns:
        Scalar; 0 where no anchor has partners of different relevance.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import deep_ranking_loss
        >>> x = np.array([[0.0], [1.0], [1.5]], "float32")
        >>> make_and_model = np.array([[0, 0], [0, 1], [1, 0]])
        >>> print(float(deep_ranking_loss(make_and_model, x)))
        0.875

    Reference:
        Wang et al., "Learning Fine-grained Image Similarity with Deep Ranking", CVPR 2014: the
        hinge loss of a triplet (squared distances). Deviation: every triplet of the batch in place
        of a sample, and relevance from levels of labels in place of a score of pairs; the penalty
        on the model's weights is left to the model.
    """
    check_range("gap", gap)
    parts = _check_batch(labels, embeddings, sample_weight)
    return _deep_ranking(*parts, gap=gap, distance=distance)


def _deep_ranking(
    labels: Tensor, rows: Tensor, weights: Tensor | None, *, gap: float, distance: Distance
) -> Tensor:
    apart = distance(rows, rows)
    terms = [
        _ranked_at(apart, positives, negatives, weights, gap)
        for positives, negatives in _partners(labels)
    ]
    whole = Terms(sum(level.total for level in terms), sum(level.count for level in terms))
    return average(whole) + nan_unless_finite(rows)


def _partners(labels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """For each relevance above 0: the pairs that have it, and those that have less."""
    levels = labels.shape[1]
    positives = pairs.positive_pairs(labels[:, 0])
    negatives = pairs.negative_pairs(labels[:, 0])
    for level in range(1, levels):
        finer = ops.logical_and(positives, pairs.positive_pairs(labels[:, level]))
        here = ops.logical_and(positives, ops.logical_not(finer))
        yield here, negatives
        positives, negatives = finer, ops.logical_or(negatives, here)
    yield positives, negatives


def _ranked_at(
    apart: Tensor, positives: Tensor, negatives: Tensor, weights: Tensor | None, gap: float
) -> Terms:
    """Hinges of the triplets with these first and second partners."""
    found = mining.batch_all(apart, positives, negatives, margin=gap)
    hinges = found.hinges(apart, gap)
    if weights is not None:
        hinges = hinges * ops.cast(weights, hinges.dtype)
    return Terms(ops.sum(hinges), ops.sum(found.valid))


def _check_batch(
    labels: Tensor, rows: Tensor, sample_weight: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Integer labels `(batch, levels)`, float rows and weights, or an error."""
    labels = ops.convert_to_tensor(labels)
    if len(labels.shape) == 2 and labels.shape[1] is not None and labels.shape[1] > 1:
        _, rows, weights = check_batch(labels[:, 0], rows, sample_weight)
        return labels, rows, weights
    labels, rows, weights = check_batch(labels, rows, sample_weight)
    return labels[:, None], rows, weights


@register
class DeepRankingLoss(BatchLoss):
    """Hinge over triplets ordered by graded relevance: `deep_ranking_loss`.

    Labels are `(batch, levels)`, of which a block of anchors knows one class each: the loss takes
    whole batches only.

    Args:
        gap: above 0, in the distance's unit.
        distance: one of simlearn.distances.
        name: of the loss.
    """

    streams = False

    def __init__(
        self,
        *,
        gap: float = 1.0,
        distance: Distance = _distances.squared_euclidean,
        name: str = "deep_ranking",
    ) -> None:
        super().__init__(name=name)
        self.gap = check_range("gap", gap)
        self.distance = check_callable("distance", distance)

    def prepare(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        """Integer labels `(batch, levels)`, float rows and weights, or an error."""
        return _check_batch(y_true, y_pred, sample_weight)

    def call(
        self, labels: Tensor, embeddings: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Scalar loss of one batch."""
        return _deep_ranking(
            labels, embeddings, sample_weight, gap=self.gap, distance=self.distance
        )
