"""From the rows of an annotation file to a record of landmarks, with each point checked."""

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from simlearn.data._annotations import Line
from simlearn.data.decode import LARGEST_SIDE
from simlearn.data.records import Attribute, Landmark, LandmarkPictures, Pictures
from simlearn.errors import DatasetError

Outside: TypeAlias = Literal["refuse", "mask", "keep"]
"""What to do with a point outside its picture: an error, a missing point, or the point as it is."""

FIVE_POINTS: Final = (
    Landmark("image_left_eye", 1),
    Landmark("image_right_eye", 0),
    Landmark("nose", 2),
    Landmark("image_left_mouth_corner", 4),
    Landmark("image_right_mouth_corner", 3),
)
"""The five points of a face that MTFL and CelebA have, left being the picture's left."""


def landmark_pictures(
    pictures: Pictures,
    *,
    points: NDArray[np.float64],
    visible: NDArray[np.bool_] | None,
    landmarks: tuple[Landmark, ...],
    values: NDArray[np.int64],
    attributes: tuple[Attribute, ...],
    lines: Sequence[Line],
    outside: Outside,
    name: str,
    size: tuple[int, int] | None = None,
    first_id: int = 0,
) -> LandmarkPictures:
    """A record in the order of its rows, each point inside its picture unless it shall be kept.

    Args:
        pictures: One for each row.
        points: `(n, p, 2)`, x and y.
        visible: `(n, p)`; by default every point is.
        landmarks: The schema of the points.
        values: `(n, a)`.
        attributes: The schema of the values.
        lines: The row that each record came from.
        outside: Refuse a point outside its picture, mask it, or keep it.
        name: Of the record.
        size: Width and height of every picture, where the data set fixes them; by default read
            from each picture's header.
        first_id: Of the first row; the others count on.
    """
    if outside not in get_args(Outside):
        raise DatasetError(f"outside must be 'refuse', 'mask' or 'keep', and came as {outside!r}")
    visible = np.ones(points.shape[:2], np.bool_) if visible is None else visible
    if outside != "keep":
        visible = _inside(pictures, points, visible, landmarks, lines, outside, size)
    return LandmarkPictures(
        pictures=pictures,
        points=np.where(visible[..., np.newaxis], points, 0.0).astype(np.float32),
        visible=visible,
        landmarks=landmarks,
        values=values,
        attributes=attributes,
        ids=np.arange(first_id, first_id + len(points), dtype=np.int64),
        name=name,
    )


def _inside(
    pictures: Pictures,
    points: NDArray[np.float64],
    visible: NDArray[np.bool_],
    landmarks: tuple[Landmark, ...],
    lines: Sequence[Line],
    outside: Outside,
    size: tuple[int, int] | None,
) -> NDArray[np.bool_]:
    """Which known points lie inside their pictures; an error where all must."""
    sizes = _sizes(pictures) if size is None else np.tile(np.array(size, float), (len(points), 1))
    # The edge of a picture lies half a pixel beyond the centre of its last one; official
    # coordinates that count from 1 reach one half further.
    out = visible & ~np.all((points >= -0.5) & (points <= sizes[:, np.newaxis]), axis=-1)
    if outside == "refuse" and out.any():
        row, point = np.argwhere(out)[0]
        width, height = sizes[row]
        x, y = points[row, point]
        raise lines[row].error(
            f"{landmarks[point].name} inside the picture of {width:g}x{height:g} "
            "(outside='mask' hides such points)",
            f"({x:g}, {y:g})",
        )
    return visible & ~out


def _sizes(pictures: Pictures) -> NDArray[np.float64]:
    """Width and height of each, `(n, 2)`; the largest that can be where it cannot be read."""
    sizes = np.full((len(pictures), 2), float(LARGEST_SIDE))
    for row in range(len(pictures)):
        try:
            sizes[row] = pictures.size(row)
        except DatasetError:  # Missing or damaged; the pipeline skips and counts it.
            continue
    return sizes
