"""What is behind a person."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simlearn.data.rendered._chance import pick


def backdrop(side: int, random: np.random.Generator) -> NDArray[np.float32]:
    """A background `(side, side, 3)`, 0 to 255: a gradient, soft blobs, stripes or a horizon."""
    base = _colour(random)
    kind = pick(random, (0.3, 0.45, 0.08, 0.17))
    if kind == 0:
        picture = _gradient(side, base, _near(base, 45, random), random)
    elif kind == 1:
        cells = int(random.integers(3, 9))
        spread = float(random.uniform(20, 75))
        blobs = base + spread * random.standard_normal((cells, cells, 3))
        grey = spread * random.standard_normal((cells, cells, 1))
        picture = _enlarged(0.15 * blobs + 0.85 * (base + grey), side)
    elif kind == 2:
        angle = np.float32(random.uniform(0, np.pi))
        width = np.float32(random.uniform(0.06, 0.25) * side)
        place = np.arange(side, dtype=np.float32)
        across = np.cos(angle) * place + np.sin(angle) * place[:, np.newaxis]
        stripe = np.clip(np.sin(across * np.float32(2 * np.pi) / width) * 3, -1, 1)[
            :, :, np.newaxis
        ]
        picture = base + stripe * (_near(base, 20, random) - base)
    else:
        level = int(random.uniform(0.25, 0.8) * side)
        picture = _gradient(side, base, _near(base, 30, random), random)
        picture[level:] = _colour(random)
        blobs = 14 * random.standard_normal((10, 10, 1)).repeat(3, axis=2)
        picture += _enlarged(blobs + 128, side) - 128
    return np.ascontiguousarray(np.clip(picture, 0, 255), np.float32)


def _colour(random: np.random.Generator) -> NDArray[np.float32]:
    level = random.uniform(20, 235)
    colour = level + random.uniform(2, 18) * random.standard_normal(3)
    return np.clip(colour, 5, 250).astype(np.float32)


def _near(
    colour: NDArray[np.float32], spread: float, random: np.random.Generator
) -> NDArray[np.float32]:
    """A colour that is a little lighter or darker, and a little different."""
    change = spread * random.standard_normal() + 8 * random.standard_normal(3)
    return np.clip(colour + change, 0, 255).astype(np.float32)


def _gradient(
    side: int,
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    random: np.random.Generator,
) -> NDArray[np.float32]:
    """From one colour above to another below, leaning."""
    place = np.linspace(0, 1, side, dtype=np.float32)
    lean = np.float32(random.uniform(-0.5, 0.5))
    share = np.clip(place[:, np.newaxis] + lean * (2 * place - 1), 0, 1)
    return first + (second - first) * share[:, :, np.newaxis]


def _enlarged(cells: NDArray[np.float64], side: int) -> NDArray[np.float32]:
    small = Image.fromarray(np.clip(cells, 0, 255).astype(np.uint8))
    return np.asarray(small.resize((side, side), Image.Resampling.BICUBIC), np.float32)
