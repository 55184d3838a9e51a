"""What losses over class proxies share: one number an item, from the class that is the item's."""

import math
from typing import NamedTuple

from keras import ops

from simlearn._numerics import at_least_float32, logsumexp, masked_mean, pick_columns
from simlearn._typing import Tensor
from simlearn.errors import UserError
from simlearn.losses._base import LabelledLoss, check_batch, check_count
from simlearn.pairs import as_labels


class ProxyLoss(LabelledLoss):
    """A loss of items one by one, compared with proxies; `call` is the mean over the batch."""

    def item_losses(self, labels: Tensor, rows: Tensor) -> Tensor:
        """Loss of each item, `(batch,)`."""
        raise NotImplementedError

    def call(self, labels: Tensor, rows: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Scalar loss of one batch."""
        losses = self.item_losses(labels, rows)
        return masked_mean(losses, ops.ones_like(losses, dtype="bool"), sample_weight)


class CentersLoss(ProxyLoss):
    """The same over several centres a class: rows are `(batch, centers, classes)`."""

    def prepare(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        """Integer labels, cosines to centres and weights, one of each an item, or an error."""
        labels, cosines = check_centers(y_true, y_pred)
        flat = ops.reshape(cosines, (-1, cosines.shape[1] * cosines.shape[2]))
        return labels, cosines, check_batch(labels, flat, sample_weight)[2]


class TrueClass(NamedTuple):
    """Which column is an item's own.

    Attributes:
        numbers: int32 `(batch,)` in `[0, classes)`, -1 for a number that is none of the classes'.
        columns: bool `(batch, classes)`, True in one column of each row.
        exists: bool `(batch,)`, False for such a number, which has no column.
    """

    numbers: Tensor
    columns: Tensor
    exists: Tensor

    def of(self, values: Tensor) -> Tensor:
        """The entry of each row of `(batch, classes)` in its own column, `(batch,)`."""
        return pick_columns(values, ops.maximum(self.numbers, 0)[:, None])[:, 0]

    def guarded(self, losses: Tensor, *sources: Tensor) -> Tensor:
        """Losses `(batch,)`, NaN without a class, or where a row of the sources is not finite."""
        good = self.exists
        for source in sources:
            axes = tuple(range(1, len(source.shape)))
            good = ops.logical_and(good, ops.all(ops.isfinite(source), axis=axes))
        return ops.where(good, losses, math.nan)


def true_class(labels: Tensor, classes: int) -> TrueClass:
    """Columns of class numbers among `classes`; other numbers have none, however wide they are."""
    labels = ops.cast(labels, "int64" if "64" in str(labels.dtype) else "int32")
    exists = ops.logical_and(labels >= 0, labels < classes)
    numbers = ops.cast(ops.where(exists, labels, -1), "int32")
    columns = ops.equal(numbers[:, None], ops.arange(classes, dtype="int32")[None, :])
    return TrueClass(numbers, columns, exists)


def cross_entropy(true: TrueClass, logits: Tensor, moved: Tensor) -> Tensor:
    """`-log softmax` of the true class, whose logit is `moved` in place of the one in `logits`.

    Args:
        true: the items' classes.
        logits: `(batch, classes)`.
        moved: `(batch,)`.

    Returns:
        `(batch,)`, at least 0.
    """
    return logsumexp(ops.where(true.columns, moved[:, None], logits))[:, 0] - moved


def check_centers(labels: Tensor, cosines: Tensor) -> tuple[Tensor, Tensor]:
    """Integer labels and float `(batch, centers, classes)`, one of each an item, or an error."""
    labels, cosines = as_labels(labels), at_least_float32(cosines)
    if len(cosines.shape) != 3:
        raise UserError(
            "expected cosines of shape (batch, centers, classes), as simlearn.heads.MultiProxies "
            f"gives them, received {tuple(cosines.shape)}"
        )
    check_count("labels", labels, cosines)
    return labels, cosines


def split_last(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines `(batch, classes)` and the number beside them `(batch,)`."""
    # Slices would do, but their gradients are slow to put together.
    cosines, number = ops.split(rows, [rows.shape[1] - 1], axis=1)
    return cosines, number[:, 0]
