"""The head as a surface: horizontal slices, each half a face and half a skull, with bumps.

Coordinates are the head's own: x to the right, y down, z to the front, in units of the distance
from the eyes (y = 0) to the mouth (y = 1), with z = 0 the axis through the ears.
"""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline

from simlearn.data.rendered._anatomy import Person
from simlearn.data.rendered._shots import Shot

_TOP: Final = -1.62
_BOTTOM: Final = 1.72
_CONTROLS: Final = (-1.62, -1.3, -0.9, -0.4, 0.0, 0.45, 1.0, 1.35, 1.72)
_ROUNDNESS: Final = 2.3  # Of a slice: 2 is an ellipse, more is squarer.


class Face(NamedTuple):
    """A head that is ready to turn.

    Attributes:
        points: Of the skin, `(rows, columns, 3)`; rows from the top down, columns around from the
            back over the picture's left, the front and the right to the back again.
        around: Direction of each column: 0 is the front, positive the picture's right, in radians.
        landmarks: The eyes, the nose and the corners of the mouth, `(5, 3)`.
    """

    points: NDArray[np.float32]
    around: NDArray[np.float64]
    landmarks: NDArray[np.float64]


class _Grid(NamedTuple):
    height: NDArray[np.float64]
    around: NDArray[np.float64]
    spline: NDArray[np.float64]
    top_cap: NDArray[np.float64]
    bottom_cap: NDArray[np.float64]
    sine: NDArray[np.float64]
    cosine: NDArray[np.float64]


@lru_cache(maxsize=1)
def _grid() -> _Grid:
    """What is the same for every head."""
    top = 0.1 - 1.60 * np.cos(np.linspace(0.02, 1.10, 10))
    height = np.concatenate([top, np.linspace(-0.62, 1.28, 31), 1.3 + 0.42 * np.sin(
        np.linspace(0.1, np.pi / 2, 7))])  # fmt: skip
    spread = np.linspace(-1, 1, 47)
    around = np.pi * (0.34 * spread + 0.66 * spread**3)
    power = 2 / _ROUNDNESS
    return _Grid(
        height=height,
        around=around,
        spline=CubicSpline(_CONTROLS, np.eye(len(_CONTROLS)))(height),
        top_cap=np.sqrt(np.clip(1 - (np.clip(0.1 - height, 0, None) / 1.60) ** 2, 0, 1)),
        bottom_cap=np.sqrt(np.clip(1 - (np.clip(height - 1.3, 0, None) / 0.42) ** 2, 0, 1)),
        sine=np.sign(np.sin(around)) * np.abs(np.sin(around)) ** power,
        cosine=np.sign(np.cos(around)) * np.abs(np.cos(around)) ** power,
    )


def face(person: Person, shot: Shot) -> Face:
    """The skin of a head with its expression, and where the landmarks lie on it."""
    grid = _grid()
    width, front, back = _slices(person, grid)
    middle, depth = (front + back) / 2, (front - back) / 2
    y = np.where(grid.height < 1, grid.height, 1 + (grid.height - 1) * (person.chin - 1) / 0.72)
    x = width[:, np.newaxis] * grid.sine
    z = middle[:, np.newaxis] + depth[:, np.newaxis] * grid.cosine
    before = np.sqrt(np.clip(grid.cosine, 0, 1))
    z = z + before * _features(person, shot, np.abs(x), y[:, np.newaxis])
    points = np.stack([x, np.broadcast_to(y[:, np.newaxis], x.shape), z], axis=-1)
    flat = landmarks_on_skin(person, shot)
    landmarks = np.array([(*point, _depth_at(points, *point)) for point in flat])
    return Face(points.astype(np.float32), grid.around, landmarks)


def landmarks_on_skin(person: Person, shot: Shot) -> NDArray[np.float64]:
    """Pupils, nose and corners of the mouth as seen from straight in front, `(5, 2)`."""
    gaze_x, gaze_y = shot.gaze
    corner = person.mouth_width * (1 + 0.26 * max(shot.smile, -0.2) - 0.08 * shot.mouth_open)
    lift = 1.0 - 0.085 * shot.smile
    return np.array(
        [
            (-person.eye_gap + gaze_x, gaze_y),
            (person.eye_gap + gaze_x, gaze_y),
            (0.0, person.nose_length),
            (-corner, lift),
            (corner, lift),
        ]
    )


def half_width(person: Person, y: ArrayLike) -> NDArray[np.float64]:
    """Half the width of the head at heights `y` of any shape."""
    grid = _grid()
    width, _, _ = _slices(person, grid)
    return np.asarray(np.interp(np.asarray(y, float), grid.height, width))


def _slices(
    person: Person, grid: _Grid
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Half the width, the front and the back of each slice."""
    cheeks, jaw, chin = person.cheeks, person.jaw, person.chin_width
    width = (1.10, 1.10, 1.09, 1.06, cheeks + 0.015, cheeks, jaw, 0.50 * (jaw + chin), chin)
    front = (1.28, 1.30, 1.32, 1.32, 1.24, 1.22, 1.20, 1.15, 1.04)
    back = (-1.30, -1.30, -1.32, -1.30, -1.25, -1.05, -0.35, 0.25, 0.55)
    cap = grid.top_cap * grid.bottom_cap
    low = np.where(grid.height > 1, 0.8, 0.0)  # Towards which the slices shrink.
    return (
        cap * (grid.spline @ width),
        low + cap * (grid.spline @ front - low),
        low + cap * (grid.spline @ back - low),
    )


def _features(
    person: Person, shot: Shot, x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How far the skin stands out to the front; `x` is the distance from the middle."""
    smile, tip = max(0.0, shot.smile), person.nose_length

    def bump(at_x: float, at_y: float, wide: float, high: float) -> NDArray[np.float64]:
        return np.exp(-(((x - at_x) / wide) ** 2)) * np.exp(-(((y - at_y) / high) ** 2))

    rise = np.clip((y + 0.2) / (tip + 0.2), 0, 1)
    fall = np.clip((y - tip + 0.03) / 0.22, 0, 1)
    ridge = rise**1.5 * (1 - fall**2 * (3 - 2 * fall))
    wide = 0.12 + 0.25 * person.nose_width * rise**2
    nose = 0.72 * person.nose_height * ridge * np.exp(-((x / wide) ** 2))
    return (
        nose
        + 0.22 * person.nose_height * bump(0.0, tip, 0.14, 0.12)
        + 0.12 * bump(person.nose_width * 0.75, tip + 0.04, 0.10, 0.09)
        - 0.14 * bump(person.eye_gap, -0.03, 0.25, 0.17)
        + 0.07 * bump(person.eye_gap, 0.0, 0.17, 0.13)
        + (0.04 + person.brow_ridge) * bump(0.38, -person.brow_lift, 0.36, 0.10)
        + (0.06 + 0.05 * smile) * bump(0.60, 0.45, 0.24, 0.22)
        + 0.07 * bump(0.0, 1.0, 0.30, 0.14)
        - 0.04 * bump(0.0, 1.24, 0.26, 0.06)
        + 0.09 * bump(0.0, 1.50, 0.24, 0.16)
    )


def _depth_at(points: NDArray[np.float64], x: float, y: float) -> float:
    """How far in front the surface is at a place seen from in front."""
    heights = points[:, 0, 1]
    below = int(np.clip(np.searchsorted(heights, y), 1, len(heights) - 1))
    half = points.shape[1] // 4  # Columns that see the front lie in the middle half.
    front = points[:, half:-half]
    depths = [np.interp(x, front[row, :, 0], front[row, :, 2]) for row in (below - 1, below)]
    share = (y - heights[below - 1]) / (heights[below] - heights[below - 1])
    return float(depths[0] * (1 - share) + depths[1] * share)
