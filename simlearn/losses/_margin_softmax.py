"""Softmax over class proxies with a margin on the true class."""

import math

from keras import ops

from simlearn._numerics import masked_mean, nan_unless_finite, safe_sqrt
from simlearn._typing import Tensor
from simlearn.losses._base import LabelledLoss, check_batch, check_range, register


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
    _check(margin, scale)
    labels, cosines, _ = check_batch(labels, cosines)
    classes = cosines.shape[1]
    labels = ops.cast(labels, "int64" if "64" in str(labels.dtype) else "int32")
    is_true = ops.equal(labels[:, None], ops.arange(classes, dtype=labels.dtype)[None, :])
    target = ops.sum(ops.where(is_true, cosines, 0.0), axis=-1, keepdims=True)
    sine = safe_sqrt(ops.maximum(1.0 - ops.square(target), 0.0))
    moved = target * math.cos(margin) - sine * math.sin(margin)
    wrapped = target < -math.cos(margin)
    moved = ops.where(wrapped, target - margin * math.sin(margin), moved)
    logits = scale * ops.where(is_true, moved, cosines)
    losses = ops.logsumexp(logits, axis=-1) - scale * moved[:, 0]
    losses = ops.where(ops.any(is_true, axis=-1), losses, math.nan)
    return losses + nan_unless_finite(cosines, axis=-1)


@register
class ArcFaceLoss(LabelledLoss):
    """ArcFace on the cosines that a `simlearn.heads.Proxies` layer gives: `arcface_loss`.

    Args:
        margin: in radians, in `[0, pi)`.
        scale: above 0.
        name: of the loss.
    """

    def __init__(self, *, margin: float = 0.5, scale: float = 64.0, name: str = "arcface") -> None:
        super().__init__(name=name)
        _check(margin, scale)
        self.margin = margin
        self.scale = scale

    def call(self, labels: Tensor, cosines: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Scalar loss of one batch."""
        losses = arcface_loss(labels, cosines, margin=self.margin, scale=self.scale)
        return masked_mean(losses, ops.ones_like(losses, dtype="bool"), sample_weight)


def _check(margin: float, scale: float) -> None:
    check_range("margin", margin, high=math.pi, bounds="[)")
    check_range("scale", scale)
