"""The three networks of MTCNN, over many pictures at once.

The first looks at every place of a pyramid of each picture, the second and third at what is left.
Pictures of one size go through together; boxes of all of them are one batch for the later networks.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simlearn._typing import FloatArray
from simlearn.metrics.detection import shared_areas

_CELL: Final = 12
_STRIDE: Final = 2
# Boxes that go through the second or third network at once.
_PATCHES: Final = 1024
Overlap = Callable[[FloatArray], FloatArray]
Boxes = NDArray[np.float64]


class Networks(NamedTuple):
    """Each from pictures of the values -1..1 to what MTCNN calls it.

    Attributes:
        propose: `(n, h, w, 3)` and a limit to places `(m, 3)` (picture, y, x) with a score above
            it, scores `(m,)` and offsets of the four edges `(m, 4)`.
        refine: pictures and windows `(m, 5)` (picture, left, top, right, bottom) to scores and
            offsets.
        output: likewise to scores, offsets, and points `(m, 10)`, five x, then five y.
    """

    propose: Callable[[Any, float], tuple[Any, Any, Any]]
    refine: Callable[[Any, Any], tuple[Any, Any]]
    output: Callable[[Any, Any], tuple[Any, Any, Any]]


class Limits(NamedTuple):
    """What is looked for: see `MtcnnDetector`."""

    min_face: float
    factor: float
    scores: tuple[float, float, float]


def detect(
    pictures: NDArray[np.uint8], networks: Networks, limits: Limits
) -> list[NDArray[np.float32]]:
    """The faces of pictures of one size.

    Args:
        pictures: `(n, height, width, 3)`, RGB.
        networks: the three.
        limits: what is looked for.

    Returns:
        For each picture `(k, 15)`: box, score, points as x, y, x, y, ..., by falling score.
    """
    owner, boxes = _proposed(pictures, networks.propose, limits)
    for stage, look in ((1, networks.refine), (2, networks.output)):
        boxes = _squared(boxes)
        answers = _looked(look, pictures, owner, boxes)
        scores, offsets = answers[0], answers[1]
        points = _points(boxes, answers[2]) if stage == 2 else np.empty((len(boxes), 0))
        sides = np.tile(boxes[:, 2:4] - boxes[:, :2], 2)
        rows = np.concatenate([boxes[:, :4] + offsets * sides, scores[:, np.newaxis], points], 1)
        good = (scores > limits.scores[stage]) & (rows[:, :2] < rows[:, 2:4]).all(axis=1)
        owner, boxes = _per_picture(owner[good], rows[good], 0.7, (_union, _smaller)[stage - 1])
    return [boxes[owner == row].astype(np.float32) for row in range(len(pictures))]


def scales(height: int, width: int, limits: Limits) -> list[float]:
    """How many times smaller each level of the pyramid is."""
    scale, found = _CELL / limits.min_face, []
    while min(height, width) * scale >= _CELL:
        found.append(scale)
        scale *= limits.factor
    return found


def suppress(rows: Boxes, limit: float, overlap: Overlap) -> NDArray[np.int64]:
    """Which boxes are left once each has silenced those of lower score that it overlaps.

    Args:
        rows: `(n, 5 or more)`: box and score.
        limit: overlap above which a box is silenced.
        overlap: from boxes `(n, 4)` to how much each two share `(n, n)`.

    Returns:
        Positions by falling score.
    """
    order = np.argsort(-rows[:, 4], kind="stable")
    silenced = overlap(rows[order, :4]) > limit
    alive = np.ones(len(rows), np.bool_)
    for place in range(len(rows)):
        if alive[place]:
            alive[place + 1 :] &= ~silenced[place, place + 1 :]
    return order[alive]


def _union(boxes: FloatArray) -> FloatArray:
    shared, areas, _ = shared_areas(boxes, boxes)
    return np.asarray(shared / np.maximum(areas[:, np.newaxis] + areas - shared, 1e-9))


def _smaller(boxes: FloatArray) -> FloatArray:
    shared, areas, _ = shared_areas(boxes, boxes)
    return np.asarray(shared / np.maximum(np.minimum(areas[:, np.newaxis], areas), 1e-9))


def _per_picture(
    owner: NDArray[np.int64], rows: Boxes, limit: float, overlap: Overlap
) -> tuple[NDArray[np.int64], Boxes]:
    kept = [
        own[suppress(rows[own], limit, overlap)]
        for picture in np.unique(owner)
        for own in [np.flatnonzero(owner == picture)]
    ]
    which = np.concatenate([np.empty(0, np.int64), *kept])
    return owner[which], rows[which]


def _proposed(
    pictures: NDArray[np.uint8], propose: Callable[..., Any], limits: Limits
) -> tuple[NDArray[np.int64], Boxes]:
    height, width = pictures.shape[1:3]
    owners, found = [np.empty(0, np.int64)], [np.empty((0, 5))]
    for scale in scales(height, width, limits):
        level = _resized(pictures, scale)
        places, scores, offsets = (np.asarray(a) for a in propose(level, limits.scores[0]))
        # The exact ratio: sides of a level are whole pixels.
        ratio = np.array([width / level.shape[2], height / level.shape[1]])
        low = places[:, :0:-1] * float(_STRIDE)
        edges = np.concatenate([low, low + _CELL], axis=1) + offsets * float(_CELL)
        rows = np.concatenate([edges * np.tile(ratio, 2), scores[:, np.newaxis]], axis=1)
        good = (rows[:, :2] < rows[:, 2:4]).all(axis=1)
        owner, rows = _per_picture(places[good, 0], rows[good], 0.5, _union)
        owners.append(owner)
        found.append(rows)
    return _per_picture(np.concatenate(owners), np.concatenate(found), 0.7, _union)


def _resized(pictures: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Each picture so many times smaller, each pixel the mean of what it covers."""
    height, width = (max(_CELL, round(side * scale)) for side in pictures.shape[1:3])
    if (height, width) == pictures.shape[1:3]:
        return pictures
    level = np.empty((len(pictures), height, width, 3), np.uint8)
    for row, pixels in enumerate(pictures):
        level[row] = Image.fromarray(pixels).resize((width, height), Image.Resampling.BOX)
    return level


def _squared(boxes: Boxes) -> Boxes:
    """Each box as a square of its longer side around its middle."""
    middle = (boxes[:, :2] + boxes[:, 2:4]) / 2
    half = (boxes[:, 2:4] - boxes[:, :2]).max(axis=1, initial=0.0)[:, np.newaxis] / 2
    return np.concatenate([middle - half, middle + half, boxes[:, 4:]], axis=1)


def _looked(
    look: Callable[..., Any], pictures: NDArray[np.uint8], owner: NDArray[np.int64], boxes: Boxes
) -> Sequence[NDArray[np.float64]]:
    """What a network says of the window of each box."""
    windows = np.concatenate([owner[:, np.newaxis], boxes[:, :4]], axis=1).astype(np.float32)
    if not len(windows):
        # TensorFlow's convolutions fail on no picture at all. One is looked at for the widths.
        any_window = np.array([[0, 0, 0, _CELL, _CELL]], np.float32)
        return [np.asarray(answer, np.float64)[:0] for answer in look(pictures, any_window)]
    parts = [
        [np.asarray(answer, np.float64) for answer in look(pictures, windows[i : i + _PATCHES])]
        for i in range(0, len(windows), _PATCHES)
    ]
    return [np.concatenate(answers) for answers in zip(*parts, strict=True)]


def _points(boxes: Boxes, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points as x, y, x, y, ..., counted from the centre of the first pixel."""
    both = np.stack([shares[:, :5], shares[:, 5:]], axis=2)
    sides = (boxes[:, 2:4] - boxes[:, :2])[:, np.newaxis]
    return np.asarray((boxes[:, np.newaxis, :2] + sides * both - 0.5).reshape(-1, 10))
