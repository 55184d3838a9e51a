"""Proxy-Anchor: proxies are the anchors, the items of the batch their positives and negatives."""

import math

from keras import ops

from simlearn._numerics import nan_unless_finite
from simlearn._typing import Tensor
from simlearn.losses._base import LabelledLoss, check_batch, check_range, register
from simlearn.losses._proxy import TrueClass, true_class

# Below any logit, and above it: what stands for no logit at all.
_FLOOR = -1e29
_NO_LOGIT = -1e30


@register
def proxy_anchor_loss(
    labels: Tensor,
    cosines: Tensor,
    *,
    margin: float = 0.1,
    alpha: float = 32.0,
    sample_weight: Tensor | None = None,
) -> Tensor:
    """Proxy-Anchor loss: every proxy pulls its class's items and pushes all others.

    `mean over P+ of log(1 + sum_{x in X_p+} exp(-alpha (s(x, p) - margin))) + mean over P of
    log(1 + sum_{x in X_p-} exp(alpha (s(x, p) + margin)))`, s the cosine, P all proxies and P+
    those with items in the batch. The proxies are a layer's weights: simlearn.heads.Proxies.

    Args:
        labels: integers `(batch,)` in `[0, classes)`; a label outside makes the loss NaN.
        cosines: `(batch, classes)`, in `[-1, 1]`.
        margin: delta in the paper, in cosine, at least 0.
        alpha: how much the hardest items count more than others, above 0.
        sample_weight: `(batch,)`, at least 0: an item of weight w counts as w equal items. The
            divisors stay: a class whose items weigh nothing is in P+ all the same.

    Returns:
        Scalar; 0 of an empty batch.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import proxy_anchor_loss
        >>> cosines = np.array([[0.0, 0.0]], "float32")  # Pull log 2; push log 2, over two proxies.
        >>> print(round(float(proxy_anchor_loss(np.array([0]), cosines, margin=0.0)), 4))
        1.0397

    Reference:
        Kim et al., "Proxy Anchor Loss for Deep Metric Learning", CVPR 2020, eq. 4.
    """
    _check(margin, alpha)
    labels, cosines, weights = check_batch(labels, cosines, sample_weight)
    true = true_class(labels, cosines.shape[1])
    losses = _pull(true, cosines, weights, margin, alpha)
    losses = losses + _push(true, cosines, weights, margin, alpha)
    losses = ops.where(ops.all(true.exists), losses, math.nan)
    return losses + nan_unless_finite(cosines)


def _pull(
    true: TrueClass, cosines: Tensor, weights: Tensor | None, margin: float, alpha: float
) -> Tensor:
    # One entry of each row is positive, so sums are over the batch, not over (batch, classes).
    classes = cosines.shape[1]
    numbers = ops.maximum(true.numbers, 0)

    def of_classes(values: Tensor) -> Tensor:
        return ops.segment_sum(values, numbers, num_segments=classes)

    logits = -alpha * (true.of(cosines) - margin)
    peak = ops.segment_max(ops.stop_gradient(logits), numbers, num_segments=classes)
    terms = ops.exp(logits - ops.take(peak, numbers))
    total = of_classes(terms if weights is None else weights * terms)
    present = of_classes(ops.ones_like(logits)) > 0
    losses = _log_one_plus(total, ops.where(present, peak, 0.0))
    return ops.sum(losses) / ops.maximum(ops.sum(ops.cast(present, losses.dtype)), 1.0)


def _push(
    true: TrueClass, cosines: Tensor, weights: Tensor | None, margin: float, alpha: float
) -> Tensor:
    logits = ops.where(true.columns, _NO_LOGIT, alpha * (cosines + margin))
    peak = ops.max(ops.stop_gradient(logits), axis=0, initial=_FLOOR)
    terms = ops.exp(logits - peak)
    total = ops.sum(terms, axis=0) if weights is None else ops.matmul(weights, terms)
    return ops.mean(_log_one_plus(total, peak))


def _log_one_plus(total: Tensor, peak: Tensor) -> Tensor:
    """`log(1 + total exp(peak))`; 0, with zero gradient, where the total is 0."""
    some = total > 0
    return ops.where(some, ops.softplus(ops.log(ops.where(some, total, 1.0)) + peak), 0.0)


@register
class ProxyAnchorLoss(LabelledLoss):
    """Proxy-Anchor on the cosines that `simlearn.heads.Proxies` gives: `proxy_anchor_loss`.

    It is a loss of the batch as a whole: replicas compute it of all their parts together.

    Args:
        margin: in cosine, at least 0.
        alpha: above 0.
        name: of the loss.
    """

    gathers = True

    def __init__(
        self, *, margin: float = 0.1, alpha: float = 32.0, name: str = "proxy_anchor"
    ) -> None:
        super().__init__(name=name)
        _check(margin, alpha)
        self.margin = margin
        self.alpha = alpha

    def call(self, labels: Tensor, cosines: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Scalar loss of one batch."""
        return proxy_anchor_loss(
            labels, cosines, margin=self.margin, alpha=self.alpha, sample_weight=sample_weight
        )


def _check(margin: float, alpha: float) -> None:
    check_range("margin", margin, bounds="[)")
    check_range("alpha", alpha)
