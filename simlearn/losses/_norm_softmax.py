"""Margins that look at the length of a feature too: SphereFace and AdaFace."""

import math

from keras import ops

from simlearn._numerics import safe_sqrt
from simlearn._typing import Tensor
from simlearn.errors import UserError
from simlearn.losses._base import check_batch, check_range, register
from simlearn.losses._proxy import ProxyLoss, cross_entropy, split_last, true_class


@register
def sphereface_loss(
    labels: Tensor, rows: Tensor, *, margin: int = 4, annealing: float = 0.0
) -> Tensor:
    """SphereFace (A-softmax): the true class's angle counts m times, features keep their length.

    `-log(exp(|x| psi(theta_y)) / (exp(|x| psi(theta_y)) + sum_{j != y} exp(|x| cos(theta_j))))`,
    `psi(theta) = (-1)^k cos(m theta) - 2 k` for theta in `[k pi / m, (k + 1) pi / m]`.

    Args:
        labels: integers `(batch,)` in `[0, classes)`; a label outside gives NaN, not a guess.
        rows: `(batch, classes + 1)`: cosines, in `[-1, 1]`, then the length of the feature, at
            least 0, as simlearn.heads.ProxiesWithNorm gives them.
        margin: m, a whole number of at least 1.
        annealing: lambda, at least 0: the target is `(lambda cos(theta) + psi(theta)) / (1 +
            lambda)`. From scratch m = 4 hardly trains; begin with a large lambda, go on with a
            smaller one.

    Returns:
        One value an item, `(batch,)`.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import sphereface_loss
        >>> rows = np.array([[1.0, 0.0, 1.0]], "float32")
        >>> print(round(float(sphereface_loss(np.array([0]), rows)[0]), 4))
        0.3133

    Reference:
        Liu et al., "SphereFace: Deep Hypersphere Embedding for Face Recognition", CVPR 2017,
        eq. 7. The annealing is that of its appendix G.
    """
    _check_sphereface(margin, annealing)
    labels, rows, _ = check_batch(labels, rows)
    cosines, length = split_last(rows)
    true = true_class(labels, cosines.shape[1])
    target = true.of(cosines)
    moved = (annealing * target + _psi(target, margin)) / (1.0 + annealing)
    losses = cross_entropy(true, length[:, None] * cosines, length * moved)
    return true.guarded(losses, rows)


@register
def adaface_loss(
    labels: Tensor, rows: Tensor, *, margin: float = 0.4, h: float = 0.333, scale: float = 64.0
) -> Tensor:
    """AdaFace: a margin that stresses hard items in good pictures, and easy ones in bad pictures.

    Cross-entropy of scaled cosines where the true class's is `cos(theta + g_angle) - g_add`, with
    `g_angle = -m z`, `g_add = m z + m` and z in [-1, 1] the quality of the picture: the length of
    its feature, standardised, times h, clipped. Quality -1 gives ArcFace's margin, 0 CosFace's,
    1 an angle made smaller and a larger additive margin.

    Args:
        labels: integers `(batch,)` in `[0, classes)`; a label outside gives NaN, not a guess.
        rows: `(batch, classes + 1)`: cosines, in `[-1, 1]`, then the standardised length of the
            feature, as simlearn.heads.ProxiesWithQuality gives them.
        margin: m, in radians and in cosine, in `[0, pi)`.
        h: how much one deviation of the length counts, above 0.
        scale: s, above 0.

    Returns:
        One value an item, `(batch,)`.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import adaface_loss
        >>> rows = np.array([[1.0, 0.0, 0.0]], "float32")  # An average picture: 1 - 0.4 against 0.
        >>> print(round(float(adaface_loss(np.array([0]), rows, scale=1.0)[0]), 4))
        0.4375

    Reference:
        Kim, Jain, Liu, "AdaFace: Quality Adaptive Margin for Face Recognition", CVPR 2022,
        the section on an adaptive margin based on norm. As in the authors' code the scale
        multiplies `g_add` too, and `theta + g_angle` is limited to `[0, pi]`, where the target's
        gradient is 0.
    """
    _check_adaface(margin, h, scale)
    labels, rows, _ = check_batch(labels, rows)
    cosines, length = split_last(rows)
    true = true_class(labels, cosines.shape[1])
    target = true.of(cosines)
    quality = ops.clip(h * length, -1.0, 1.0)
    moved = _turned(target, -margin * quality) - margin * quality - margin
    losses = cross_entropy(true, scale * cosines, scale * moved)
    return true.guarded(losses, rows)


def _psi(cosines: Tensor, margin: int) -> Tensor:
    """Psi of the angle, without the angle: the arc cosine has no gradient at 0 and pi."""
    # Chebyshev: cos((n + 1) theta) = 2 cos(theta) cos(n theta) - cos((n - 1) theta).
    before, multiple = ops.ones_like(cosines), cosines
    for _ in range(margin - 1):
        before, multiple = multiple, 2.0 * cosines * multiple - before
    # One step down and one turn of the sign for each k pi / m that the angle has passed.
    sign, steps = ops.ones_like(cosines), ops.zeros_like(cosines)
    for k in range(1, margin):
        passed = cosines < math.cos(k * math.pi / margin)
        sign, steps = ops.where(passed, -sign, sign), ops.where(passed, steps + 1.0, steps)
    return sign * multiple - 2.0 * steps


def _turned(cosines: Tensor, angle: Tensor) -> Tensor:
    """`cos(theta + angle)`, theta + angle limited to [0, pi]."""
    sine = safe_sqrt(1.0 - ops.square(cosines))
    turned = cosines * ops.cos(angle) - sine * ops.sin(angle)
    edge = ops.cos(angle)
    below = ops.logical_and(angle < 0, cosines > edge)
    above = ops.logical_and(angle > 0, cosines < -edge)
    return ops.where(below, 1.0, ops.where(above, -1.0, turned))


@register
class SphereFaceLoss(ProxyLoss):
    """SphereFace on what a `simlearn.heads.ProxiesWithNorm` layer gives: `sphereface_loss`.

    Args:
        margin: a whole number of at least 1.
        annealing: at least 0.
        name: of the loss.
    """

    def __init__(
        self, *, margin: int = 4, annealing: float = 0.0, name: str = "sphereface"
    ) -> None:
        super().__init__(name=name)
        _check_sphereface(margin, annealing)
        self.margin = margin
        self.annealing = annealing

    def item_losses(self, labels: Tensor, rows: Tensor) -> Tensor:
        """Loss of each item, `(batch,)`."""
        return sphereface_loss(labels, rows, margin=self.margin, annealing=self.annealing)


@register
class AdaFaceLoss(ProxyLoss):
    """AdaFace on what a `simlearn.heads.ProxiesWithQuality` layer gives: `adaface_loss`.

    Args:
        margin: in radians and in cosine, in `[0, pi)`.
        h: how much one deviation of a feature's length counts, above 0.
        scale: above 0.
        name: of the loss.
    """

    def __init__(
        self,
        *,
        margin: float = 0.4,
        h: float = 0.333,
        scale: float = 64.0,
        name: str = "adaface",
    ) -> None:
        super().__init__(name=name)
        _check_adaface(margin, h, scale)
        self.margin = margin
        self.h = h
        self.scale = scale

    def item_losses(self, labels: Tensor, rows: Tensor) -> Tensor:
        """Loss of each item, `(batch,)`."""
        return adaface_loss(labels, rows, margin=self.margin, h=self.h, scale=self.scale)


def _check_sphereface(margin: int, annealing: float) -> None:
    if not isinstance(margin, int) or margin < 1:
        raise UserError(f"expected margin as a whole number of at least 1, received {margin}")
    check_range("annealing", annealing, bounds="[)")


def _check_adaface(margin: float, h: float, scale: float) -> None:
    check_range("margin", margin, high=math.pi, bounds="[)")
    check_range("h", h)
    check_range("scale", scale)
