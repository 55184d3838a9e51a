"""The colour of each material at each pixel, before light falls on it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlearn.data.rendered import _skin
from simlearn.data.rendered._anatomy import Person
from simlearn.data.rendered._figure import Clothes

Columns = NDArray[np.float32]
"""Red, green and blue for each pixel, `(3, n)`, or what a material knows of it, `(3, n)`."""


class Look(NamedTuple):
    """What the materials of one picture need.

    Attributes:
        person: Whose.
        worn: Clothes.
        skin: Of the face, from `_skin.paint`.
        strands: Brightness of strands of hair around the head, `(256,)`, about 0.
    """

    person: Person
    worn: Clothes
    skin: NDArray[np.float32]
    strands: NDArray[np.float32]


def face(look: Look, place: Columns) -> tuple[Columns, NDArray[np.float32]]:
    """Skin of the face and hair on the head.

    Args:
        look: Of the picture.
        place: x and y as seen from in front, and how far inside the hair.

    Returns:
        Colours, and how much of each is hair.
    """
    x, y, inside = place
    fibre = _strand(look.strands, 27.0 * x + 7.0 * np.sin(2.2 * y))
    cover = np.clip((inside + 0.1 * fibre) / 0.05 + 0.5, 0, 1)
    # Hair throws a soft shade on the skin next to it.
    shade = 1 - 0.25 * np.exp(np.minimum(inside, 0) / 0.07) * (inside > -0.9)
    bare = _texels(look.skin, x, y)
    hair = np.array(look.person.hair, np.float32)[:, np.newaxis]
    return bare * (shade * (1 - cover)) + hair * ((1 + fibre) * cover), cover


def skin(look: Look, place: Columns) -> Columns:
    """Ears and neck; the third value is 1 on the neck, which lies in the head's shade."""
    _, y, neck = place
    shade = np.where(neck > 0.99, 0.66 + 0.30 * np.clip((y - 1.4) / 0.9, 0, 1), 0.93)
    return _column(look.person.skin) * _column((1.0, 0.955, 0.945)) * shade.astype(np.float32)


def hair(look: Look, place: Columns, away: NDArray[np.bool_]) -> Columns:
    """Hair that hangs or is tied; the inner side (`away`) is dark."""
    around, y, _ = place
    fibre = _strand(look.strands, 36.0 * around + 2.2 * np.sin(3 * y))
    return _column(look.person.hair) * ((1 + fibre) * np.where(away, np.float32(0.45), 1))


def cloth(look: Look, place: Columns) -> Columns:
    """A shirt, a pullover or a suit; values are x, y and z of the body."""
    worn, (x, y, _) = look.worn, place
    colour = np.repeat(_column(worn.colour), len(x), axis=1)
    if worn.stripes:
        colour *= 1 - 0.25 * (np.sin(worn.stripes * y) > 0.3)
    if worn.opening:
        lapel = worn.opening * np.clip((4.6 - y) / 2.4, 0, 1)
        colour[:, np.abs(x) < lapel] = _column(worn.inner)
        if worn.tie is not None:
            colour[:, np.abs(x) < 0.07 + 0.03 * (y - 2.2)] = _column(worn.tie)
        colour[:, (np.abs(x) > lapel) & (np.abs(x) < lapel + 0.05)] *= np.float32(0.7)
    if worn.collar:
        low = np.hypot(x / 0.75, (y - 2.2) / worn.collar) < 1
        colour[:, low] = _column(look.person.skin) * np.float32(0.95)
    return colour


def _column(colour: tuple[float, float, float]) -> Columns:
    return np.array(colour, np.float32)[:, np.newaxis]


def _strand(strands: NDArray[np.float32], along: NDArray[np.float32]) -> NDArray[np.float32]:
    """A brightness that changes smoothly along an axis and repeats after 256."""
    low = np.floor(along).astype(np.int32)
    share = along - low
    return strands[low & 255] * (1 - share) + strands[(low + 1) & 255] * share


def _texels(skin: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32]) -> Columns:
    """The painted skin at places seen from in front, interpolated."""
    rows, columns = skin.shape[:2]
    column = np.clip((x - _skin.LEFT) * _skin.DENSITY, 0, columns - 1.001)
    row = np.clip((y - _skin.TOP) * _skin.DENSITY, 0, rows - 1.001)
    left, top = column.astype(np.int32), row.astype(np.int32)
    right, low = column - left, row - top
    flat, at = skin.reshape(-1, 3), top * columns + left
    total = flat.take(at, axis=0) * ((1 - right) * (1 - low))[:, np.newaxis]
    total += flat.take(at + 1, axis=0) * (right * (1 - low))[:, np.newaxis]
    total += flat.take(at + columns, axis=0) * ((1 - right) * low)[:, np.newaxis]
    total += flat.take(at + columns + 1, axis=0) * (right * low)[:, np.newaxis]
    return np.ascontiguousarray(total.T)
