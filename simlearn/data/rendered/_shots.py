"""What varies from picture to picture: pose, expression, glasses, light, place and camera."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simlearn.data.rendered._anatomy import Person
from simlearn.data.rendered._chance import PICTURE, bell, clamped, pick, stream

LEFT_PROFILE, LEFT, FRONTAL, RIGHT, RIGHT_PROFILE = range(5)

_SIDE_FROM: Final = 18.0
_PROFILE_FROM: Final = 38.0
_LARGEST_YAW: Final = 57.0


@dataclass(frozen=True)
class Setting:
    """How the pictures of a set are taken.

    Args:
        poses: Shares of left profile, left, frontal, right and right profile; left is where the
            face looks *in the picture*, as in MTFL.
        face: Median distance from the eyes to the mouth as a share of the picture's side.
        face_spread: Standard deviation of its logarithm.
        centre: Where the middle of the landmarks lies, as shares of width and height.
        centre_spread: Standard deviation of that.
        grey: Share of grey pictures.
    """

    poses: tuple[float, float, float, float, float]
    face: float
    face_spread: float
    centre: tuple[float, float]
    centre_spread: float
    grey: float = 0.02


NEWS: Final = Setting((0.004, 0.078, 0.836, 0.078, 0.004), 0.188, 0.10, (0.504, 0.543), 0.013)
"""Like LFW: mostly frontal, the face small in the middle."""

WEB: Final = Setting((0.024, 0.136, 0.680, 0.136, 0.024), 0.247, 0.16, (0.502, 0.503), 0.022)
"""Like MTFL's pictures from the web: larger faces, more of them turned."""

CLOSE: Final = Setting((0.060, 0.140, 0.600, 0.140, 0.060), 0.334, 0.08, (0.496, 0.493), 0.04, 0.06)
"""Like AFLW as MTFL crops it: the face fills the picture, and many are turned."""


@dataclass(frozen=True)
class Shot:
    """One picture of a person. Angles in degrees, shares of the picture's side."""

    pose: int
    yaw: float  # Negative looks to the picture's left.
    pitch: float  # Positive looks down.
    roll: float  # Positive turns clockwise.
    smiles: bool
    smile: float  # 0 to 1
    mouth_open: float  # 0 to 1
    brows_up: float
    glasses: bool
    dark_glasses: bool
    gaze: tuple[float, float]
    lids: float  # How far open, 1 is usual.
    tied: bool
    light: NDArray[np.float64]  # Direction to the light: right, down, to the camera.
    light_strength: float
    ambient: float
    tint: NDArray[np.float64]
    face: float
    centre: tuple[float, float]
    blur: float
    noise: float
    contrast: float
    grey: bool


def shot(person: Person, setting: Setting, seed: int, identity: int, picture: int) -> Shot:
    """How one picture of a person is taken; see `faces.render` for the numbers."""
    random = stream(seed, PICTURE, identity, picture)
    pose, yaw = _turn(random, setting)
    smiles = bool(random.random() < (0.50 if person.male else 0.65))
    smile = float(random.uniform(0.55, 1.0)) if smiles else float(random.uniform(-0.25, 0.15))
    if smiles:
        mouth_open = _sometimes(random, 0.33, 0.35, 1.0)
    else:
        mouth_open = _sometimes(random, 0.25, 0.2, 0.8)
    glasses = bool(random.random() < (0.85 if person.wears_glasses else 0.025))
    # How bright the face comes out, and how much stronger the light is than what surrounds it.
    exposure, ratio = math.exp(bell(random, -0.05, 0.15)), float(random.uniform(0.35, 1.6))
    # Cameras make fair skin darker and dark skin lighter, but not the same.
    exposure *= (170 / (sum(person.skin) / 3)) ** 0.4
    return Shot(
        pose=pose,
        yaw=yaw,
        pitch=bell(random, 1.0, 7.0),
        roll=bell(random, 0.06 * yaw, 6.5),
        smiles=smiles,
        smile=smile,
        mouth_open=mouth_open,
        brows_up=bell(random, 0.01, 0.015),
        glasses=glasses,
        dark_glasses=glasses and bool(random.random() < (0.06 if person.wears_glasses else 0.4)),
        gaze=(bell(random, 0.0, 0.028), bell(random, 0.0, 0.012)),
        lids=clamped(bell(random, 1.0 - 0.16 * max(0.0, smile), 0.10), 0.5, 1.12),
        tied=bool(random.random() < 0.15),
        light=_light(random),
        light_strength=exposure * ratio / (1 + 0.7 * ratio),
        ambient=exposure / (1 + 0.7 * ratio),
        tint=_tint(random),
        face=setting.face * math.exp(bell(random, 0.0, setting.face_spread)),
        centre=(
            bell(random, setting.centre[0], setting.centre_spread),
            bell(random, setting.centre[1], setting.centre_spread),
        ),
        blur=_sometimes(random, 0.33, 0.3, 0.9),
        noise=float(random.uniform(1.0, 6.0)),
        contrast=bell(random, 1.0, 0.09),
        grey=bool(random.random() < setting.grey),
    )


def _sometimes(random: np.random.Generator, share: float, low: float, high: float) -> float:
    """0, or in a share of cases a number from `low` to `high`."""
    return float(random.uniform(low, high)) if random.random() < share else 0.0


def pose_of(yaw: float) -> int:
    """The class of MTFL that an angle falls in.

    Examples:
        >>> [pose_of(yaw) for yaw in (-50, -20, 5, 30, 40)]
        [0, 1, 2, 3, 4]
    """
    size = (abs(yaw) >= _SIDE_FROM) + (abs(yaw) >= _PROFILE_FROM)
    return FRONTAL + size if yaw > 0 else FRONTAL - size


def _turn(random: np.random.Generator, setting: Setting) -> tuple[int, float]:
    """Class and yaw."""
    pose = pick(random, setting.poses)
    draw = float(random.beta(1.2, 1.8))
    if pose == FRONTAL:
        yaw = clamped(7.0 * random.standard_normal(), -17.9, 17.9)
    elif pose in (LEFT, RIGHT):
        yaw = _SIDE_FROM + (_PROFILE_FROM - _SIDE_FROM - 0.1) * draw
    else:
        yaw = _PROFILE_FROM + (_LARGEST_YAW - _PROFILE_FROM) * draw
    return pose, -yaw if pose in (LEFT_PROFILE, LEFT) else yaw


def _light(random: np.random.Generator) -> NDArray[np.float64]:
    """Mostly from above and in front, at times from a side."""
    side = math.radians(clamped(38.0 * random.standard_normal(), -80, 80))
    above = math.radians(float(random.uniform(0.0, 55.0)))
    return np.array(
        [math.sin(side) * math.cos(above), -math.sin(above), math.cos(side) * math.cos(above)]
    )


def _tint(random: np.random.Generator) -> NDArray[np.float64]:
    """Colour of the light: warm, cold, or slightly green or magenta."""
    warm, green = bell(random, 0.0, 0.045), bell(random, 0.0, 0.015)
    return np.array([1.0 + warm, 1.0 + green, 1.0 - warm])
