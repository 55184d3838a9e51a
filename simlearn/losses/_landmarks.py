"""Losses of landmarks, point by point; missing points are left out."""

from typing import Any

import keras
from keras import ops

from simlearn._numerics import at_least_float32, safe_sqrt
from simlearn._typing import Tensor
from simlearn.errors import UserError
from simlearn.losses._base import check_count, check_range, register


@register
def landmark_squared_loss(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Half the squared distance of each point: `(dx^2 + dy^2) / 2`.

    Args:
        y_true: `(batch, points, 2)`, x and y; or `(batch, points, 3)`, whose last column is 1 where
            the point is known and 0 where it is missing.
        y_pred: `(batch, points, 2)`, in the unit of `y_true`.

    Returns:
        `(batch, points)`, in the squared unit, float32 at least; 0 where a point is missing.

    Raises:
        UserError: the shapes do not fit.

    Examples:
        >>> import numpy as np
        >>> true = np.array([[[1.0, 2.0, 1.0], [0.0, 0.0, 0.0]]])
        >>> print(np.asarray(landmark_squared_loss(true, np.array([[[4.0, 6.0], [5.0, 5.0]]]))))
        [[12.5  0. ]]

    Reference:
        Zhang, Luo, Loy, Tang 2014, "Facial Landmark Detection by Deep Multi-task Learning",
        section 3.1 (least squares for the main task).
    """
    return _summed(lambda step: 0.5 * ops.square(step), y_true, y_pred)


@register
def landmark_l1_loss(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """How far each point is off along both axes together: `|dx| + |dy|`.

    Args:
        y_true: as in `landmark_squared_loss`.
        y_pred: likewise.

    Returns:
        `(batch, points)`, in the unit of `y_true`; 0 where a point is missing.

    Raises:
        UserError: the shapes do not fit.

    Examples:
        >>> import numpy as np
        >>> print(np.asarray(landmark_l1_loss(np.zeros((1, 1, 2)), np.array([[[3.0, -4.0]]]))))
        [[7.]]
    """
    return _summed(ops.abs, y_true, y_pred)


@register
def landmark_smooth_l1_loss(y_true: Tensor, y_pred: Tensor, *, beta: float = 1.0) -> Tensor:
    """L1 of large steps, squared error of small ones, over both axes.

    `s(dx) + s(dy)`, `s(u) = u^2 / (2 beta)` where `|u| < beta`, else `|u| - beta / 2`.

    Args:
        y_true: as in `landmark_squared_loss`.
        y_pred: likewise.
        beta: where the two parts meet, above 0, in the unit of `y_true`.

    Returns:
        `(batch, points)`, in the unit of `y_true`; 0 where a point is missing.

    Raises:
        UserError: the shapes do not fit, or `beta` is not above 0.

    Examples:
        >>> import numpy as np
        >>> y = np.array([[[3.0, 0.5]]])
        >>> print(np.asarray(landmark_smooth_l1_loss(np.zeros((1, 1, 2)), y)))  # 2.5 + 0.125
        [[2.625]]

    Reference:
        Girshick 2015, "Fast R-CNN", equation 3, where beta is 1.
    """
    check_range("beta", beta)

    def smooth(step: Tensor) -> Tensor:
        size = ops.abs(step)
        return ops.where(size < beta, ops.square(step) / (2.0 * beta), size - beta / 2.0)

    return _summed(smooth, y_true, y_pred)


@register
def landmark_wing_loss(
    y_true: Tensor, y_pred: Tensor, *, width: float = 10.0, epsilon: float = 2.0
) -> Tensor:
    """Logarithm of small steps, L1 of large ones, over both axes: small errors pull more.

    `w(dx) + w(dy)`, `w(u) = width ln(1 + |u| / epsilon)` where `|u| < width`, else
    `|u| - width + width ln(1 + width / epsilon)`.

    Args:
        y_true: as in `landmark_squared_loss`.
        y_pred: likewise.
        width: where the two parts meet, above 0, in the unit of `y_true`; w in the paper, whose
            faces measure 256 pixels.
        epsilon: how sharply the logarithm bends, above 0, in the same unit.

    Returns:
        `(batch, points)`, in the unit of `y_true`; 0 where a point is missing.

    Raises:
        UserError: the shapes do not fit, or an argument is not above 0.

    Examples:
        >>> import numpy as np
        >>> y = np.array([[[2.0, 12.0]]])
        >>> wing = landmark_wing_loss(np.zeros((1, 1, 2)), y)  # 10 ln 2, and 2 + 10 ln 6
        >>> print(round(float(wing[0, 0]), 2))
        26.85

    Reference:
        Feng, Kittler, Awais, Huber, Wu 2018, "Wing Loss for Robust Facial Landmark Localisation
        with Convolutional Neural Networks", equation 5.
    """
    check_range("width", width)
    check_range("epsilon", epsilon)

    def wing(step: Tensor) -> Tensor:
        size = ops.abs(step)
        near = width * ops.log1p(size / epsilon)
        far = size - width + width * ops.log1p(ops.cast(width / epsilon, size.dtype))
        return ops.where(size < width, near, far)

    return _summed(wing, y_true, y_pred)


@register
def landmark_normalized_loss(
    y_true: Tensor, y_pred: Tensor, *, left: int = 0, right: int = 1
) -> Tensor:
    """The score itself: the distance of each point over the distance of two true ones, the eyes.

    `|p - q| / |p_left - p_right|`. Small faces count as much as large ones, and faces from the
    side, whose eyes are close together, count more.

    Args:
        y_true: as in `landmark_squared_loss`. Where one of the two points is missing, or both lie
            in one place, the picture has no scale, and all its points are left out.
        y_pred: likewise.
        left: position of one of the two among the points.
        right: position of the other.

    Returns:
        `(batch, points)`, a share of that distance; 0 where a point is left out.

    Raises:
        UserError: the shapes do not fit, or the two positions are not two of the points.

    Examples:
        >>> import numpy as np
        >>> true = np.array([[[0.0, 0.0], [10.0, 0.0]]])
        >>> print(np.asarray(landmark_normalized_loss(true, true + [[0.0, 3.0]])))
        [[0.3 0.3]]
    """
    true, predicted, known = parts(y_true, y_pred)
    between, scaled = scale(true, known, left, right)
    apart = safe_sqrt(ops.sum(ops.square(_steps(true, predicted, known)), axis=-1))
    return ops.where(scaled, apart / between, 0.0)


def parts(y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """True points, predicted points and which of them are known, or an error."""
    true, predicted = at_least_float32(y_true), at_least_float32(y_pred)
    shapes = tuple(true.shape), tuple(predicted.shape)
    fits = all(len(shape) == 3 for shape in shapes) and shapes[0][1] == shapes[1][1]
    if not fits or shapes[0][2] not in (2, 3) or shapes[1][2] != 2:
        raise UserError(
            "expected true points (batch, points, 2), or 3 with 1 for known and 0 for missing, and "
            f"predicted ones (batch, points, 2); received {shapes[0]} and {shapes[1]}"
        )
    check_count("true points", true, predicted)
    dtype = keras.backend.result_type(true.dtype, predicted.dtype)
    known = true[..., 2] > 0 if shapes[0][2] == 3 else ops.ones_like(true[..., 0], dtype="bool")
    return ops.cast(true[..., :2], dtype), ops.cast(predicted, dtype), known


def _steps(true: Tensor, predicted: Tensor, known: Tensor) -> Tensor:
    """From true to predicted points, 0 where one is missing."""
    # Before the loss: no gradient of what may not even be finite flows back.
    return ops.where(known[..., None], predicted - true, 0.0)


def _summed(function: Any, y_true: Tensor, y_pred: Tensor) -> Tensor:
    return ops.sum(function(_steps(*parts(y_true, y_pred))), axis=-1)


def scale(true: Tensor, known: Tensor, left: int, right: int) -> tuple[Tensor, Tensor]:
    """The distance of the two points `(batch, 1)`, 1 where there is none; which points have one."""
    points = true.shape[1]
    if left == right or not all(0 <= place < points for place in (left, right)):
        raise UserError(
            f"expected left and right as two positions among {points} points, "
            f"received {left} and {right}"
        )
    squared = ops.sum(ops.square(true[:, left] - true[:, right]), axis=-1, keepdims=True)
    there = ops.logical_and(known[:, left], known[:, right])[:, None]
    there = ops.logical_and(there, squared > 0)
    between = safe_sqrt(ops.where(there, squared, 1.0))
    return between, ops.logical_and(there, known)


__all__ = [
    "landmark_l1_loss",
    "landmark_normalized_loss",
    "landmark_smooth_l1_loss",
    "landmark_squared_loss",
    "landmark_wing_loss",
    "parts",
    "scale",
]
