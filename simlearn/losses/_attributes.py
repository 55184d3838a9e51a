"""Cross-entropy of attributes with few values, unknown ones left out."""

from keras import ops

from simlearn._numerics import at_least_float32, logsumexp, masked_mean
from simlearn._typing import Tensor
from simlearn.errors import UserError
from simlearn.losses._base import LabelledLoss, check_batch, register


@register
def attribute_loss(y_true: Tensor, logits: Tensor) -> Tensor:
    """Cross-entropy of one attribute: `log(sum_k exp(z_k)) - z_y`.

    Args:
        y_true: integers `(batch,)`, the value of each picture, -1 where it is not known.
        logits: `(batch, values)`, before any softmax.

    Returns:
        `(batch,)`, in nats, float32 at least; 0 where the value is not known, NaN where it is not
        one of those there are.

    Raises:
        UserError: the values are not integers, or the shapes do not fit.

    Examples:
        >>> import numpy as np
        >>> loss = attribute_loss(np.array([1, -1]), np.array([[0.0, 0.0], [3.0, 5.0]]))
        >>> print(np.asarray(loss).round(3))  # ln 2
        [0.693 0.   ]
    """
    labels, rows, _ = check_batch(y_true, at_least_float32(logits))
    if rows.shape[-1] is None or rows.shape[-1] < 2:
        raise UserError(f"expected logits of at least 2 values, received {tuple(rows.shape)}")
    known = ops.not_equal(labels, -1)
    rows = ops.where(known[:, None], rows, 0.0)
    places = ops.arange(rows.shape[-1], dtype=labels.dtype)
    chosen = ops.equal(labels[:, None], places[None, :])
    own = ops.sum(ops.where(chosen, rows, 0.0), axis=-1)
    values = logsumexp(rows)[:, 0] - own
    there = ops.any(chosen, axis=-1)
    return ops.where(known, ops.where(there, values, float("nan")), 0.0)


@register
class AttributeLoss(LabelledLoss):
    """Mean of `attribute_loss` over the pictures whose value is known; 0 where none is.

    `sample_weight` is `(batch,)` and scales the pictures.

    Examples:
        >>> import numpy as np
        >>> loss = AttributeLoss()(np.array([1, -1]), np.array([[0.0, 0.0], [3.0, 5.0]]))
        >>> print(round(float(loss), 3))
        0.693
    """

    gathers = True

    def __init__(self, *, name: str = "attribute_loss") -> None:
        super().__init__(name=name)

    def call(self, labels: Tensor, rows: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """The mean over known values."""
        values = attribute_loss(labels, rows)
        return masked_mean(values, ops.not_equal(labels, -1), sample_weight)


__all__ = ["AttributeLoss", "attribute_loss"]
