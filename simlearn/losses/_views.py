"""What the losses of two views of each picture share: what they are given, and its checks."""

from keras import ops

from simlearn._numerics import at_least_float32
from simlearn._typing import Tensor
from simlearn.errors import UserError
from simlearn.losses._base import WholeBatchLoss, check_count

PARTS = ("prediction", "projection")
"""What SimSiam's model gives of each view, in this order."""


class TwoViewLoss(WholeBatchLoss):
    """A loss of two views of each picture, which the model stacks on axis 1.

    `y_pred` is `(batch, 2, dim)`, or `(batch, 2, *parts, dim)` where a loss wants several vectors
    of each view. `y_true` is not used (Keras wants one: zeros will do), for there are no labels.
    Subclasses give `parts` and `call(views, sample_weight)`, already a scalar. Where `weighted` is
    False the loss is one of statistics of the batch, of which no item has a share that could be
    weighted: `sample_weight` is refused.
    """

    parts: tuple[str, ...] = ()
    weighted = False

    def prepare(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        """Both views of each item and weights, one an item, or an error."""
        views = at_least_float32(y_pred)
        wanted = (2, len(self.parts)) if self.parts else (2,)
        if len(views.shape) != 2 + len(wanted) or tuple(views.shape[1:-1]) != wanted:
            middle = ", ".join(map(str, wanted))
            raise UserError(
                f"expected two views of each item stacked as (batch, {middle}, dim), "
                f"received {tuple(views.shape)}"
            )
        if sample_weight is None:
            return views, None
        if not self.weighted:
            raise UserError(
                f"expected no sample_weight: {type(self).__name__} is made of statistics of the "
                "batch, of which no item has a share of its own"
            )
        weights = ops.reshape(ops.cast(sample_weight, views.dtype), (-1,))
        check_count("sample_weight", weights, views)
        return views, weights


def check_views(
    left: Tensor, right: Tensor, *, parts: tuple[str, ...] = ()
) -> tuple[Tensor, Tensor]:
    """Float32 or better, both of one shape `(batch, dim)` or `(batch, parts, dim)`, or an error."""
    left, right = at_least_float32(left), at_least_float32(right)
    wanted = (len(parts),) if parts else ()
    shapes = tuple(left.shape), tuple(right.shape)
    fits = all(len(shape) == 2 + len(wanted) and shape[1:-1] == wanted for shape in shapes)
    if not fits or shapes[0][-1] != shapes[1][-1]:
        middle = "".join(f"{size}, " for size in wanted)
        raise UserError(
            f"expected two views of one shape (batch, {middle}dim), "
            f"received {shapes[0]} and {shapes[1]}"
        )
    check_count("the second view", right, left)
    return left, right


def views_of(stacked: Tensor) -> list[Tensor]:
    """Both views, of `(batch, 2, ...)`; not by slices, whose gradients are slow to put together."""
    return list(ops.unstack(stacked, 2, axis=1))


def items_of(rows: Tensor) -> Tensor:
    """How many items there are, as a number of the rows' type."""
    return ops.cast(ops.shape(rows)[0], rows.dtype)


def centred(rows: Tensor) -> Tensor:
    """Rows `(batch, dim)` less their mean over the batch."""
    return rows - ops.sum(rows, axis=0, keepdims=True) / ops.maximum(items_of(rows), 1.0)


def dims_of(rows: Tensor) -> Tensor:
    """How many dimensions there are, as a number of the rows' type.

    Rows gathered from replicas do not say how long they are before they are there.
    """
    return ops.cast(ops.shape(rows)[1], rows.dtype)


def on_diagonal(rows: Tensor) -> Tensor:
    """Bool `(dim, dim)`: the main diagonal of a matrix of the rows' dimensions."""
    place = ops.arange(ops.shape(rows)[1])
    return ops.equal(place[:, None], place[None, :])


__all__ = [
    "PARTS",
    "TwoViewLoss",
    "centred",
    "check_views",
    "dims_of",
    "items_of",
    "on_diagonal",
    "views_of",
]
