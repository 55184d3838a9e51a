"""Grounds to put things on: textures of smooth noise, drawn once for each size of picture.

Their colours are dull, so that a green thing is seen on grass and a blue one on water.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from caption.data.scenes._distance import Field
from caption.data.scenes._scene import GROUNDS

_MARGIN: Final = 2
"""How many times wider and higher a texture is than the picture that is cut from it."""

Tint: TypeAlias = tuple[int, int, int]


def ground(name: str, height: int, width: int, rng: np.random.Generator) -> Field:
    """A piece of ground somewhere in its texture, under light from some side.

    Returns:
        `(height, width, 3)`, 0 to 255, for the caller to change.
    """
    texture = _texture(name, height, width)
    top = int(rng.integers(texture.shape[0] - height + 1))
    left = int(rng.integers(texture.shape[1] - width + 1))
    piece = texture[top : top + height, left : left + width]
    down, right = rng.uniform(-0.06, 0.06, 2).astype(np.float32)
    rows = np.linspace(1 - down, 1 + down, height, dtype=np.float32)
    columns = np.linspace(1 - right, 1 + right, width, dtype=np.float32)
    return piece * (rows[:, np.newaxis] * columns)[..., np.newaxis]


@lru_cache(maxsize=32)
def _texture(name: str, height: int, width: int) -> Field:
    rng = np.random.default_rng(GROUNDS.index(name))
    unit = min(height, width) / 128
    return _TEXTURES[name](rng, _MARGIN * height, _MARGIN * width, unit)


def _noise(rng: np.random.Generator, height: int, width: int, cell: tuple[float, float]) -> Field:
    """Smooth noise from -1 to 1 whose bumps have a height and width in pixels."""
    rows = np.arange(height, dtype=np.float32) / max(cell[0], 1)
    columns = np.arange(width, dtype=np.float32) / max(cell[1], 1)
    knots = rng.random((int(rows[-1]) + 2, int(columns[-1]) + 2), np.float32) * 2 - 1
    r, c = rows.astype(np.int64), columns.astype(np.int64)
    down, right = _eased(rows - r)[:, np.newaxis], _eased(columns - c)
    upper = knots[r][:, c] * (1 - right) + knots[r][:, c + 1] * right
    lower = knots[r + 1][:, c] * (1 - right) + knots[r + 1][:, c + 1] * right
    return upper * (1 - down) + lower * down


def _eased(fraction: Field) -> Field:
    return fraction * fraction * (3 - 2 * fraction)


def _tinted(base: Tint, *parts: tuple[Field, Tint]) -> Field:
    """A colour, changed by fields that each add a multiple of another colour."""
    result = np.zeros((*parts[0][0].shape, 3), np.float32) + np.array(base, np.float32)
    for field, tint in parts:
        result += field[..., np.newaxis] * np.array(tint, np.float32)
    return result


def _grass(rng: np.random.Generator, h: int, w: int, unit: float) -> Field:
    patches = _noise(rng, h, w, (26 * unit, 26 * unit))
    blades = _noise(rng, h, w, (6 * unit, 1.4 * unit)) + _noise(rng, h, w, (3 * unit, 1.2 * unit))
    return _tinted((152, 172, 108), (patches, (12, 8, 8)), (blades, (13, 15, 11)))


def _sand(rng: np.random.Generator, h: int, w: int, unit: float) -> Field:
    ripples = _noise(rng, h, w, (5 * unit, 34 * unit))
    grains = _noise(rng, h, w, (1, 1))
    return _tinted((222, 204, 164), (ripples, (10, 10, 10)), (grains, (7, 7, 7)))


def _water(rng: np.random.Generator, h: int, w: int, unit: float) -> Field:
    swell = _noise(rng, h, w, (9 * unit, 40 * unit))
    waves = _noise(rng, h, w, (3 * unit, 14 * unit))
    glints = np.clip(waves + 0.5 * swell - 0.55, 0, 1) * 3
    return _tinted((142, 188, 200), (swell, (12, 9, 7)), (waves, (8, 7, 6)), (glints, (50, 40, 36)))


def _snow(rng: np.random.Generator, h: int, w: int, unit: float) -> Field:
    drifts = _noise(rng, h, w, (16 * unit, 36 * unit))
    sparkle = np.clip(_noise(rng, h, w, (1, 1)) - 0.8, 0, 1)
    return _tinted((230, 236, 243), (drifts, (11, 8, 4)), (sparkle, (80, 80, 80)))


def _checkered(rng: np.random.Generator, h: int, w: int, unit: float) -> Field:
    side = 16 * unit
    rows, columns = (np.arange(h) // side).astype(int), (np.arange(w) // side).astype(int)
    dark = ((rows[:, np.newaxis] + columns) % 2).astype(np.float32)
    marble = _noise(rng, h, w, (9 * unit, 9 * unit))
    return _tinted((232, 227, 218), (dark, (-62, -60, -54)), (marble, (5, 5, 5)))


def _wooden(rng: np.random.Generator, h: int, w: int, unit: float) -> Field:
    plank = (np.arange(h) // (15 * unit)).astype(int)
    tone = (rng.random(plank[-1] + 1, np.float32) * 2 - 1)[plank][:, np.newaxis]
    edge = _lines(h, 15 * unit)[:, np.newaxis]
    grain = _noise(rng, h, w, (1.6 * unit, 30 * unit)) + 0.6 * _noise(rng, h, w, (1, 12 * unit))
    shade = np.broadcast_to(tone, (h, w))
    return _tinted(
        (192, 158, 122), (shade, (10, 9, 8)), (grain, (9, 8, 7)), (edge, (-62, -54, -46))
    )


def _stone(rng: np.random.Generator, h: int, w: int, unit: float) -> Field:
    high, long = 14 * unit, 26 * unit
    rows = (np.arange(h) // high).astype(int)
    # Every other row of stones is moved by half a stone.
    across = np.arange(w) + (rows[:, np.newaxis] % 2) * (long / 2)
    columns = (across // long).astype(int)
    tones = rng.random((rows[-1] + 1, columns.max() + 1), np.float32) * 2 - 1
    joint = np.maximum(_lines(h, high)[:, np.newaxis], (across % long < 1.5 * max(unit, 1)) * 1.0)
    speckle = _noise(rng, h, w, (1, 1)) + _noise(rng, h, w, (5 * unit, 5 * unit))
    tone = tones[rows[:, np.newaxis], columns]
    return _tinted(
        (166, 164, 162), (tone, (9, 9, 9)), (speckle, (6, 6, 6)), (joint, (-44, -43, -40))
    )


def _lines(count: int, every: float) -> Field:
    """1 at the start of each stretch, else 0."""
    return (np.arange(count) % every < max(every / 14, 1)).astype(np.float32)


_TEXTURES: Final[dict[str, Callable[[np.random.Generator, int, int, float], Field]]] = {
    "grass": _grass,
    "sand": _sand,
    "water": _water,
    "snow": _snow,
    "checkered": _checkered,
    "wooden": _wooden,
    "stone": _stone,
}


def grain(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """Mild noise for a whole picture, `(height, width, 1)`: a triangle from -7 to 7."""
    draws = rng.integers(0, 8, (2, height, width, 1), np.int8)
    return (draws[0] - draws[1]).astype(np.float32)
