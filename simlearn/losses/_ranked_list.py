"""Ranked list loss: positives inside one radius, negatives outside a wider one."""

import functools
import numbers

from keras import ops

from simlearn import distances
from simlearn._numerics import l2_normalize
from simlearn._typing import Tensor
from simlearn.errors import UserError
from simlearn.losses._base import check_range, register
from simlearn.losses._blocks import BatchLoss, Block, Terms, masked_terms, over_batch


@register
def ranked_list_loss(
    labels: Tensor,
    embeddings: Tensor,
    *,
    alpha: float = 1.2,
    margin: float = 0.4,
    temperature: float = 10.0,
    balance: float = 0.5,
    sample_weight: Tensor | None = None,
) -> Tensor:
    """Ranked list loss: pull positives within `alpha - margin`, push negatives beyond `alpha`.

    Mean over anchors of `(1 - balance) mean_p (d_ap - (alpha - margin)) + balance sum_n w_an
    (alpha - d_an) / sum_n w_an`, d the Euclidean distance between unit vectors, over the positives
    with `d_ap > alpha - margin` and the negatives with `d_an < alpha`; an empty sum is 0. The
    weights `w_an = exp(temperature (alpha - d_an))` are constants to the gradient.

    Args:
        labels: integers `(batch,)`.
        embeddings: `(batch, dim)`, of any length.
        alpha: distance, in `(0, 2)`, beyond which a negative costs nothing.
        margin: between the two radii, above 0 and not above `alpha`.
        temperature: how much the closest negatives outweigh the others, 0 (all alike) or more.
        balance: weight of the negatives, in `[0, 1]`.
        sample_weight: `(batch,)`, scales each anchor.

    Returns:
        Scalar; 0 where there are no pairs.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import ranked_list_loss
        >>> x = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]], "float32")
        >>> print(round(float(ranked_list_loss(np.array([0, 0, 1]), x)), 4))
        0.2047

    Reference:
        Wang et al., "Ranked List Loss for Deep Metric Learning", CVPR 2019. Deviation: the two
        parts are weighed by `1 - balance` and `balance`, whereas the paper adds them up, which is
        twice the default.
    """
    _check(alpha, margin, temperature, balance)
    row_loss = functools.partial(
        _ranked_list, alpha=alpha, margin=margin, temperature=temperature, balance=balance
    )
    return over_batch(row_loss, labels, embeddings, sample_weight)


def _ranked_list(
    block: Block, *, alpha: float, margin: float, temperature: float, balance: float
) -> Terms:
    apart = distances.euclidean(l2_normalize(block.anchors), l2_normalize(block.others))
    too_far = ops.maximum(apart - (alpha - margin), 0.0)
    too_far = ops.where(block.positives, too_far, 0.0)
    too_close = ops.maximum(alpha - apart, 0.0)
    too_close = ops.where(block.negatives, too_close, 0.0)
    number = ops.sum(ops.cast(too_far > 0, apart.dtype), axis=-1)
    pulled = ops.sum(too_far, axis=-1) / ops.maximum(number, 1.0)
    # At most 1, for any temperature: the sums of weights cannot overflow.
    closest = ops.max(too_close, axis=-1, keepdims=True, initial=0.0)
    weights = ops.exp(temperature * (too_close - closest))
    weights = ops.stop_gradient(ops.where(too_close > 0, weights, 0.0))
    pushed = ops.sum(weights * too_close, axis=-1)
    pushed = ops.divide_no_nan(pushed, ops.sum(weights, axis=-1))
    compared = ops.any(ops.logical_or(block.positives, block.negatives), axis=-1)
    return masked_terms((1.0 - balance) * pulled + balance * pushed, compared, block.weights)


@register
class RankedListLoss(BatchLoss):
    """Ranked list loss: `ranked_list_loss`.

    Args:
        alpha: distance, in `(0, 2)`, beyond which a negative costs nothing.
        margin: between the two radii, above 0 and not above `alpha`.
        temperature: how much the closest negatives outweigh the others, 0 (all alike) or more.
        balance: weight of the negatives, in `[0, 1]`.
        name: of the loss.
    """

    def __init__(
        self,
        *,
        alpha: float = 1.2,
        margin: float = 0.4,
        temperature: float = 10.0,
        balance: float = 0.5,
        name: str = "ranked_list",
    ) -> None:
        super().__init__(name=name)
        _check(alpha, margin, temperature, balance)
        self.alpha = alpha
        self.margin = margin
        self.temperature = temperature
        self.balance = balance

    def row_loss(self, block: Block) -> Terms:
        """What a block's anchors add to the loss."""
        return _ranked_list(
            block,
            alpha=self.alpha,
            margin=self.margin,
            temperature=self.temperature,
            balance=self.balance,
        )


def _check(alpha: float, margin: float, temperature: float, balance: float) -> None:
    check_range("alpha", alpha, high=2.0)
    check_range("margin", margin)
    check_range("temperature", temperature, bounds="[)")
    check_range("balance", balance, high=1.0, bounds="[]")
    known = all(isinstance(value, numbers.Real) for value in (alpha, margin))
    if known and margin > alpha:
        raise UserError(f"expected margin of at most alpha, {alpha}, received {margin}")
