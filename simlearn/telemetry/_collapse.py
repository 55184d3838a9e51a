"""Collapse of the embeddings to one point: a measure of it, and an alarm."""

import math
import warnings

import keras
from keras import ops

from simlearn._typing import Tensor
from simlearn.errors import TrainingFailedError, UserError
from simlearn.losses._base import check_range, register
from simlearn.telemetry._metric import BatchMetric


@register
class EmbeddingSpread(BatchMetric):
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
