"""What the metrics of a batch share."""

import math
from typing import Any

import keras
from keras import ops

from simlearn._numerics import nan_unless_finite
from simlearn._typing import Tensor
from simlearn.errors import UserError
from simlearn.losses._base import Distance, check_batch, check_callable, restore, save_callable
from simlearn.losses._replicas import gathered, only_infers_shapes


class BatchMetric(keras.metrics.Metric):
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
        spoiled = ops.cast(nan_unless_finite(rows), self.total.dtype)
        self.total.assign_add(ops.cast(total, self.total.dtype) + spoiled)
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


class DistanceMetric(BatchMetric):
    def __init__(self, *, distance: Distance, name: str, dtype: str | None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.distance = check_callable("distance", distance)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "distance": save_callable(self.distance)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "DistanceMetric":
        return cls(**restore(config))
