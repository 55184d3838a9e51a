"""What goes with a head: ears, neck, clothes and glasses."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlearn.data.rendered._anatomy import Colour, Person
from simlearn.data.rendered._mesh import CLOTH, FRAME, LENS, SKIN, Mesh, ball, grid_mesh
from simlearn.data.rendered._shots import Shot
from simlearn.data.rendered._surface import half_width

_CLOTHS: Final[tuple[Colour, ...]] = (
    (34, 36, 44),
    (48, 56, 82),
    (92, 94, 98),
    (150, 40, 44),
    (60, 92, 140),
    (66, 104, 74),
    (196, 192, 184),
    (232, 230, 226),
    (128, 84, 120),
    (206, 150, 70),
    (60, 120, 130),
    (214, 130, 140),
)
_DARK: Final = 3
"""How many of them suits are made of."""


class Clothes(NamedTuple):
    """What a person wears in one picture."""

    colour: Colour
    inner: Colour
    tie: Colour | None
    opening: float  # Half the width of a V that shows the inner colour, at the shoulders' height.
    collar: float  # How far down skin is seen.
    stripes: float


def clothes(person: Person, random: np.random.Generator) -> Clothes:
    """Drawn anew for each picture."""
    suit = bool(random.random() < (0.45 if person.male else 0.15))
    bright = float(random.uniform(0.85, 1.1))
    red, green, blue = _CLOTHS[int(random.integers(_DARK if suit else len(_CLOTHS)))]
    return Clothes(
        colour=(bright * red, bright * green, bright * blue),
        inner=(238, 238, 240) if random.random() < 0.6 else (176, 196, 226),
        tie=_CLOTHS[int(random.integers(len(_CLOTHS)))] if random.random() < 0.7 else None,
        opening=float(random.uniform(0.35, 0.55)) if suit else 0.0,
        collar=0.0 if suit else float(random.uniform(0.05, 0.55)),
        stripes=float(random.uniform(8, 20)) if random.random() < 0.25 else 0.0,
    )


def ears(person: Person) -> list[Mesh]:
    """Both ears."""
    wide = float(half_width(person, 0.1)) + 0.25 * person.ears
    return [
        ball((side * wide, 0.14, -0.08), (0.05 + 0.3 * person.ears, 0.33, 0.22), SKIN, side * -28)
        for side in (-1, 1)
    ]


def body(person: Person) -> list[Mesh]:
    """Neck and shoulders, in directions of the body."""
    around, y = np.meshgrid(np.linspace(-2.0, 2.0, 15), np.linspace(0.9, 2.75, 8))
    radius = person.neck * (1 + 0.16 * np.clip(y - 1.9, 0, 1) ** 2)
    points = np.stack(
        [radius * np.sin(around), y, radius * 0.95 * np.cos(around) - 0.22 + 0.05 * (y - 0.9)], -1
    )
    neck = grid_mesh(points, np.stack([around, y, np.full_like(y, 1.0)], -1), SKIN)
    return [neck, _shoulders(1.0 if person.male else 0.88)]


def glasses(person: Person, shot: Shot) -> list[Mesh]:
    """Rims, bridge and temples, and perhaps dark lenses."""
    angle = np.linspace(0, 2 * np.pi, 25)
    power = 2 / person.frame_square
    wide = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power * person.frame_width
    high = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** power * person.frame_height
    away = person.eye_gap + 0.02
    meshes = []
    for side in (-1, 1):
        inner, outer = (_in_front(side * away + f * wide, 0.03 + f * high) for f in (0.89, 1.04))
        meshes.append(_sheet(inner, outer, FRAME))
        if shot.dark_glasses:
            middle = _in_front(np.full(25, side * away), np.full(25, 0.03))
            meshes.append(_sheet(middle, inner, LENS))
        hinge = _in_front(np.array(side * (away + person.frame_width)), np.array(-0.03))
        ear = np.array([side * (float(half_width(person, 0.0)) + 0.04), -0.03, -0.1])
        meshes.append(_strip(np.linspace(hinge, ear, 6), 0.03))
    gap = away - person.frame_width + 0.03
    bridge = _in_front(np.linspace(-gap, gap, 5), np.full(5, -0.035))
    return [*meshes, _strip(bridge, 0.025)]


def _shoulders(build: float) -> Mesh:
    """Clothes from the collar down; `build` is how wide."""
    down = np.array([2.02, 2.12, 2.25, 2.38, 2.52, 2.7, 2.95, 3.3, 3.8, 5.0])[:, np.newaxis]
    wide = build * np.array([0.56, 0.72, 1.02, 1.36, 1.72, 2.02, 2.22, 2.32, 2.36, 2.38])
    deep = np.array([0.50, 0.58, 0.66, 0.74, 0.82, 0.90, 0.96, 1.0, 1.02, 1.05])
    around = 1.75 * np.linspace(-1, 1, 25)
    x = wide[:, np.newaxis] * np.sin(around)
    # The front of the collar lies lower than its back.
    y = down + 0.22 * np.clip(np.cos(around), 0, 1) * np.exp((2.02 - down) / 0.35)
    z = -0.30 + deep[:, np.newaxis] * np.cos(around)
    points = np.stack([x, y, z], axis=-1)
    return grid_mesh(points, points, CLOTH)


def _in_front(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places on the bent front of a pair of glasses, `(..., 3)`."""
    return np.stack([x, y, 1.36 - 0.16 * x**2], axis=-1)


def _strip(line: NDArray[np.float64], half: float) -> Mesh:
    """A part of the frame along a line `(n, 3)`; `half` is half its height."""
    shift = np.array([0, half, 0])
    return _sheet(line - shift, line + shift, FRAME)


def _sheet(first: NDArray[np.float64], second: NDArray[np.float64], material: int) -> Mesh:
    """What lies between two lines `(n, 3)`."""
    points = np.stack([first, second])
    return grid_mesh(points, np.zeros_like(points), material, two_sided=True)
