"""How a picture of any size is laid into a frame of one size, and its points with it.

A frame gives, for each picture, the 3x3 matrix that takes a place in the picture to its place in
the frame. Pixels and landmarks go through the same matrix. (0, 0) is the centre of the pixel at the
top left; the edge of the picture is half a pixel before it.
"""

import hashlib
import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simlearn.errors import UserError

Matrix = NDArray[np.float64]


class Frame(Protocol):
    """Where each picture goes in a frame of one size.

    Its `repr` must say all that its matrices depend on: pictures are cached under it.
    """

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the frame, in pixels."""
        ...

    def matrix(self, width: int, height: int, row: int) -> Matrix:
        """From places in a picture to places in the frame, `(3, 3)`.

        Args:
            width: Of the picture, in pixels.
            height: Likewise.
            row: Position of the picture in its record.
        """
        ...


@dataclass(frozen=True)
class Stretch:
    """The whole picture fills the frame, its sides stretched as they must.

    Args:
        size: Height and width of the frame, in pixels, at least 1.

    Examples:
        >>> move([[0, 0], [7, 3]], Stretch((8, 4)).matrix(8, 4, 0)).tolist()
        [[-0.25, 0.5], [3.25, 6.5]]
    """

    size: tuple[int, int]

    def __post_init__(self) -> None:
        _check_size(self.size)

    def matrix(self, width: int, height: int, row: int) -> Matrix:
        """See `Frame.matrix`."""
        return _box_to_box((0, 0, width, height), (0, 0, self.size[1], self.size[0]))


@dataclass(frozen=True)
class Inside:
    """The whole picture in the middle of the frame, its aspect kept; what is left over is filled.

    Args:
        size: Height and width of the frame, in pixels, at least 1.

    Examples:
        >>> move([[0, 0]], Inside((8, 8)).matrix(8, 4, 0)).tolist()
        [[0.0, 2.0]]
    """

    size: tuple[int, int]

    def __post_init__(self) -> None:
        _check_size(self.size)

    def matrix(self, width: int, height: int, row: int) -> Matrix:
        """See `Frame.matrix`."""
        return _centred((0, 0, width, height), self.size, min)


@dataclass(frozen=True)
class Cover:
    """The middle of the picture fills the frame, its aspect kept; what stands out is cut off.

    Args:
        size: Height and width of the frame, in pixels, at least 1.

    Examples:
        >>> move([[0, 0]], Cover((8, 8)).matrix(8, 4, 0)).tolist()
        [[-3.5, 0.5]]
    """

    size: tuple[int, int]

    def __post_init__(self) -> None:
        _check_size(self.size)

    def matrix(self, width: int, height: int, row: int) -> Matrix:
        """See `Frame.matrix`."""
        return _centred((0, 0, width, height), self.size, max)


class Crop:
    """A box of each picture in the middle of the frame, its aspect kept, with a margin around it.

    What lies outside the picture is filled; a box at the edge is neither moved nor stretched.

    Args:
        size: Height and width of the frame, in pixels, at least 1.
        boxes: `(n, 4)`, for each picture of the record the left, top, right and bottom edge in
            pixels, 0 being the edge of the picture. They go by the position of a picture in its
            record: a part of a record (`take`) needs those of its own pictures.
        margin: Least distance from box to frame, in pixels of the frame, less than half of it.

    Raises:
        UserError: The boxes have another shape, or one is empty or not finite, or the margin is
            out of range.

    Examples:
        >>> crop = Crop((10, 10), [[20, 30, 24, 34]], margin=1)
        >>> move([[20, 30]], crop.matrix(100, 100, 0)).tolist()
        [[1.5, 1.5]]
    """

    def __init__(self, size: tuple[int, int], boxes: Any, *, margin: float = 0.0) -> None:
        _check_size(size)
        self.size = size
        self.boxes = np.asarray(boxes, np.float64)
        self.margin = margin
        if self.boxes.ndim != 2 or self.boxes.shape[1] != 4:
            raise UserError(f"expected boxes (n, 4), and received {self.boxes.shape}")
        good = np.isfinite(self.boxes).all(axis=1) & np.all(
            self.boxes[:, :2] < self.boxes[:, 2:], axis=1
        )
        if not good.all():
            row = int(np.argmin(good))
            raise UserError(
                "expected boxes as left, top, right, bottom with some area, "
                f"and received {self.boxes[row].tolist()} for picture {row}"
            )
        if not 0 <= margin < min(size) / 2:
            raise UserError(f"margin must lie in [0, {min(size) / 2}), and came as {margin}")

    def __repr__(self) -> str:
        digest = hashlib.sha256(self.boxes.astype("<f8").tobytes()).hexdigest()
        return f"Crop({self.size}, boxes {digest}, margin={self.margin})"

    def matrix(self, width: int, height: int, row: int) -> Matrix:
        """See `Frame.matrix`."""
        return _centred(tuple(self.boxes[row]), self.size, min, margin=self.margin)


def move(points: Any, matrix: Matrix) -> Matrix:
    """Points through a matrix.

    Args:
        points: `(..., p, 2)`, x and y.
        matrix: `(3, 3)`, or `(..., 3, 3)` for points of several pictures.

    Returns:
        `(..., p, 2)`.
    """
    points = np.asarray(points, np.float64)
    return points @ np.swapaxes(matrix[..., :2, :2], -1, -2) + matrix[..., np.newaxis, :2, 2]


def shrink_for(matrix: Matrix) -> int:
    """How many times smaller a picture may be decoded that goes through the matrix.

    Returns:
        The largest of 1, 2, 4 and 8 that leaves the frame no more pixels than the picture, along
        the axis where the matrix shrinks least.
    """
    (a, b, _), (c, d, _), _ = matrix.tolist()
    scale = max(math.hypot(a, c), math.hypot(b, d))
    return next((k for k in (8, 4, 2) if k * scale <= 1.0), 1)


def warp(
    picture: Image.Image, matrix: Matrix, size: tuple[int, int], *, fill: int = 0
) -> Image.Image:
    """Lay a picture into a frame, bilinearly.

    Args:
        picture: Of mode L or RGB.
        matrix: From places in the picture to places in the frame.
        size: Height and width of the frame.
        fill: Value outside the picture, 0 to 255.
    """
    return picture.transform(
        (size[1], size[0]),
        Image.Transform.AFFINE,
        _way_back(matrix),
        Image.Resampling.BILINEAR,
        fillcolor=_fill_colour(picture, fill),
    )


def bend(
    picture: Image.Image,
    matrix: Matrix,
    offsets: NDArray[np.float64],
    size: tuple[int, int],
    *,
    fill: int = 0,
) -> Image.Image:
    """Lay a picture into a frame and bend it there, in one go, bilinearly.

    Args:
        picture: Of mode L or RGB.
        matrix: From places in the picture to places in the frame.
        offsets: `(rows, columns, 2)`, as `simlearn.data.augment.Change` has them.
        size: Height and width of the frame.
        fill: Value outside the picture, 0 to 255.
    """
    rows, columns = offsets.shape[:2]
    # Cells meet at whole pixels, so that each pixel belongs to one of them.
    x = np.rint(np.linspace(0, size[1], columns))
    y = np.rint(np.linspace(0, size[0], rows))
    a, b, c, d, e, f = _way_back(matrix)
    across = x[np.newaxis, :] + offsets[..., 0]
    down = y[:, np.newaxis] + offsets[..., 1]
    nodes = np.stack([a * across + b * down + c, d * across + e * down + f], axis=-1).tolist()
    edges_x, edges_y = x.astype(int).tolist(), y.astype(int).tolist()
    mesh = [
        (
            (edges_x[j], edges_y[i], edges_x[j + 1], edges_y[i + 1]),
            # Upper left, lower left, lower right, upper right.
            (*nodes[i][j], *nodes[i + 1][j], *nodes[i + 1][j + 1], *nodes[i][j + 1]),
        )
        for i in range(rows - 1)
        for j in range(columns - 1)
        if edges_x[j] < edges_x[j + 1] and edges_y[i] < edges_y[i + 1]
    ]
    return picture.transform(
        (size[1], size[0]),
        Image.Transform.MESH,
        mesh,
        Image.Resampling.BILINEAR,
        fillcolor=_fill_colour(picture, fill),
    )


def _way_back(matrix: Matrix) -> tuple[float, float, float, float, float, float]:
    """From places in the frame to places in the picture, both counted from the edge.

    Pillow asks for the way back, and counts from the edge of the picture, not from the centre of
    its first pixel.
    """
    (a, b, c), (d, e, f), _ = matrix.tolist()
    c, f = c + 0.5 * (1 - a - b), f + 0.5 * (1 - d - e)
    area = a * e - b * d
    ia, ib, id_, ie = e / area, -b / area, -d / area, a / area
    return ia, ib, -(ia * c + ib * f), id_, ie, -(id_ * c + ie * f)


def _fill_colour(picture: Image.Image, fill: int) -> int | tuple[int, int, int]:
    return fill if picture.mode == "L" else (fill, fill, fill)


def _centred(box: Any, size: tuple[int, int], choose: Any, *, margin: float = 0.0) -> Matrix:
    """The box in the middle of the frame, scaled by the smaller or larger of the two ratios."""
    left, top, right, bottom = box
    height, width = size
    scale = choose((width - 2 * margin) / (right - left), (height - 2 * margin) / (bottom - top))
    half_width, half_height = scale * (right - left) / 2, scale * (bottom - top) / 2
    target = (
        width / 2 - half_width, height / 2 - half_height,
        width / 2 + half_width, height / 2 + half_height,
    )  # fmt: skip
    return _box_to_box(box, target)


def _box_to_box(source: Any, target: Any) -> Matrix:
    """The matrix that takes one box to another, both given by their edges."""
    across = (target[2] - target[0]) / (source[2] - source[0])
    down = (target[3] - target[1]) / (source[3] - source[1])
    # An edge at e lies at e - 0.5, counted from the centre of the first pixel.
    return np.array(
        [
            [across, 0.0, across * (0.5 - source[0]) + target[0] - 0.5],
            [0.0, down, down * (0.5 - source[1]) + target[1] - 0.5],
            [0.0, 0.0, 1.0],
        ]
    )


def _check_size(size: tuple[int, int]) -> None:
    pair = isinstance(size, (tuple, list)) and len(size) == 2
    if not pair or not all(isinstance(s, (int, np.integer)) and s >= 1 for s in size):
        raise UserError(f"expected size as height and width of at least 1, and received {size}")
