"""Signed distances to simple outlines: negative inside, in the unit of the coordinates.

Each function takes coordinates as arrays of one shape and gives an array of that shape. Sums of
squares and square roots alone, so that every machine draws the same.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Field: TypeAlias = NDArray[np.floating[Any]]
"""A number at every point of a grid."""


def circle(x: Field, y: Field, at: tuple[float, float], radius: float) -> Field:
    """Distance to a circle."""
    return np.sqrt((x - at[0]) ** 2 + (y - at[1]) ** 2) - np.float32(radius)


def ellipse(x: Field, y: Field, at: tuple[float, float], radii: tuple[float, float]) -> Field:
    """Distance to an ellipse with its axes along the grid; right near its edge, else rough.

    Not for the very middle.
    """
    u, v = (x - at[0]) / radii[0], (y - at[1]) / radii[1]
    length = np.sqrt(u * u + v * v)
    slope = np.sqrt((u / radii[0]) ** 2 + (v / radii[1]) ** 2)
    return length * (length - 1) / np.maximum(slope, np.float32(1e-6))


def box(
    x: Field, y: Field, corner: tuple[float, float], other: tuple[float, float], round_: float = 0
) -> Field:
    """Distance to a box between two corners, which may be rounded."""
    middle = (corner[0] + other[0]) / 2, (corner[1] + other[1]) / 2
    half = abs(other[0] - corner[0]) / 2 - round_, abs(other[1] - corner[1]) / 2 - round_
    u, v = np.abs(x - middle[0]) - half[0], np.abs(y - middle[1]) - half[1]
    outside = np.sqrt(np.maximum(u, 0) ** 2 + np.maximum(v, 0) ** 2)
    return outside + np.minimum(np.maximum(u, v), 0) - np.float32(round_)


def segment(
    x: Field, y: Field, start: tuple[float, float], end: tuple[float, float], radius: float
) -> Field:
    """Distance to a line with round ends."""
    return np.sqrt(_to_segment(x, y, start, end)) - np.float32(radius)


def polygon(x: Field, y: Field, corners: Sequence[tuple[float, float]]) -> Field:
    """Distance to a polygon, convex or not."""
    nearest = np.full(x.shape, np.inf, np.float32)
    inside = np.zeros(x.shape, np.bool_)
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        nearest = np.minimum(nearest, _to_segment(x, y, (x0, y0), (x1, y1)))
        # A point is inside where a ray from it crosses the edges an odd number of times.
        if y0 != y1:
            crosses = (y0 <= y) != (y1 <= y)
            inside ^= crosses & (x < x0 + (y - y0) * ((x1 - x0) / (y1 - y0)))
    return np.where(inside, -1, 1).astype(np.float32) * np.sqrt(nearest)


def union(*fields: Field) -> Field:
    """Distance to several outlines as one."""
    result = fields[0]
    for field in fields[1:]:
        result = np.minimum(result, field)
    return result


def _to_segment(x: Field, y: Field, start: tuple[float, float], end: tuple[float, float]) -> Field:
    """Squared distance to a line between two points."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    u, v = x - start[0], y - start[1]
    along = np.clip((u * dx + v * dy) / (dx * dx + dy * dy), 0, 1)
    return (u - along * dx) ** 2 + (v - along * dy) ** 2
