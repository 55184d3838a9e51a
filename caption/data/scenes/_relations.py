"""Which relations hold between the things in a picture, from what is seen of them."""

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from caption.data.scenes._scene import INVERSES, SUPPORTS, Relation, Thing

Box: TypeAlias = tuple[int, int, int, int]

HIDDEN: Final = (0.12, 0.45)
"""Least and largest part of a thing that another one hides by standing in front of it."""


def relations_of(
    things: tuple[Thing, ...], labels: NDArray[np.uint8]
) -> tuple[Relation, ...] | None:
    """Every relation that holds, with its inverse.

    Args:
        things: From the farthest to the nearest.
        labels: `(height, width)`, for each pixel the position of the thing seen there plus 1, or
            0 for the ground.

    Returns:
        At most one relation, and its inverse, for any two things; or None where one thing hides
        another too much, or so little that nobody could say which is in front, or where more
        than one relation holds.
    """
    seen = np.bincount(labels.ravel(), minlength=len(things) + 1)[1:]
    boxes = [
        thing.box if count == thing.area else box_of(labels == number)
        for number, (thing, count) in enumerate(zip(things, seen, strict=True), start=1)
    ]
    found = []
    for second in range(len(things)):
        hidden = things[second].area - int(seen[second])
        nearer = [n for n in range(second + 1, len(things)) if _overlap(things[n], things[second])]
        if hidden and len(nearer) != 1:
            return None
        for first in nearer:
            name = _touching(things[first], things[second], hidden)
            # What is seen of the farther may lie beside the nearer: two relations, none plain.
            if name is None or apart(boxes[first], boxes[second]) is not None:
                return None
            found.append(Relation(first, name, second))
        for first in range(second):
            if not _overlap(things[first], things[second]):
                name = apart(boxes[first], boxes[second])
                if name is not None:
                    found.append(Relation(first, name, second))
    inverse = [Relation(second, INVERSES[name], first) for first, name, second in found]
    return tuple(sorted([*found, *inverse]))


def apart(first: Box, second: Box) -> str | None:
    """How the first of two boxes lies to the second, where a line can be drawn between them.

    The middles must also be twice as far apart in that direction as across it.
    """
    across = (first[0] + first[2] - second[0] - second[2]) / 2
    down = (first[1] + first[3] - second[1] - second[3]) / 2
    if abs(across) >= 2 * abs(down):
        if first[2] <= second[0]:
            return "left of"
        if first[0] >= second[2]:
            return "right of"
    if abs(down) >= 2 * abs(across):
        if first[3] <= second[1]:
            return "above"
        if first[1] >= second[3]:
            return "below"
    return None


def box_of(mask: NDArray[np.bool_]) -> Box:
    """Left, top, right and bottom edge of what a mask holds; zeros where it is empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _touching(near: Thing, far: Thing, hidden: int) -> str | None:
    """How a nearer thing lies to one that it hides a part of."""
    left, top, right, bottom = far.box
    height, foot = bottom - top, near.box[3]
    within = left <= near.box[0] and near.box[2] <= right
    if far.shape in SUPPORTS and within and 0.05 <= (foot - top) / height <= 0.35 and hidden:
        return "on"
    if foot >= bottom + 0.08 * height and HIDDEN[0] <= hidden / far.area <= HIDDEN[1]:
        return "in front of"
    return None


def _overlap(first: Thing, second: Thing) -> bool:
    a, b = first.box, second.box
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
