"""What a batch teaches, as numbers beside the loss: for `compile(metrics=...)`.

A loss that stands still has learned all, or nothing: of triplets that are all satisfied, of anchors
without a partner, of embeddings that are all the same. These metrics tell which. Like every metric
they stand in the history and in TensorBoard, and for the validation data too.

Examples:
    >>> import keras
    >>> from simlearn import losses, telemetry
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    >>> model.compile("sgd", losses.TripletHardLoss(), metrics=telemetry.in_batch())
"""

import math
import warnings
from typing import Any

import keras
from keras import ops

from simlearn import distances as _distances
from simlearn import mining, pairs
from simlearn._numerics import nan_unless_finite
from simlearn._typing import Tensor
from simlearn.errors import TrainingFailedError, UserError
from simlearn.losses._base import (
    Distance,
    check_batch,
    check_callable,
    check_range,
    register,
    restore,
    save_callable,
)
from simlearn.losses._blocks import masked_terms
from simlearn.losses._replicas import gathered, only_infers_shapes

__all__ = [
    "ActiveTriplets",
    "AnchorsWithoutNegative",
    "AnchorsWithoutPositive",
    "CollapseAlarm",
    "EmbeddingSpread",
    "MeanNegativeDistance",
    "MeanPositiveDistance",
    "in_batch",
]


class _BatchMetric(keras.metrics.Metric):
    """A mean over what the batches hold: `total / count`, NaN where there was nothing to measure.

    Labels `(batch,)` arrive as they are, never as floats. Where several replicas (tf.distribute)
    share a batch, it is put together again. Subclasses give `measure`.
    """

    def __init__(self, *, name: str, dtype: str | None = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable(shape=(), initializer="zeros", name="total")
        self.count = self.add_variable(shape=(), initializer="zeros", name="count")

    def measure(self, labels: Tensor, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """Total and count of one batch."""
        raise NotImplementedError

    def update_state(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> None:
        """Add a batch.

        Args:
            y_true: labels, integers `(batch,)`.
            y_pred: embeddings `(batch, dim)`.
            sample_weight: None.

        Raises:
            UserError: labels are not integers, shapes do not fit, or there are weights.
        """
        if sample_weight is not None:
            raise UserError(
                f"expected {self.name} among the metrics, received weights: it does not belong "
                "among the weighted_metrics"
            )
        if only_infers_shapes():
            y_true = ops.cast(y_true, "int64")
        labels, rows, _ = check_batch(y_true, ops.stop_gradient(ops.convert_to_tensor(y_pred)))
        dim = rows.shape[1]
        labels, rows = gathered((labels, rows))
        rows = ops.reshape(rows, (-1, dim))  # gathered from replicas, it forgot
        total, count = self.measure(labels, rows)
        self.total.assign_add(ops.cast(total + nan_unless_finite(rows), self.total.dtype))
        self.count.assign_add(ops.cast(count, self.count.dtype))

    def result(self) -> Tensor:
        """The mean so far."""
        count = ops.convert_to_tensor(self.count)
        some = count > 0
        mean = ops.convert_to_tensor(self.total) / ops.where(some, count, 1.0)
        return ops.where(some, mean, math.nan)

    def get_config(self) -> dict[str, Any]:
        """Everything needed to make an equal metric."""
        return {"name": self.name, "dtype": self.dtype}


class _DistanceMetric(_BatchMetric):
    def __init__(self, *, distance: Distance, name: str, dtype: str | None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.distance = check_callable("distance", distance)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "distance": save_callable(self.distance)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "_DistanceMetric":
        return cls(**restore(config))


@register
class ActiveTriplets(_DistanceMetric):
    """Share of all triplets in a batch with `d_an < d_ap + margin`: those that still teach.

    Exact over every triplet in O(batch^2) memory, as `simlearn.mining.batch_all` counts them.

    Args:
        margin: above 0, in the distance's unit: that of the loss.
        distance: one of simlearn.distances: that of the loss.
        name: of the metric.
        dtype: of the sums.

    Raises:
        UserError: an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.telemetry import ActiveTriplets
        >>> metric = ActiveTriplets(margin=0.2)
        >>> metric.update_state(np.array([0, 0, 1]), np.array([[0.0], [1.0], [2.1]], "float32"))
        >>> print(float(metric.result()))
        0.5

    Reference:
        The triplets are those of Hermans et al., "In Defense of the Triplet Loss for Person
        Re-Identification", 2017, eq. 6.
    """

    def __init__(
        self,
        *,
        margin: float = 0.2,
        distance: Distance = _distances.euclidean,
        name: str = "active_triplets",
        dtype: str | None = None,
    ) -> None:
        super().__init__(distance=distance, name=name, dtype=dtype)
        self.margin = check_range("margin", margin)

    def measure(self, labels: Tensor, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """Active triplets of one batch, and all triplets."""
        positives, negatives = pairs.positive_pairs(labels), pairs.negative_pairs(labels)
        apart = self.distance(embeddings, embeddings)
        found = mining.batch_all(apart, positives, negatives, margin=self.margin)
        return ops.sum(found.active), ops.sum(found.valid)

    def get_config(self) -> dict[str, Any]:
        """Everything needed to make an equal metric."""
        return {**super().get_config(), "margin": self.margin}


class _AnchorsWithout(_BatchMetric):
    """Share of a batch's items without a partner of some kind."""

    def share(self, partners: Tensor) -> tuple[Tensor, Tensor]:
        """Items with no partner, and all items; `partners` is bool `(batch, batch)`."""
        alone = ops.logical_not(ops.any(partners, axis=1))
        return ops.sum(ops.cast(alone, self.dtype)), ops.sum(ops.ones_like(alone, dtype=self.dtype))


@register
class AnchorsWithoutPositive(_AnchorsWithout):
    """Share of items whose label no other item of the batch has; most losses pass them over.

    Args:
        name: of the metric.
        dtype: of the sums.
    """

    def __init__(self, *, name: str = "anchors_without_positive", dtype: str | None = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def measure(self, labels: Tensor, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """Items without a positive, and all items."""
        return self.share(pairs.positive_pairs(labels))


@register
class AnchorsWithoutNegative(_AnchorsWithout):
    """Share of items whose label every item of the batch has.

    Args:
        name: of the metric.
        dtype: of the sums.
    """

    def __init__(self, *, name: str = "anchors_without_negative", dtype: str | None = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def measure(self, labels: Tensor, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """Items without a negative, and all items."""
        return self.share(pairs.negative_pairs(labels))


@register
class MeanPositiveDistance(_DistanceMetric):
    """Mean distance of two items of a batch with one label.

    Args:
        distance: one of simlearn.distances.
        name: of the metric.
        dtype: of the sums.
    """

    def __init__(
        self,
        *,
        distance: Distance = _distances.euclidean,
        name: str = "mean_positive_distance",
        dtype: str | None = None,
    ) -> None:
        super().__init__(distance=distance, name=name, dtype=dtype)

    def measure(self, labels: Tensor, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """Sum over positive pairs, and their number."""
        apart = self.distance(embeddings, embeddings)
        return masked_terms(apart, pairs.positive_pairs(labels))


@register
class MeanNegativeDistance(_DistanceMetric):
    """Mean distance of two items of a batch with different labels.

    Args:
        distance: one of simlearn.distances.
        name: of the metric.
        dtype: of the sums.
    """

    def __init__(
        self,
        *,
        distance: Distance = _distances.euclidean,
        name: str = "mean_negative_distance",
        dtype: str | None = None,
    ) -> None:
        super().__init__(distance=distance, name=name, dtype=dtype)

    def measure(self, labels: Tensor, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """Sum over negative pairs, and their number."""
        apart = self.distance(embeddings, embeddings)
        return masked_terms(apart, pairs.negative_pairs(labels))


@register
class EmbeddingSpread(_BatchMetric):
    """How far apart a batch's embeddings lie for their length: 0 where they are all the same.

    `sqrt(mean_i |x_i - m|^2 / mean_i |x_i|^2)`, in `[0, 1]`, m the mean of the x: of unit vectors
    `sqrt(1 - |m|^2)`, near 1 where they point everywhere. Averaged over batches by their items;
    a batch of one item has no spread and does not count.

    Embeddings of free length may also collapse by shrinking towards zero with their directions
    apart. The spread does not see that; `MeanNegativeDistance` does.

    Args:
        name: of the metric.
        dtype: of the sums.

    Examples:
        >>> import numpy as np
        >>> from simlearn.telemetry import EmbeddingSpread
        >>> metric = EmbeddingSpread()
        >>> metric.update_state(np.array([0, 1]), np.array([[1.0, 0.0], [0.0, 1.0]], "float32"))
        >>> print(round(float(metric.result()), 4))
        0.7071

    Reference:
        Chen, He, "Exploring Simple Siamese Representation Learning", CVPR 2021, section 4.1:
        the deviation of each entry of the unit vectors, which is 0 in collapse and about
        `1 / sqrt(dim)` where they are spread evenly. Deviation: the root of the sum of the
        variances, about 1 there whatever the dim; and vectors need not be of unit length.
    """

    def __init__(self, *, name: str = "embedding_spread", dtype: str | None = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def measure(self, labels: Tensor, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """Spread times the number of items, and that number."""
        count = ops.sum(ops.ones_like(embeddings[:, 0]))
        items = ops.maximum(count, 1.0)
        length = ops.max(ops.abs(embeddings), initial=0.0)
        rows = embeddings / ops.where(length > 0, length, 1.0)
        # Seen from the first, equal rows are zeros: their mean would be off by a rounding.
        moved = rows - rows[:1]
        moved = moved - ops.sum(moved, axis=0, keepdims=True) / items
        within, all_ = (ops.sum(ops.square(part)) for part in (moved, rows))
        spread = ops.sqrt(ops.where(all_ > 0, within / ops.where(all_ > 0, all_, 1.0), 0.0))
        counted = ops.where(count > 1, count, 0.0)
        return spread * counted, counted


def in_batch(
    *, distance: Distance = _distances.euclidean, margin: float = 0.2
) -> list[keras.metrics.Metric]:
    """All metrics of this module, to be given to `compile` as they are.

    In a compiled `fit` the distances are computed once for all of them: TensorFlow and XLA merge
    what is the same.

    Args:
        distance: that of the loss.
        margin: that of the loss, above 0, in the distance's unit.

    Returns:
        New metrics.

    Raises:
        UserError: an argument is out of range.
    """
    return [
        ActiveTriplets(margin=margin, distance=distance),
        AnchorsWithoutPositive(),
        AnchorsWithoutNegative(),
        MeanPositiveDistance(distance=distance),
        MeanNegativeDistance(distance=distance),
        EmbeddingSpread(),
    ]


class CollapseAlarm(keras.callbacks.Callback):
    """Says in one line when the embeddings have all become the same, and may end the training.

    Looks at `EmbeddingSpread` at the end of each epoch, and warns once for each collapse.

    Args:
        threshold: the spread from which on embeddings count as one, in `(0, 1)`.
        patience: epochs in a row below it before the alarm, at least 1.
        stop: whether to end the training too.
        monitor: name of the metric; `val_embedding_spread` for that of the validation data.

    Raises:
        UserError: an argument is out of range, or training has no metric of that name.
        TrainingFailedError: in training, if told to stop.

    Examples:
        >>> from simlearn import telemetry
        >>> alarm = telemetry.CollapseAlarm(stop=True)
    """

    def __init__(
        self,
        *,
        threshold: float = 0.05,
        patience: int = 1,
        stop: bool = False,
        monitor: str = "embedding_spread",
    ) -> None:
        super().__init__()
        self.threshold = check_range("threshold", threshold, high=1.0)
        self.patience = int(check_range("patience", patience, low=1, high=math.inf, bounds="[)"))
        self.stop = stop
        self.monitor = monitor
        self.epochs_below = 0

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Start counting."""
        self.epochs_below = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Look at the epoch's spread."""
        spread = (logs or {}).get(self.monitor)
        if spread is None:
            raise UserError(
                f"expected a metric named {self.monitor!r} to watch, received "
                f"{', '.join(logs or {}) or 'none'}; compile with metrics=[EmbeddingSpread()]"
            )
        self.epochs_below = self.epochs_below + 1 if spread < self.threshold else 0
        if self.epochs_below == self.patience:
            self._say(
                f"the embeddings have collapsed: {self.monitor} is {spread:.3g} after epoch "
                f"{epoch + 1}, below {self.threshold:g}; a lower learning rate, semi-hard instead "
                "of hardest negatives or unit-length embeddings may help"
            )

    def _say(self, what: str) -> None:
        if self.stop:
            raise TrainingFailedError(what)
        warnings.warn(what, stacklevel=2)
