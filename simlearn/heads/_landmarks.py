"""Heads that place landmarks, in pixels of the picture that the network sees."""

from typing import Any

import numpy as np
from keras import ops

from simlearn._typing import Tensor
from simlearn.errors import UserError
from simlearn.heads._base import WideLayer, check_features, register


@register
class LandmarkRegression(WideLayer):
    """One dense layer from features to points, in pixels.

    `p = c + s z / 2`, `z = W f + b`, where c is the centre of the picture, the origin being the
    centre of its first pixel, and s its width and height: at first all points lie near the middle,
    and z in [-1, 1] spans the picture. No activation: a point may lie outside.

    Args:
        points: how many, at least 1.
        size: height and width of the pictures that the network sees, in pixels, at least 1.

    Call arguments:
        features: `(batch, dim)`.

    Call returns:
        `(batch, points, 2)`, x and y in pixels, float32 at least.

    Raises:
        UserError: an argument is out of range, or the features have no fixed dimension.

    Examples:
        >>> head = LandmarkRegression(2, size=(40, 60))
        >>> head.build((None, 3))
        >>> head.kernel.assign(np.zeros((3, 4))) is None
        False
        >>> np.asarray(head(np.ones((1, 3)))).tolist()
        [[[29.5, 19.5], [29.5, 19.5]]]

    Reference:
        Sun, Wang, Tang 2013, "Deep Convolutional Network Cascade for Facial Point Detection"
        (points as outputs of the network).
    """

    def __init__(self, points: int, *, size: tuple[int, int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.points = _positive("points", points)
        self.size = _checked_size(size)

    def build(self, features_shape: tuple[int | None, ...]) -> None:
        """Makes the weights."""
        check_features(tuple(features_shape))
        self.kernel = self.add_weight(
            name="kernel", shape=(features_shape[-1], 2 * self.points), initializer="glorot_uniform"
        )
        self.bias = self.add_weight(name="bias", shape=(2 * self.points,), initializer="zeros")

    def call(self, features: Tensor) -> Tensor:
        """Places of the points."""
        steps = ops.matmul(features, self.kernel) + self.bias
        steps = ops.reshape(steps, (-1, self.points, 2))
        side = np.array([self.size[1], self.size[0]], "float32")
        return steps * ops.cast(side / 2, steps.dtype) + ops.cast((side - 1) / 2, steps.dtype)

    def compute_output_shape(self, features_shape: tuple[int | None, ...]) -> Any:
        """`(batch, points, 2)`."""
        return (features_shape[0], self.points, 2)

    def get_config(self) -> dict[str, Any]:
        """Everything the constructor takes."""
        return {**super().get_config(), "points": self.points, "size": self.size}


@register
class SoftArgmax(WideLayer):
    """The expected place under a heatmap, for each point: differentiable, finer than the map.

    `p = sum_k softmax(h)_k g_k`, over the cells k of the map, whose centres g lie evenly over the
    picture.

    Args:
        size: height and width of the pictures that the network sees, in pixels, at least 1.

    Call arguments:
        heatmaps: `(batch, rows, columns, points)`, before any softmax.

    Call returns:
        `(batch, points, 2)`, x and y in pixels, float32 at least; never outside the outermost
        centres.

    Raises:
        UserError: `size` is out of range, or the heatmaps have no fixed sides.

    Examples:
        >>> heatmaps = np.zeros((1, 2, 2, 1))
        >>> np.asarray(SoftArgmax(size=(8, 4))(heatmaps)).tolist()
        [[[1.5, 3.5]]]
        >>> heatmaps[0, 1, 0] = 50.0  # The cell at the lower left: x 0 to 2, y 4 to 8.
        >>> np.asarray(SoftArgmax(size=(8, 4))(heatmaps)).tolist()
        [[[0.5, 5.5]]]

    Reference:
        Sun, Xiao, Wei, Liang, Wei 2018, "Integral Human Pose Regression", equations 2 and 3.
    """

    def __init__(self, *, size: tuple[int, int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = _checked_size(size)

    def build(self, heatmaps_shape: tuple[int | None, ...]) -> None:
        """Checks the shape; there is nothing to learn."""
        if len(heatmaps_shape) != 4 or None in heatmaps_shape[1:]:
            raise UserError(
                f"expected heatmaps (batch, rows, columns, points), got {heatmaps_shape}"
            )

    def call(self, heatmaps: Tensor) -> Tensor:
        """Expected places."""
        rows, columns, points = heatmaps.shape[1:]
        flat = ops.reshape(heatmaps, (-1, rows * columns, points))
        shares = ops.softmax(flat, axis=1)
        x = (np.arange(columns) + 0.5) * (self.size[1] / columns) - 0.5
        y = (np.arange(rows) + 0.5) * (self.size[0] / rows) - 0.5
        centres = np.stack([np.tile(x, rows), np.repeat(y, columns)], axis=1)
        return ops.einsum("bkp,kc->bpc", shares, ops.cast(centres, shares.dtype))

    def compute_output_shape(self, heatmaps_shape: tuple[int | None, ...]) -> Any:
        """`(batch, points, 2)`."""
        return (heatmaps_shape[0], heatmaps_shape[3], 2)

    def get_config(self) -> dict[str, Any]:
        """Everything the constructor takes."""
        return {**super().get_config(), "size": self.size}


def _positive(name: str, value: int) -> int:
    if value < 1:
        raise UserError(f"expected {name} to be at least 1; got {value}")
    return value


def _checked_size(size: tuple[int, int]) -> tuple[int, int]:
    if len(size) != 2 or min(size) < 1:
        raise UserError(f"expected size as height and width of at least 1; got {size}")
    return int(size[0]), int(size[1])


__all__ = ["LandmarkRegression", "SoftArgmax"]
