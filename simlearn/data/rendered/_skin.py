"""The skin of the face as a flat picture, seen from straight in front: eyes, brows, mouth, beard.

Soft shades are computed, sharp shapes are drawn with Pillow at twice the size.
"""

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from simlearn.data.rendered._anatomy import Person
from simlearn.data.rendered._shots import Shot
from simlearn.data.rendered._surface import landmarks_on_skin

LEFT: Final = -1.0625
TOP: Final = -0.75
WIDTH: Final = 2.125
HEIGHT: Final = 2.5
DENSITY: Final = 64
"""Texels of a length of 1."""

_FINE: Final = 2 * DENSITY
_ALONG: Final = np.linspace(-1, 1, 17)
_CIRCLE: Final = np.stack(
    [np.cos(np.linspace(0, 2 * np.pi, 25)), np.sin(np.linspace(0, 2 * np.pi, 25))], axis=-1
)
_MARKERS: Final = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255))

Points: TypeAlias = NDArray[np.float64]
Shades: TypeAlias = NDArray[np.floating]
Place: TypeAlias = tuple[float, float]


def paint(
    person: Person, shot: Shot, random: np.random.Generator, *, markers: bool = False
) -> Shades:
    """Colours of the skin, `(160, 134, 3)`, 0 to 255.

    Args:
        person: Whose.
        shot: With which expression.
        random: For freckles and the like; of the person, so that they stay.
        markers: Draw a coloured dot at each landmark instead, to test where it appears.
    """
    skin = _soft(person, shot, random)
    ink = _Ink()
    for side in (-1, 1):
        _eye(ink, person, shot, side)
        _brow(ink, person, shot, side)
    _nose(ink, person)
    _mouth(ink, person, shot)
    for x, y in person.moles:
        ink.ellipse((x, y), 0.028, 0.026, np.array(person.skin) * 0.45)
    if markers:
        for (x, y), colour in zip(landmarks_on_skin(person, shot), _MARKERS, strict=True):
            ink.ellipse((x, y), 0.04, 0.04, np.array(colour, float))
    return ink.over(skin)


class _Ink:
    """Shapes with colours and strengths, laid over each other."""

    def __init__(self) -> None:
        size = (round(WIDTH * _FINE), round(HEIGHT * _FINE))
        self._colour, self._strength = Image.new("RGB", size), Image.new("L", size)
        self._pens = ImageDraw.Draw(self._colour), ImageDraw.Draw(self._strength)

    def polygon(self, points: Points, colour: NDArray[np.float64], strength: float = 1.0) -> None:
        """Fill a polygon `(n, 2)`."""
        # Half a texel, because the first one of the final picture has its centre at (LEFT, TOP);
        # and another half, because Pillow cuts coordinates off to whole ones.
        flat = ((points - (LEFT, TOP)) * _FINE + 1.0).ravel().tolist()
        self._pens[0].polygon(flat, fill=tuple(int(c * strength) for c in np.clip(colour, 0, 255)))
        self._pens[1].polygon(flat, fill=int(255 * strength))

    def ellipse(
        self,
        centre: Place,
        wide: float,
        high: float,
        colour: NDArray[np.float64],
        strength: float = 1.0,
        within: Points | None = None,
    ) -> None:
        """Fill an ellipse, or the part of it above and below a shape `within`."""
        points = _CIRCLE * (wide, high) + centre
        if within is not None:
            points = _clipped(points, within)
        self.polygon(points, colour, strength)

    def over(self, skin: Shades) -> Shades:
        """The shapes over soft shades, which are changed in place."""
        strength = np.asarray(self._strength.reduce(2), np.float32)
        skin *= (1 - strength / 255)[:, :, np.newaxis]
        skin += np.asarray(self._colour.reduce(2))
        return skin


def _soft(person: Person, shot: Shot, random: np.random.Generator) -> Shades:
    """The skin without sharp shapes: computed at half the size."""
    columns, rows = round(WIDTH * DENSITY / 2), round(HEIGHT * DENSITY / 2)
    # Two texels share one shade, whose place lies between them.
    x = np.abs(LEFT + (2 * np.arange(columns, dtype=np.float32) + 0.5) / DENSITY)
    y = (TOP + (2 * np.arange(rows, dtype=np.float32) + 0.5) / DENSITY)[:, np.newaxis]

    def spot(at_x: float, at_y: float, wide: float, high: float) -> Shades:
        return np.exp(-(((x - at_x) / wide) ** 2)) * np.exp(-(((y - at_y) / high) ** 2))

    smile, tip, eye = max(0.0, shot.smile), person.nose_length, person.eye_gap
    dark = (
        0.15 * spot(eye, -0.10, 0.27, 0.12)
        + 0.07 * spot(eye, 0.17, 0.20, 0.05)
        + 0.14 * spot(0.0, tip + 0.15, 0.20, 0.05)
        + 0.10 * spot(person.nose_width + 0.05, tip + 0.03, 0.035, 0.09)
        + 0.10 * spot(0.0, 1.0 + person.lower_lip + 0.09, 0.22, 0.04)
        + 0.06 * spot(0.0, 0.82, 0.035, 0.08)
        + 0.13 * smile * _fold(x, y, (person.nose_width + 0.06, tip), (0.50, 0.98))
    )
    red = (0.16 + 0.12 * smile) * spot(0.58, 0.48, 0.24, 0.2) + 0.14 * spot(0, tip, 0.16, 0.12)
    grain = 1 + 0.022 * random.standard_normal((rows, columns), dtype=np.float32)
    if person.freckles:
        dots = random.random((rows, columns), dtype=np.float32) < 0.08
        grain -= 0.30 * min(1.0, person.freckles) * dots * spot(0.4, 0.4, 0.35, 0.25)
    skin = np.array(person.skin, np.float32) * ((1 - dark) * grain)[:, :, np.newaxis]
    skin *= 1 - red[:, :, np.newaxis] * np.array([0.05, 0.45, 0.4], np.float32)
    if person.beard != "none":
        uneven = 0.88 + 0.12 * random.random((rows, columns), dtype=np.float32)
        cover = (_beard(person, x, y) * uneven)[:, :, np.newaxis]
        skin += cover * (0.8 * np.array(person.hair, np.float32) - skin)
    small = Image.fromarray(np.clip(skin, 0, 255).astype(np.uint8))
    full = small.resize((2 * columns, 2 * rows), Image.Resampling.BILINEAR)
    return np.array(full, np.float32)


def _beard(person: Person, x: Shades, y: Shades) -> Shades:
    """How much of the skin the beard covers; `x` is the distance from the middle."""
    lip = (y - person.nose_length - 0.13) / max(0.05, 0.81 - person.nose_length)
    lip = lip - 0.9 * (x / 0.45) ** 2  # Lower and thinner towards its ends.
    moustache = np.exp(-(((lip - 0.5) / (0.52 - 0.25 * np.clip(x, 0, 0.5))) ** 4))
    moustache = moustache * np.exp(-((x / 0.46) ** 8))
    if person.beard == "moustache":
        return 0.85 * moustache
    low = 1 / (1 + np.exp((1.24 - y) / 0.03))
    chin = np.maximum(moustache, np.exp(-((x / 0.34) ** 6)) * low)
    if person.beard == "goatee":
        return 0.85 * chin
    edge = 0.98 - 0.78 * np.clip((x - 0.38) / 0.55, 0, 1) ** 1.6
    cheeks = 1 / (1 + np.exp((edge - y) / 0.07))
    cheeks = cheeks * (1 - np.exp(-((x / 0.30) ** 6)) * (1 - low))
    return (0.22 if person.beard == "stubble" else 0.90) * np.maximum(chin, cheeks)


def _fold(x: Shades, y: Shades, start: Place, end: Place) -> Shades:
    """A soft line between two places."""
    (x0, y0), (x1, y1) = start, end
    length = (x1 - x0) ** 2 + (y1 - y0) ** 2
    share = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length, 0, 1)
    away = (x - x0 - share * (x1 - x0)) ** 2 + (y - y0 - share * (y1 - y0)) ** 2
    return np.exp(-away / 0.035**2)


def _eye(ink: _Ink, person: Person, shot: Shot, side: int) -> None:
    wide, high = person.eye_width / 2, person.eye_height * shot.lids
    x = side * person.eye_gap + wide * _ALONG
    tilt = -person.eye_slant * side * _ALONG
    arch = (1 - _ALONG**2) ** 0.75
    upper = np.stack([x, tilt - 0.60 * high * arch], axis=-1)
    lower = np.stack([x, tilt + 0.42 * high * (1 - _ALONG**2)], axis=-1)
    skin = np.array(person.skin)
    crease = upper - (0, 0.055)
    ink.polygon(_band(crease, 0.022 * arch), skin * 0.62, 0.6)
    ink.polygon(_band(lower + np.array((0, 0.012)), np.full(17, 0.014)), skin * 0.62, 0.7)
    shape = np.concatenate([upper, lower[::-1]])
    ink.polygon(shape, np.array((232.0, 228.0, 224.0)))
    pupil = (side * person.eye_gap + shot.gaze[0], shot.gaze[1])
    iris = np.array(person.iris)
    for radius, colour in ((0.092, iris * 0.5), (0.078, iris), (0.038, iris * 0.15)):
        ink.ellipse(pupil, radius, radius, colour, within=shape)
    spark = (pupil[0] + 0.035 * float(np.sign(shot.light[0])), pupil[1] - 0.035)
    ink.ellipse(spark, 0.019, 0.019, np.array((250.0, 250.0, 250.0)), within=shape)
    lash = (0.020 + 0.030 * person.lashes) * (0.55 + 0.45 * side * _ALONG)
    ink.polygon(_band(upper, np.maximum(lash, 0.012)), np.array(person.hair) * 0.3 + 10)


def _brow(ink: _Ink, person: Person, shot: Shot, side: int) -> None:
    share = (_ALONG + 1) / 2  # From the inner end to the outer.
    x = side * (person.eye_gap - 0.23 + 0.50 * share)
    bow = person.brow_arch * (1 - ((share - 0.62) / 0.62) ** 2)
    y = -person.brow_lift - shot.brows_up - bow
    thick = (
        person.brow_thickness
        * np.clip(1.15 - 0.85 * share**1.5, 0.2, 1)
        * np.clip(0.5 + 4 * share, 0, 1)
    )
    colour = 0.72 * np.array(person.hair) + 0.10 * np.array(person.skin) * 0.5
    ink.polygon(_band(np.stack([x, y], axis=-1), thick), colour, 0.82)


def _nose(ink: _Ink, person: Person) -> None:
    shade = np.array(person.skin) * 0.42
    for side in (-1, 1):
        ink.ellipse((side * person.nose_width * 0.5, person.nose_length + 0.085), 0.055, 0.024,
                    shade, 0.85)  # fmt: skip


def _mouth(ink: _Ink, person: Person, shot: Shot) -> None:
    _, _, _, _, (wide, level) = landmarks_on_skin(person, shot)
    middle = 1.0 + 0.02 * shot.smile
    bend = level + (middle - level) * (1 - np.abs(_ALONG) ** 1.7)
    x = wide * _ALONG
    hollow = 1 - np.abs(_ALONG) ** 2.2
    gap = 0.17 * shot.mouth_open * hollow
    bow = np.interp(np.abs(_ALONG), [0, 0.25, 1], [0.86, 1.08, 0.0])
    stretch = 1 - 0.22 * max(0.0, shot.smile)
    top = np.stack([x, bend - 0.35 * gap - person.upper_lip * stretch * bow], axis=-1)
    upper = np.stack([x, bend - 0.35 * gap], axis=-1)
    lower = np.stack([x, bend + 0.65 * gap + 0.004], axis=-1)
    bottom = np.stack([x, bend + 0.65 * gap + person.lower_lip * stretch * hollow**0.8], axis=-1)
    lips = np.array(person.lips)
    ink.polygon(np.concatenate([top, upper[::-1]]), lips * 0.86, 0.95)
    ink.polygon(np.concatenate([lower, bottom[::-1]]), lips, 0.95)
    if shot.mouth_open:
        ink.polygon(np.concatenate([upper, lower[::-1]]), np.array((70.0, 28.0, 30.0)))
        if shot.smiles:
            teeth = np.stack([x, bend + (0.65 - 0.25) * gap], axis=-1)
            ink.polygon(np.concatenate([upper, teeth[::-1]])[2:-2], np.array((236.0, 232.0, 224.0)))
    ink.polygon(_band(upper, np.full(17, 0.016)), lips * 0.42, 0.9)


def _band(line: Points, thick: NDArray[np.float64]) -> Points:
    """A line `(n, 2)` with a thickness at each point, as a polygon."""
    shift = np.stack([np.zeros(len(line)), thick / 2], axis=-1)
    return np.concatenate([line - shift, (line + shift)[::-1]])


def _clipped(points: Points, shape: Points) -> Points:
    """Points moved up or down into a shape made of an upper and a lower line."""
    half = len(shape) // 2
    upper, lower = shape[:half], shape[half:][::-1]
    y = np.clip(
        points[:, 1],
        np.interp(points[:, 0], upper[:, 0], upper[:, 1]),
        np.interp(points[:, 0], lower[:, 0], lower[:, 1]),
    )
    return np.stack([points[:, 0], y], axis=-1)
