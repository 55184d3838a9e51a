"""SoftTriple: softmax over classes of several centres each."""

from typing import Any

from keras import ops

from simlearn._typing import Tensor
from simlearn.losses._base import check_range, register
from simlearn.losses._proxy import CentersLoss, check_centers, cross_entropy, true_class


@register
def soft_triple_loss(
    labels: Tensor,
    cosines: Tensor,
    *,
    scale: float = 20.0,
    gamma: float = 0.1,
    margin: float = 0.01,
) -> Tensor:
    """SoftTriple: softmax over classes of several centres each, with a margin.

    `-log(exp(l (S_y - d)) / (exp(l (S_y - d)) + sum_{j != y} exp(l S_j)))`, where `S_j = sum_k
    p_kj cos(theta_kj)` and `p_kj = exp(cos(theta_kj) / gamma) / sum_i exp(cos(theta_ij) / gamma)`.
    The centres are a layer's weights, and the term that draws them together is that layer's too:
    `simlearn.heads.MultiProxies(classes, centers=10, tau=0.2)`.

    Args:
        labels: integers `(batch,)` in `[0, classes)`; a label outside gives NaN, not a guess.
        cosines: `(batch, centers, classes)`, in `[-1, 1]`.
        scale: l (lambda in the paper), above 0.
        gamma: how far off the nearest centre others count, above 0.
        margin: d (delta in the paper), in cosine, at least 0.

    Returns:
        One value an item, `(batch,)`.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import soft_triple_loss
        >>> cosines = np.array([[[1.0, 0.0], [1.0, 0.0]]], "float32")
        >>> loss = soft_triple_loss(np.array([0]), cosines, scale=1.0, margin=0.0)
        >>> print(round(float(loss[0]), 4))
        0.3133

    Reference:
        Qian et al., "SoftTriple Loss: Deep Metric Learning Without Triplet Sampling", ICCV 2019,
        section 3; of its experiments lambda 20, gamma 0.1, delta 0.01 and, of the layer, 10 centres
        and tau 0.2.
    """
    _check_soft_triple(scale, gamma, margin)
    labels, cosines = check_centers(labels, cosines)
    true = true_class(labels, cosines.shape[2])
    similarity = _soft_maximum(cosines, gamma)
    target = scale * (true.of(similarity) - margin)
    return true.guarded(cross_entropy(true, scale * similarity, target), cosines)


def _soft_maximum(values: Tensor, gamma: float) -> Tensor:
    """Mean over axis 1 with weights `softmax(values / gamma)`."""

    # In closed form the gradient takes half the passes over (batch, centers, classes).
    @ops.custom_gradient
    def mean(values: Tensor) -> Any:
        peak = ops.max(values, axis=1, keepdims=True)
        weights = ops.exp((values - peak) / gamma)
        total = ops.sum(weights, axis=1)
        result = ops.sum(weights * values, axis=1) / total

        def slope(*received: Tensor, upstream: Tensor | None = None) -> Tensor:
            upstream = received[0] if upstream is None else upstream
            share = upstream / total
            at_zero = share * (1.0 - result / gamma)
            return weights * (at_zero[:, None] + (share / gamma)[:, None] * values)

        return result, slope

    return mean(values)


@register
class SoftTripleLoss(CentersLoss):
    """SoftTriple on the cosines that `simlearn.heads.MultiProxies` gives: `soft_triple_loss`.

    Args:
        scale: above 0.
        gamma: above 0.
        margin: in cosine, at least 0.
        name: of the loss.
    """

    def __init__(
        self,
        *,
        scale: float = 20.0,
        gamma: float = 0.1,
        margin: float = 0.01,
        name: str = "soft_triple",
    ) -> None:
        super().__init__(name=name)
        _check_soft_triple(scale, gamma, margin)
        self.scale = scale
        self.gamma = gamma
        self.margin = margin

    def item_losses(self, labels: Tensor, rows: Tensor) -> Tensor:
        """Loss of each item, `(batch,)`."""
        return soft_triple_loss(
            labels, rows, scale=self.scale, gamma=self.gamma, margin=self.margin
        )


def _check_soft_triple(scale: float, gamma: float, margin: float) -> None:
    check_range("scale", scale)
    check_range("gamma", gamma)
    check_range("margin", margin, bounds="[)")
