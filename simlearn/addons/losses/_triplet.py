"""Triplet losses of a batch, mined as tensorflow-addons mines them."""

from collections.abc import Callable
from typing import TypeAlias

from simlearn import distances, losses, mining
from simlearn._typing import Tensor
from simlearn.addons.losses._base import EmbeddingLoss, register
from simlearn.distances import Distance
from simlearn.errors import UserError
from simlearn.losses._base import check_range

Metric: TypeAlias = str | Callable[[Tensor], Tensor]
"""A name, or a function from embeddings `(batch, dim)` to distances `(batch, batch)`."""

_METRICS: dict[str, Distance] = {
    "L2": distances.euclidean,
    "squared-L2": distances.squared_euclidean,
    "angular": distances.cosine,
}


@register
def triplet_semihard_loss(
    y_true: Tensor,
    y_pred: Tensor,
    margin: float = 1.0,
    distance_metric: Metric = "L2",
    *,
    sample_weight: Tensor | None = None,
) -> Tensor:
    """Triplet loss with semi-hard negatives: the mean of `max(0, ap - an + margin)`.

    The mean is over pairs of an anchor and a positive; the negative of each is the closest one
    that is farther than the positive, or the farthest where there is none.

    Args:
        y_true: integers `(batch,)` or `(batch, 1)`.
        y_pred: embeddings `(batch, dim)`.
        margin: above 0, in the metric's unit.
        distance_metric: `"L2"`, `"squared-L2"`, `"angular"` (which is `1 - cosine`), or a function
            from embeddings `(batch, dim)` to distances `(batch, batch)`.
        sample_weight: `(batch,)`, scales each anchor's pairs; new here.

    Returns:
        Scalar; 0 where the batch holds no triplet.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.addons import triplet_semihard_loss
        >>> x = np.array([[0.0], [1.0], [1.5]], "float32")
        >>> print(float(triplet_semihard_loss(np.array([0, 0, 1]), x, 0.25, "squared-L2")))
        0.5

    Reference:
        Schroff et al., "FaceNet", CVPR 2015, eqs. 3 and 4. Deviation from tensorflow-addons:
        there a batch of one class has each anchor as its own negative, and one without positives
        gives NaN.
    """
    return losses.mined_triplet_loss(
        y_true,
        y_pred,
        miner=mining.semi_hard,
        margin=margin,
        distance=_distance_of(distance_metric),
        sample_weight=sample_weight,
    )


@register
def triplet_hard_loss(
    y_true: Tensor,
    y_pred: Tensor,
    margin: float = 1.0,
    soft: bool = False,
    distance_metric: Metric = "L2",
    *,
    sample_weight: Tensor | None = None,
) -> Tensor:
    """Triplet loss of each anchor's farthest positive and closest negative.

    The mean over anchors of `max(0, ap - an + margin)`, or of `log(1 + exp(ap - an))` if soft.

    Args:
        y_true: integers `(batch,)` or `(batch, 1)`.
        y_pred: embeddings `(batch, dim)`.
        margin: above 0, in the metric's unit; not used if soft.
        soft: whether to put the logarithm in place of the margin.
        distance_metric: `"L2"`, `"squared-L2"`, `"angular"` (which is `1 - cosine`), or a function
            from embeddings `(batch, dim)` to distances `(batch, batch)`.
        sample_weight: `(batch,)`, scales each anchor; new here.

    Returns:
        Scalar; 0 where no anchor has a positive and a negative.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.addons import triplet_hard_loss
        >>> x = np.array([[0.0], [1.0], [1.5]], "float32")
        >>> print(float(triplet_hard_loss(np.array([0, 0, 1]), x)))
        1.0

    Reference:
        Hermans et al., "In Defense of the Triplet Loss for Person Re-Identification", 2017, eq. 5
        and section 2 (soft margin). Deviation from tensorflow-addons: there an anchor without a
        positive is its own, one without a negative has its farthest positive for one, and both
        count; soft overflows where the distances differ by 89 or more.
    """
    distance = _distance_of(distance_metric)
    if soft:
        return losses.soft_margin_triplet_loss(
            y_true, y_pred, miner=mining.batch_hard, distance=distance, sample_weight=sample_weight
        )
    return losses.mined_triplet_loss(
        y_true,
        y_pred,
        miner=mining.batch_hard,
        margin=margin,
        distance=distance,
        sample_weight=sample_weight,
    )


@register
class TripletSemiHardLoss(EmbeddingLoss):
    """Triplet loss with semi-hard negatives: `triplet_semihard_loss`.

    Args:
        margin: above 0, in the metric's unit.
        distance_metric: `"L2"`, `"squared-L2"`, `"angular"` or a function.
        name: of the loss.

    Examples:
        >>> import keras
        >>> from simlearn.addons import TripletSemiHardLoss
        >>> model = keras.Sequential([keras.layers.Dense(8), keras.layers.UnitNormalization()])
        >>> model.compile(optimizer="adam", loss=TripletSemiHardLoss(0.2, "squared-L2"))
    """

    def __init__(
        self, margin: float = 1.0, distance_metric: Metric = "L2", name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.margin = check_range("margin", margin)
        self.distance_metric = _check_metric(distance_metric)

    def call(
        self, labels: Tensor, embeddings: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Scalar loss of one batch."""
        return triplet_semihard_loss(
            labels, embeddings, self.margin, self.distance_metric, sample_weight=sample_weight
        )


@register
class TripletHardLoss(EmbeddingLoss):
    """Triplet loss of each anchor's farthest positive and closest negative: `triplet_hard_loss`.

    Args:
        margin: above 0, in the metric's unit; not used if soft.
        soft: whether to put `log(1 + exp(ap - an))` in place of the hinge.
        distance_metric: `"L2"`, `"squared-L2"`, `"angular"` or a function.
        name: of the loss.

    Examples:
        >>> import numpy as np
        >>> from simlearn.addons import TripletHardLoss
        >>> x = np.array([[0.0], [1.0], [1.5]], "float32")
        >>> print(round(float(TripletHardLoss(soft=True)(np.array([0, 0, 1]), x)), 4))
        0.7241
    """

    def __init__(
        self,
        margin: float = 1.0,
        soft: bool = False,
        distance_metric: Metric = "L2",
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.margin = margin if soft else check_range("margin", margin)
        self.soft = soft
        self.distance_metric = _check_metric(distance_metric)

    def call(
        self, labels: Tensor, embeddings: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Scalar loss of one batch."""
        return triplet_hard_loss(
            labels,
            embeddings,
            self.margin,
            self.soft,
            self.distance_metric,
            sample_weight=sample_weight,
        )


def _distance_of(metric: Metric) -> Distance:
    """The metric as a distance between two sets; a loss only asks for those of one batch."""
    _check_metric(metric)
    if isinstance(metric, str):
        return _METRICS[metric]
    return lambda rows, _: metric(rows)


def _check_metric(metric: Metric) -> Metric:
    if callable(metric) or metric in _METRICS:
        return metric
    names = ", ".join(map(repr, _METRICS))
    raise UserError(f"expected distance_metric as {names} or a function, received {metric!r}")
