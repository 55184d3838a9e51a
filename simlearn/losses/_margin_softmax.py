"""Softmax over class proxies with a margin on the true class."""

import math

from keras import ops

from simlearn._numerics import safe_sqrt
from simlearn._typing import Tensor
from simlearn.losses._base import check_batch, check_range, register
from simlearn.losses._proxy import (
    CentersLoss,
    ProxyLoss,
    TrueClass,
    check_centers,
    cross_entropy,
    true_class,
)


@register
def cosface_loss(
    labels: Tensor, cosines: Tensor, *, margin: float = 0.35, scale: float = 64.0
) -> Tensor:
    """CosFace: cross-entropy of scaled cosines, the true class's cosine less a margin.

    `-log(exp(s (cos(theta_y) - m)) / (exp(s (cos(theta_y) - m)) + sum_{j != y} exp(s
    cos(theta_j))))`. The proxies that the cosines are taken to are a layer's weights:
    simlearn.heads.Proxies.

    Args:
        labels: integers `(batch,)` in `[0, classes)`; a label outside gives NaN, not a guess.
        cosines: `(batch, classes)`, in `[-1, 1]`.
        margin: m, in cosine, at least 0.
        scale: s, above 0.

    Returns:
        One value an item, `(batch,)`.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import cosface_loss
        >>> cosines = np.array([[1.0, 0.0]], "float32")
        >>> print(round(float(cosface_loss(np.array([0]), cosines, margin=1.0, scale=1.0)[0]), 4))
        0.6931

    Reference:
        Wang et al., "CosFace: Large Margin Cosine Loss for Deep Face Recognition", CVPR 2018,
        eq. 4.
    """
    _check_cosine_margin(margin, scale)
    labels, cosines, _ = check_batch(labels, cosines)
    true = true_class(labels, cosines.shape[1])
    losses = cross_entropy(true, scale * cosines, scale * (true.of(cosines) - margin))
    return true.guarded(losses, cosines)


@register
def arcface_loss(
    labels: Tensor, cosines: Tensor, *, margin: float = 0.5, scale: float = 64.0
) -> Tensor:
    """ArcFace: cross-entropy of scaled cosines, the true class's angle enlarged by a margin.

    `-log(exp(s cos(theta_y + m)) / (exp(s cos(theta_y + m)) + sum_{j != y} exp(s cos(theta_j))))`.
    The proxies that the cosines are taken to are a layer's weights: simlearn.heads.Proxies.

    Args:
        labels: integers `(batch,)` in `[0, classes)`; a label outside gives NaN, not a guess.
        cosines: `(batch, classes)`, in `[-1, 1]`.
        margin: m, in radians, in `[0, pi)`.
        scale: s, above 0.

    Returns:
        One value an item, `(batch,)`.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import arcface_loss
        >>> cosines = np.array([[1.0, 0.0]], "float32")
        >>> print(round(float(arcface_loss(np.array([0]), cosines, margin=0.0, scale=1.0)[0]), 4))
        0.3133

    Reference:
        Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", CVPR 2019,
        eq. 3. Deviation: where theta + m would pass pi and the cosine turn back up, the target
        is `cos(theta) - m sin(m)`, as in the authors' code.
    """
    _check_angular_margin(margin, scale)
    labels, cosines, _ = check_batch(labels, cosines)
    true = true_class(labels, cosines.shape[1])
    return true.guarded(_arcface(true, cosines, margin, scale), cosines)


@register
def sub_center_arcface_loss(
    labels: Tensor, cosines: Tensor, *, margin: float = 0.5, scale: float = 64.0
) -> Tensor:
    """Sub-center ArcFace: ArcFace on the cosine to the nearest of a class's centres.

    `arcface_loss` of `max_k cos(theta_kj)`: an item needs to be near one centre of its class, so
    that the mislabelled and the unusual gather around centres of their own. The centres are a
    layer's weights: simlearn.heads.MultiProxies.

    Args:
        labels: integers `(batch,)` in `[0, classes)`; a label outside gives NaN, not a guess.
        cosines: `(batch, centers, classes)`, in `[-1, 1]`.
        margin: m, in radians, in `[0, pi)`.
        scale: s, above 0.

    Returns:
        One value an item, `(batch,)`. Centres equally near share the gradient.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import sub_center_arcface_loss
        >>> cosines = np.array([[[0.2, 0.0], [1.0, -0.3]]], "float32")
        >>> loss = sub_center_arcface_loss(np.array([0]), cosines, margin=0.0, scale=1.0)
        >>> print(round(float(loss[0]), 4))
        0.3133

    Reference:
        Deng et al., "Sub-center ArcFace: Boosting Face Recognition by Large-scale Noisy Web
        Faces", ECCV 2020 (max pooling over K sub-centres). Deviation: past pi as in `arcface_loss`.
    """
    _check_angular_margin(margin, scale)
    labels, cosines = check_centers(labels, cosines)
    true = true_class(labels, cosines.shape[2])
    return true.guarded(_arcface(true, ops.max(cosines, axis=1), margin, scale), cosines)


def _arcface(true: TrueClass, cosines: Tensor, margin: float, scale: float) -> Tensor:
    target = true.of(cosines)
    sine = safe_sqrt(1.0 - ops.square(target))
    moved = target * math.cos(margin) - sine * math.sin(margin)
    past_pi = target < -math.cos(margin)
    moved = ops.where(past_pi, target - margin * math.sin(margin), moved)
    return cross_entropy(true, scale * cosines, scale * moved)


@register
class CosFaceLoss(ProxyLoss):
    """CosFace on the cosines that a `simlearn.heads.Proxies` layer gives: `cosface_loss`.

    Args:
        margin: in cosine, at least 0.
        scale: above 0.
        name: of the loss.
    """

    def __init__(self, *, margin: float = 0.35, scale: float = 64.0, name: str = "cosface") -> None:
        super().__init__(name=name)
        _check_cosine_margin(margin, scale)
        self.margin = margin
        self.scale = scale

    def item_losses(self, labels: Tensor, rows: Tensor) -> Tensor:
        """Loss of each item, `(batch,)`."""
        return cosface_loss(labels, rows, margin=self.margin, scale=self.scale)


@register
class ArcFaceLoss(ProxyLoss):
    """ArcFace on the cosines that a `simlearn.heads.Proxies` layer gives: `arcface_loss`.

    Args:
        margin: in radians, in `[0, pi)`.
        scale: above 0.
        name: of the loss.
    """

    def __init__(self, *, margin: float = 0.5, scale: float = 64.0, name: str = "arcface") -> None:
        super().__init__(name=name)
        _check_angular_margin(margin, scale)
        self.margin = margin
        self.scale = scale

    def item_losses(self, labels: Tensor, rows: Tensor) -> Tensor:
        """Loss of each item, `(batch,)`."""
        return arcface_loss(labels, rows, margin=self.margin, scale=self.scale)


@register
class SubCenterArcFaceLoss(CentersLoss):
    """ArcFace on the cosines that `simlearn.heads.MultiProxies` gives: `sub_center_arcface_loss`.

    Args:
        margin: in radians, in `[0, pi)`.
        scale: above 0.
        name: of the loss.
    """

    def __init__(
        self, *, margin: float = 0.5, scale: float = 64.0, name: str = "sub_center_arcface"
    ) -> None:
        super().__init__(name=name)
        _check_angular_margin(margin, scale)
        self.margin = margin
        self.scale = scale

    def item_losses(self, labels: Tensor, rows: Tensor) -> Tensor:
        """Loss of each item, `(batch,)`."""
        return sub_center_arcface_loss(labels, rows, margin=self.margin, scale=self.scale)


def _check_cosine_margin(margin: float, scale: float) -> None:
    check_range("margin", margin, bounds="[)")
    check_range("scale", scale)


def _check_angular_margin(margin: float, scale: float) -> None:
    check_range("margin", margin, high=math.pi, bounds="[)")
    check_range("scale", scale)
