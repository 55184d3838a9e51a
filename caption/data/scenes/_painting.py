"""From things at their places to a picture."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from caption.data.scenes._grounds import grain, ground
from caption.data.scenes._layout import Placed
from caption.data.scenes._sprites import shadow

PAINTS: Final = {
    "red": (214, 40, 46),
    "orange": (246, 132, 28),
    "yellow": (250, 214, 40),
    "green": (38, 158, 70),
    "blue": (42, 92, 222),
    "purple": (140, 62, 186),
}
"""Red, green and blue of each colour; those of a thing may be 8 off."""


def painted(
    name: str, placed: list[Placed], rng: np.random.Generator, height: int, width: int
) -> NDArray[np.uint8]:
    """Paint a scene.

    Args:
        name: Of the ground.
        placed: From the farthest to the nearest.
        rng: Source of all chance.
        height: Of the picture.
        width: Of the picture.

    Returns:
        uint8 `(height, width, 3)`.
    """
    picture = ground(name, height, width, rng)
    for kind, sprite, left, top in placed:
        rows, columns = sprite.mask.shape
        _darken(picture, left + columns // 2, top + rows, columns)
        paint = np.array(PAINTS[kind.colour], np.float32) + rng.integers(-8, 9, 3)
        region = picture[top : top + rows, left : left + columns]
        region *= 1 - sprite.alpha[..., np.newaxis]
        region += sprite.gain[..., np.newaxis] * paint.astype(np.float32)
        region += sprite.extra
    picture += grain(rng, height, width) + np.float32(0.5)
    return np.clip(picture, 0, 255, out=picture).astype(np.uint8)


def _darken(picture: NDArray[np.float32], middle: int, foot: int, width: int) -> None:
    """Lay a shadow around the foot of a thing, as far as it falls into the picture."""
    dark = shadow(width)
    rows, columns = dark.shape
    top, left = foot - rows // 2 - max(1, width // 24), middle + width // 10 - columns // 2
    up, aside = max(0, -top), max(0, -left)
    region = picture[top + up : top + rows, left + aside : left + columns]
    cut = dark[up : up + region.shape[0], aside : aside + region.shape[1]]
    region *= 1 - cut[..., np.newaxis]
