"""Triangles to pixels: which one is in front at each pixel, and where in it the pixel lies."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

_SIZES: Final = (2, 3, 4, 5, 6, 8, 10, 13, 20, 40, 80, 2**15)
_ON_THE_EDGE: Final = 1e-3
"""Slack of barycentric weights, so that rounding opens no gap between two triangles."""


class Hits(NamedTuple):
    """What is seen, for each pixel that shows a triangle.

    Attributes:
        pixel: Flat positions in the picture, `(n,)`.
        triangle: Which one is in front, `(n,)`.
        second: Weight of its second corner, `(n,)`; the weights of all three add up to 1.
        third: Weight of its third corner, `(n,)`.
    """

    pixel: NDArray[np.int64]
    triangle: NDArray[np.int64]
    second: NDArray[np.float32]
    third: NDArray[np.float32]


class _Planes(NamedTuple):
    """Triangles with the box around each, and planes over the box with its corner as origin."""

    triangle: NDArray[np.int64]
    left: NDArray[np.int32]
    top: NDArray[np.int32]
    right: NDArray[np.int32]
    bottom: NDArray[np.int32]
    second: NDArray[np.float32]  # Weight of the second corner: along x, along y, at the origin.
    third: NDArray[np.float32]
    near: NDArray[np.float32]  # Nearness of the first corner, and what the others have more.


def rasterise(
    points: NDArray[np.float32],
    triangles: NDArray[np.int64],
    side: int,
    *,
    culled: NDArray[np.bool_],
) -> Hits:
    """The nearest triangle at each pixel's centre, pixel (0, 0) having its centre at (0, 0).

    Args:
        points: Corners `(3, v)`: x to the right and y down in pixels, and nearness, the larger the
            nearer.
        triangles: Positions in `points`, `(3, t)`.
        side: Of the square picture, in pixels.
        culled: For each triangle whether its back is not seen. Its front is seen where its corners
            run clockwise.
    """
    planes = _planes(points, triangles, side, culled)
    owner, pixel, second, third = _candidates(planes, side)
    near = planes.near[:, owner]
    depth = near[0] + near[1] * second + near[2] * third
    nearest = np.full(side * side, -np.inf, np.float32)
    np.maximum.at(nearest, pixel, depth)
    front = np.flatnonzero(depth == nearest[pixel])
    shown = np.full(side * side, -1, np.int64)
    shown[pixel[front]] = front  # Where two are equally near, as on a shared edge, the later.
    seen = np.flatnonzero(shown >= 0)
    chosen = shown[seen]
    return Hits(seen, planes.triangle[owner[chosen]], second[chosen], third[chosen])


def _planes(
    points: NDArray[np.float32],
    triangles: NDArray[np.int64],
    side: int,
    culled: NDArray[np.bool_],
) -> _Planes:
    """The triangles that can be seen."""
    x0, x1, x2 = (points[0, corner] for corner in triangles)
    y0, y1, y2 = (points[1, corner] for corner in triangles)
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    left = np.maximum(np.ceil(np.minimum(np.minimum(x0, x1), x2)), 0).astype(np.int32)
    top = np.maximum(np.ceil(np.minimum(np.minimum(y0, y1), y2)), 0).astype(np.int32)
    right = np.minimum(np.maximum(np.maximum(x0, x1), x2), side - 1).astype(np.int32)
    bottom = np.minimum(np.maximum(np.maximum(y0, y1), y2), side - 1).astype(np.int32)
    faces = np.where(culled, area, np.abs(area)) > 1e-4
    live = np.flatnonzero(faces & (right >= left) & (bottom >= top))
    x0, x1, x2, y0, y1, y2, area = (column[live] for column in (x0, x1, x2, y0, y1, y2, area))
    left, top, right, bottom = left[live], top[live], right[live], bottom[live]
    second = np.stack([(y2 - y0) / area, (x0 - x2) / area, np.zeros_like(area)])
    third = np.stack([(y0 - y1) / area, (x1 - x0) / area, np.zeros_like(area)])
    for plane in (second, third):
        plane[2] = plane[0] * (left - x0) + plane[1] * (top - y0)
    near = points[2, triangles[:, live]]
    near[1:] -= near[0]
    return _Planes(live, left, top, right, bottom, second, third, near)


def _candidates(
    planes: _Planes, side: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """The pixels inside each triangle: owner, flat position and both weights."""
    owners, pixels, seconds, thirds = [], [], [], []
    width, height = planes.right - planes.left + 1, planes.bottom - planes.top + 1
    size = np.maximum(width, height)
    # Boxes are treated together with others of about their size, as one dense block.
    for low, high in zip((0, *_SIZES[:-1]), _SIZES, strict=True):
        group = np.flatnonzero((size > low) & (size <= high))
        if not len(group):
            continue
        wide, tall = int(width[group].max()), int(height[group].max())
        column, row = np.arange(wide, dtype=np.float32), np.arange(tall, dtype=np.float32)
        second, third = (
            (plane[0, group, np.newaxis] * column)[:, np.newaxis, :]
            + (plane[1, group, np.newaxis] * row + plane[2, group, np.newaxis])[:, :, np.newaxis]
            for plane in (planes.second, planes.third)
        )
        inside = (second >= -_ON_THE_EDGE) & (third >= -_ON_THE_EDGE)
        inside &= second + third <= 1 + _ON_THE_EDGE
        flat = np.flatnonzero(inside)
        which, place = np.divmod(flat, wide * tall)
        owner = group[which]
        down, along = np.divmod(np.arange(wide * tall), wide)
        # A box ends at the picture's edge, though the block may go on.
        kept = (along[place] <= (planes.right - planes.left)[owner]) & (
            down[place] <= (planes.bottom - planes.top)[owner]
        )
        flat, place, owner = flat[kept], place[kept], owner[kept]
        origin = planes.top.astype(np.int64) * side + planes.left
        owners.append(owner)
        pixels.append(origin[owner] + (down * side + along)[place])
        seconds.append(second.ravel()[flat])
        thirds.append(third.ravel()[flat])
    if not owners:
        empty = np.zeros(0, np.int64)
        return empty, empty, empty.astype(np.float32), empty.astype(np.float32)
    return (
        np.concatenate(owners),
        np.concatenate(pixels),
        np.concatenate(seconds),
        np.concatenate(thirds),
    )
