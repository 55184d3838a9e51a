"""Attention over the locations of a grid as smooth maps over a picture."""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn._typing import FloatArray
from simlearn.data.frames import Frame, Stretch
from simlearn.errors import UserError


def heat_maps(
    attention: ArrayLike,
    size: tuple[int, int],
    *,
    grid: tuple[int, int] | None = None,
    frame: Frame | None = None,
) -> NDArray[np.float32]:
    r"""Attention over the locations of a grid as smooth maps of a picture's size.

    .. math:: h(y, x) = \sum_{r, c} B(g_y - r)\, B(g_x - c)\, a_{r c}

    where B is the cubic B-spline and :math:`(g_y, g_x)` the place of the pixel in the grid; beyond
    its edge the grid goes on as at the edge. No map leaves the range of its weights, and equal
    weights give an even map.

    Args:
        attention: `(steps, locations)`, not negative, the locations row by row.
        size: Height and width of the picture, in pixels.
        grid: Rows and columns; by default as many of each.
        frame: How the encoder laid the picture into its own size, `Encoder.frame`; by default it
            was stretched. What the encoder did not see has no heat.

    Returns:
        `(steps, height, width)`, in the unit of the weights.

    Raises:
        UserError: The attention is of another shape, negative or not finite; the grid does not fit
            it, or the frame turns pictures.

    Examples:
        >>> heat_maps([[0.0, 1.0, 0.0, 0.0]], (2, 4)).astype(float).round(2).tolist()
        [[[0.06, 0.26, 0.57, 0.77], [0.01, 0.05, 0.11, 0.15]]]

    Reference:
        Unser 1999, "Splines: A Perfect Fit for Signal and Image Processing", equation 3 (n = 3).
    """
    weights, (rows, columns) = checked_attention(attention, grid)
    if len(size) != 2 or min(size) < 1:
        raise UserError(f"expected size as height and width of at least 1, and received {size}")
    height, width = size
    frame = Stretch((rows, columns)) if frame is None else frame
    matrix = frame.matrix(width, height, 0)
    if matrix[0, 1] or matrix[1, 0]:
        raise UserError(f"expected a frame that keeps pictures upright, and received {frame!r}")
    down = _spline(np.arange(height) * matrix[1, 1] + matrix[1, 2], frame.size[0], rows)
    across = _spline(np.arange(width) * matrix[0, 0] + matrix[0, 2], frame.size[1], columns)
    return np.asarray(down @ weights.reshape(-1, rows, columns) @ across.T, np.float32)


def checked_attention(
    attention: ArrayLike, grid: tuple[int, int] | None
) -> tuple[FloatArray, tuple[int, int]]:
    weights = np.asarray(attention, np.float64)
    if weights.ndim != 2 or not weights.shape[1]:
        raise UserError(f"expected attention (steps, locations), and received {weights.shape}")
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise UserError("expected attention that is finite and not negative, and received other")
    root = math.isqrt(weights.shape[1])
    rows, columns = (root, root) if grid is None else grid
    if rows * columns != weights.shape[1]:
        raise UserError(
            f"expected a grid of {weights.shape[1]} locations, and received "
            f"{'none' if grid is None else f'{rows}x{columns}'}"
        )
    return weights, (int(rows), int(columns))


def _spline(places: NDArray[Any], length: int, cells: int) -> NDArray[np.float64]:
    """The weight of each of `cells` at places of a frame of `length` pixels, `(places, cells)`."""
    at = (places + 0.5) * cells / length - 0.5
    first = np.floor(at).astype(np.int64)
    rest = at - first
    weights = np.zeros((len(places), cells))
    parts = (
        (1 - rest) ** 3,
        4 - 6 * rest**2 + 3 * rest**3,
        1 + 3 * rest + 3 * rest**2 - 3 * rest**3,
        rest**3,
    )
    for step, part in enumerate(parts, start=-1):
        np.add.at(weights, (np.arange(len(at)), np.clip(first + step, 0, cells - 1)), part / 6)
    seen = (places >= -0.5) & (places <= length - 0.5)
    return weights * seen[:, np.newaxis]
