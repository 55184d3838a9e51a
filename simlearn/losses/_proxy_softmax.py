"""Softmax over class proxies without a margin: NormFace, Proxy-NCA, Proxy-NCA++."""

from typing import Any

from keras import ops

from simlearn._numerics import logsumexp
from simlearn._typing import Tensor
from simlearn.errors import UserError
from simlearn.losses._base import check_batch, check_range, register
from simlearn.losses._proxy import ProxyLoss, true_class


@register
def normalized_softmax_loss(
    labels: Tensor, cosines: Tensor, *, temperature: float = 0.05
) -> Tensor:
    """Normalised softmax (NormFace): cross-entropy of cosines over a temperature.

    `-log(exp(cos(theta_y) / t) / sum_j exp(cos(theta_j) / t))`. The proxies that the cosines are
    taken to are a layer's weights: simlearn.heads.Proxies.

    Args:
        labels: integers `(batch,)` in `[0, classes)`; a label outside gives NaN, not a guess.
        cosines: `(batch, classes)`, in `[-1, 1]`.
        temperature: t, above 0; NormFace's scale is 1 / t.

    Returns:
        One value an item, `(batch,)`.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import normalized_softmax_loss
        >>> cosines = np.array([[1.0, 0.0]], "float32")
        >>> loss = normalized_softmax_loss(np.array([0]), cosines, temperature=1.0)
        >>> print(round(float(loss[0]), 4))
        0.3133

    Reference:
        Zhai, Wu, "Classification is a Strong Baseline for Deep Metric Learning", BMVC 2019,
        the normalized softmax loss (temperature 0.05); Wang et al., "NormFace: L2 Hypersphere
        Embedding for Face Verification", ACM MM 2017 (a scale in its place).
    """
    check_range("temperature", temperature)
    return _softmax(labels, cosines, 1.0 / temperature)


@register
def proxy_nca_loss(labels: Tensor, cosines: Tensor, *, scale: float = 1.0) -> Tensor:
    """Proxy-NCA: the true proxy against all others, by squared distance on the unit sphere.

    `-log(exp(-s d_y) / sum_{j != y} exp(-s d_j))`, `d_j = |x - p_j|^2 = 2 - 2 cos(theta_j)`. It
    has no lower bound at 0: the true proxy is not in the sum. The proxies are a layer's weights:
    simlearn.heads.Proxies.

    Args:
        labels: integers `(batch,)` in `[0, classes)`; a label outside gives NaN, not a guess.
        cosines: `(batch, classes)`, in `[-1, 1]`, of two classes or more.
        scale: s, above 0. The paper has none, which is 1; vectors of length 3, as some code has
            them, are 9.

    Returns:
        One value an item, `(batch,)`.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import proxy_nca_loss
        >>> cosines = np.array([[1.0, 0.0]], "float32")
        >>> print(float(proxy_nca_loss(np.array([0]), cosines)[0]))
        -2.0

    Reference:
        Movshovitz-Attias et al., "No Fuss Distance Metric Learning using Proxies", ICCV 2017: the
        NCA loss, with proxies in place of positive and negatives.
    """
    check_range("scale", scale)
    labels, cosines, _ = check_batch(labels, cosines)
    if cosines.shape[1] < 2:
        raise UserError(f"expected cosines to 2 classes or more, received {cosines.shape[1]}")
    true = true_class(labels, cosines.shape[1])
    # Without the 2 of the distance, which numerator and denominator share.
    logits = 2.0 * scale * cosines
    others = logsumexp(logits, ops.logical_not(true.columns))[:, 0]
    return true.guarded(others - true.of(logits), logits)


@register
def proxy_nca_plus_plus_loss(
    labels: Tensor, cosines: Tensor, *, temperature: float = 1.0 / 9.0
) -> Tensor:
    """Proxy-NCA++: the probability of the true proxy among all, by squared distance.

    `-log(exp(-d_y / T) / sum_j exp(-d_j / T))`, `d_j = |x - p_j|^2 = 2 - 2 cos(theta_j)`, which
    is the normalised softmax of temperature T / 2. The proxies are a layer's weights:
    simlearn.heads.Proxies.

    Args:
        labels: integers `(batch,)` in `[0, classes)`; a label outside gives NaN, not a guess.
        cosines: `(batch, classes)`, in `[-1, 1]`.
        temperature: T, above 0.

    Returns:
        One value an item, `(batch,)`.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import proxy_nca_plus_plus_loss
        >>> cosines = np.array([[1.0, 0.0]], "float32")
        >>> loss = proxy_nca_plus_plus_loss(np.array([0]), cosines, temperature=2.0)
        >>> print(round(float(loss[0]), 4))
        0.3133

    Reference:
        Teh, DeVries, Taylor, "ProxyNCA++: Revisiting and Revitalizing Proxy Neighborhood Component
        Analysis", ECCV 2020: the proxy assignment probability, with low temperature scaling.
    """
    check_range("temperature", temperature)
    return _softmax(labels, cosines, 2.0 / temperature)


def _softmax(labels: Tensor, cosines: Tensor, scale: Any) -> Tensor:
    labels, cosines, _ = check_batch(labels, cosines)
    true = true_class(labels, cosines.shape[1])
    logits = scale * cosines
    losses = logsumexp(logits)[:, 0] - true.of(logits)
    return true.guarded(losses, logits)


class _TemperatureLoss(ProxyLoss):
    """The temperature, which two of them share."""

    def __init__(self, *, temperature: float, name: str) -> None:
        super().__init__(name=name)
        self.temperature = check_range("temperature", temperature)


@register
class NormalizedSoftmaxLoss(_TemperatureLoss):
    """Normalised softmax on what `simlearn.heads.Proxies` gives: `normalized_softmax_loss`.

    Args:
        temperature: above 0.
        name: of the loss.
    """

    def __init__(self, *, temperature: float = 0.05, name: str = "normalized_softmax") -> None:
        super().__init__(temperature=temperature, name=name)

    def item_losses(self, labels: Tensor, rows: Tensor) -> Tensor:
        """Loss of each item, `(batch,)`."""
        return normalized_softmax_loss(labels, rows, temperature=self.temperature)


@register
class ProxyNCALoss(ProxyLoss):
    """Proxy-NCA on the cosines that a `simlearn.heads.Proxies` layer gives: `proxy_nca_loss`.

    Args:
        scale: of the squared distances, above 0.
        name: of the loss.
    """

    def __init__(self, *, scale: float = 1.0, name: str = "proxy_nca") -> None:
        super().__init__(name=name)
        self.scale = check_range("scale", scale)

    def item_losses(self, labels: Tensor, rows: Tensor) -> Tensor:
        """Loss of each item, `(batch,)`."""
        return proxy_nca_loss(labels, rows, scale=self.scale)


@register
class ProxyNCAPlusPlusLoss(_TemperatureLoss):
    """Proxy-NCA++ on what `simlearn.heads.Proxies` gives: `proxy_nca_plus_plus_loss`.

    Args:
        temperature: above 0.
        name: of the loss.
    """

    def __init__(
        self, *, temperature: float = 1.0 / 9.0, name: str = "proxy_nca_plus_plus"
    ) -> None:
        super().__init__(temperature=temperature, name=name)

    def item_losses(self, labels: Tensor, rows: Tensor) -> Tensor:
        """Loss of each item, `(batch,)`."""
        return proxy_nca_plus_plus_loss(labels, rows, temperature=self.temperature)
