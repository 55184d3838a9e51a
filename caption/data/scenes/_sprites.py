"""Things ready to be pasted: small pictures with soft edges, drawn once and kept."""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from caption.data.scenes._distance import Field
from caption.data.scenes._shapes import DRAWINGS, SEATS, Canvas

MIRRORED: Final = frozenset({"cube", "house", "car", "fish", "boat", "umbrella"})
"""Things that may look to the left too; the others are the same on both sides."""

_POINTS: Final = 4
"""Points along each side of a pixel that are averaged into it."""


class Sprite(NamedTuple):
    """One thing without its colour, cut to the pixels that it is made of.

    Attributes:
        alpha: `(h, w)`, how much of the pixel the thing covers, 0 to 1.
        gain: `(h, w)`, how much of the thing's own colour the pixel shows.
        extra: `(h, w, 3)`, other colours that it shows, 0 to 255.
        mask: booleans `(h, w)`, the pixels of which the thing covers half or more; every array
            is cut to their box.
        seat: Column and row, in pixels, where something stands that stands on it.
    """

    alpha: Field
    gain: Field
    extra: Field
    mask: NDArray[np.bool_]
    seat: tuple[float, float]


@lru_cache(maxsize=2048)
def sprite(shape: str, side: int, mirrored: bool) -> Sprite:
    """Draw a thing.

    Args:
        shape: One of `SHAPES`.
        side: Pixels of its longer side.
        mirrored: Whether it looks to the left instead of to the right.
    """
    # In pixels; thinner on the smallest, whose colour would drown in it.
    line = 2 * min(0.75 + side / 56, 0.05 * side) / side
    canvas = Canvas(side * _POINTS, line)
    if mirrored:
        canvas.x = -canvas.x
    DRAWINGS[shape](canvas)
    alpha = _averaged(canvas.inside.astype(np.float32))
    gain = _averaged(canvas.gain)
    extra = np.stack([_averaged(canvas.extra[:, :, k]) for k in range(3)], axis=-1)
    mask = alpha >= 0.5
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    x, y = SEATS.get(shape, (0.0, 0.0))
    seat = ((-x if mirrored else x) + 1) / 2 * side - left, (y + 1) / 2 * side - top
    cut = (slice(top, bottom), slice(left, right))
    return Sprite(alpha[cut], gain[cut], extra[cut], mask[cut], seat)


@lru_cache(maxsize=512)
def shadow(width: int) -> Field:
    """How much darker the ground is around the foot of a thing, 0 to 1.

    Args:
        width: Of the thing in pixels.

    Returns:
        `(h, w)`; its middle belongs a little to the right of the thing's foot.
    """
    half = max(3, round(0.62 * width)), max(2, round(0.17 * width))
    x = np.arange(-half[0], half[0] + 1, dtype=np.float32) / half[0]
    y = np.arange(-half[1], half[1] + 1, dtype=np.float32) / half[1]
    distance = np.sqrt(x[np.newaxis] ** 2 + y[:, np.newaxis] ** 2)
    return np.float32(0.5) * np.clip((1 - distance) * np.float32(1.8), 0, 1)


def _averaged(points: Field) -> Field:
    side = len(points) // _POINTS
    return points.reshape(side, _POINTS, side, _POINTS).mean(axis=(1, 3), dtype=np.float32)
