"""Histograms of local binary patterns, and the distance between histograms."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn import search
from simlearn._typing import FloatArray
from simlearn.baselines._pixels import as_pixels, picture_shape
from simlearn.errors import UserError


def lbph(
    images: ArrayLike, *, radius: float = 2.0, points: int = 8, grid: tuple[int, int] = (7, 7)
) -> NDArray[np.float32]:
    """Embed each grey image as histograms of its local binary patterns, one a region.

    A pixel's pattern says which of the `points` neighbours on a circle around it are at least as
    bright. Patterns with at most two changes along the circle are counted each in a bin of its own,
    all others in one more: ``points * (points - 1) + 3`` bins. To be compared by `chi_square`.

    Args:
        images: ``(items, height, width)`` or ``(items, height, width, 1)``, 0..255; fractions are
            rounded.
        radius: of the circle, in pixels, at least 1.
        points: neighbours on it, 3 to 24.
        grid: rows and columns of regions.

    Returns:
        ``(items, rows * columns * bins)``, region by region in row-major order; the histogram of
        each region sums to 1.

    Raises:
        UserError: if these are no grey pictures, an argument is out of range, the pictures are too
            small for the grid, or scikit-image is not installed.

    Examples:
        >>> images = np.arange(2 * 30 * 30).reshape(2, 30, 30) % 251
        >>> lbph(images).shape, lbph(images, grid=(2, 3)).sum(axis=1).round(3).tolist()
        ((2, 2891), [6.0, 6.0])

    Reference:
        Ahonen, Hadid, Pietikäinen 2004, "Face Recognition with Local Binary Patterns", ECCV; 2006,
        "Face Description with Local Binary Patterns", IEEE Transactions on Pattern Analysis and
        Machine Intelligence 28(12). The defaults are the 2004 paper's: uniform patterns of 8 points
        at radius 2, in 7 x 7 regions. Deviations: all regions weigh the same; a margin of the
        radius, where neighbours lie outside the picture, is not counted.
    """
    local_binary_pattern = _scikit_image()
    pixels = as_pixels(images)
    height, width, channels = picture_shape(pixels)
    margin = _margin(radius, points)
    rows, columns = (search.as_count(count, "grid") for count in grid)
    if channels != 1:
        raise UserError(
            f"images: expected grey images, with one channel or none, got {channels} channels"
        )
    if height - 2 * margin < rows or width - 2 * margin < columns:
        raise UserError(
            f"grid: expected at most {max(0, height - 2 * margin)} rows and "
            f"{max(0, width - 2 * margin)} columns for images of {height}x{width} without a margin "
            f"of {margin}, got {rows} and {columns}"
        )
    bins = points * (points - 1) + 3
    inner = slice(margin, -margin)
    regions = _regions(height - 2 * margin, width - 2 * margin, rows, columns)
    sizes = np.bincount(regions.ravel(), minlength=rows * columns)
    histograms = np.empty((len(pixels), rows * columns, bins), np.float32)
    for image, histogram in zip(np.rint(pixels).astype(np.uint8), histograms, strict=True):
        grey = image.reshape(height, width)
        patterns = local_binary_pattern(grey, points, radius, method="nri_uniform")[inner, inner]
        places = regions * bins + patterns.astype(np.int64)
        counts = np.bincount(places.ravel(), minlength=rows * columns * bins)
        histogram[...] = counts.reshape(-1, bins) / sizes[:, None]
    return histograms.reshape(len(pixels), -1)


def chi_square(queries: FloatArray, gallery: FloatArray) -> FloatArray:
    """Chi-square distance between histograms, ``sum_i (q_i - g_i)^2 / (q_i + g_i)``.

    A bin that is empty in both adds nothing. A `simlearn.search.Distance`.

    Args:
        queries: ``(queries, dim)``, at least 0.
        gallery: ``(gallery, dim)``, at least 0.

    Returns:
        ``(queries, gallery)``, at least 0; exactly 0 for equal rows.

    Raises:
        UserError: if a value is negative.

    Examples:
        >>> chi_square(np.array([[1.0, 0.0, 3.0]]), np.array([[1.0, 0.0, 3.0], [0.0, 0.0, 1.0]]))
        array([[0., 2.]])

    Reference:
        Ahonen, Hadid, Pietikäinen 2004 (see `lbph`), the chi-square statistic of its section on
        comparing histograms.
    """
    left, right = np.asarray(queries, np.float64), np.asarray(gallery, np.float64)
    lowest = min(left.min(initial=0.0), right.min(initial=0.0))
    if lowest < 0:
        raise UserError(f"chi_square: expected histograms, with values of at least 0, got {lowest}")
    # A bin that is empty on the left adds what the right has in it: a matrix product does that for
    # all of them, and only filled bins are left to be looked at one by one.
    result = (left == 0).astype(np.float64) @ right.T
    for row, total in zip(left, result, strict=True):
        filled = row > 0
        others, own = right[:, filled], row[filled]
        total += np.sum((others - own) ** 2 / (others + own), axis=1)
    return result.astype(np.result_type(queries, gallery, np.float32), copy=False)


def _regions(height: int, width: int, rows: int, columns: int) -> NDArray[np.int64]:
    """The number of the region that each pixel lies in; sizes differ by at most one row, column."""
    row = np.arange(height) * rows // height
    column = np.arange(width) * columns // width
    return row[:, None] * columns + column


def _margin(radius: float, points: int) -> int:
    if not 1 <= radius < math.inf:
        raise UserError(f"radius: expected a finite number of at least 1, got {radius!r}")
    if not 3 <= search.as_count(points, "points") <= 24:
        raise UserError(f"points: expected 3 to 24, got {points}")
    return math.ceil(radius)


def _scikit_image() -> Callable[..., NDArray[Any]]:
    try:
        from skimage.feature import local_binary_pattern
    except ImportError as error:
        raise UserError(
            "lbph: expected scikit-image to be installed: pip install 'simlearn[baselines]'"
        ) from error
    return local_binary_pattern  # type: ignore[no-any-return,unused-ignore]
