"""What makes a person: drawn once for an identity, the same in each of its pictures.

Lengths are in units of the distance from the eyes to the mouth. Features are drawn independently
of the colour of the skin. Gender shifts several of them a little and hair and beard a lot, so a
picture shows it by many weak cues, and not always rightly.
"""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np

from simlearn.data.rendered._chance import PERSON, bell, clamped, pick, stream

Colour: TypeAlias = tuple[float, float, float]
"""Red, green and blue, 0 to 255."""

Cut: TypeAlias = Literal["bald", "ring", "short", "full", "bob", "long", "tied"]
Beard: TypeAlias = Literal["none", "stubble", "moustache", "goatee", "full"]

_SKIN: Final = np.array(
    [(247, 213, 192), (234, 192, 162), (204, 158, 122), (156, 112, 84), (102, 72, 56)], float
)
_HAIR: Final = {
    "black": (30, 26, 25),
    "dark": (60, 43, 33),
    "brown": (98, 67, 45),
    "light": (146, 108, 72),
    "blond": (208, 175, 118),
    "red": (148, 72, 38),
    "grey": (150, 148, 146),
    "white": (208, 206, 203),
}
_IRIS: Final = np.array(
    [(52, 34, 26), (88, 56, 36), (110, 92, 52), (84, 108, 74), (88, 118, 148)], float
)
_FRAMES: Final = ((24, 24, 28), (70, 44, 32), (150, 152, 158), (120, 28, 36), (36, 48, 92))


@dataclass(frozen=True)
class Person:
    """One identity. Lengths in eye-to-mouth distances, colours 0 to 255."""

    male: bool
    skin: Colour
    hair: Colour
    iris: Colour
    lips: Colour
    cheeks: float  # Half the width of the face at the cheekbones.
    jaw: float
    chin_width: float
    chin: float  # From the eyes down.
    eye_gap: float  # From the middle of the face to each pupil.
    eye_width: float
    eye_height: float
    eye_slant: float
    brow_lift: float
    brow_thickness: float
    brow_arch: float
    brow_ridge: float
    lashes: float
    nose_width: float
    nose_length: float
    nose_height: float
    mouth_width: float
    upper_lip: float
    lower_lip: float
    ears: float
    neck: float
    cut: Cut
    hairline: float  # Height over the eyes in the middle of the forehead.
    temples: float
    parting: float
    volume: float
    waves: float
    hair_length: float
    beard: Beard
    freckles: float
    moles: tuple[tuple[float, float], ...]
    wears_glasses: bool
    frame: Colour
    frame_width: float
    frame_height: float
    frame_square: float


def person(seed: int, identity: int) -> Person:
    """The person of a number.

    Args:
        seed: Of the set.
        identity: Number of the person, not negative.
    """
    random = stream(seed, PERSON, identity)
    male = bool(random.random() < 0.58)
    # How strongly this face shows its gender: from -1, male, to 1, female, with some overlap.
    cue = clamped(bell(random, -0.62 if male else 0.62, 0.42), -1.3, 1.3)
    skin, hair, iris, lips = _colours(random, cue)
    cut = _cut(random, male)
    return Person(
        male=male,
        skin=skin,
        hair=hair,
        iris=iris,
        lips=lips,
        cheeks=bell(random, 1.02, 0.035),
        jaw=bell(random, 0.81 - 0.055 * cue, 0.045),
        chin_width=bell(random, 0.44 - 0.06 * cue, 0.05),
        chin=bell(random, 1.61 - 0.03 * cue, 0.05),
        eye_gap=bell(random, 0.465, 0.022),
        eye_width=bell(random, 0.43 + 0.015 * cue, 0.022),
        eye_height=bell(random, 0.155 + 0.014 * cue, 0.018),
        eye_slant=bell(random, 0.015 + 0.008 * cue, 0.02),
        brow_lift=bell(random, 0.27 + 0.025 * cue, 0.025),
        brow_thickness=clamped(bell(random, 0.078 - 0.022 * cue, 0.014), 0.032, 0.12),
        brow_arch=bell(random, 0.04 + 0.018 * cue, 0.018),
        brow_ridge=max(0.0, bell(random, 0.05 - 0.04 * cue, 0.015)),
        lashes=clamped(bell(random, 0.35 + 0.4 * cue, 0.2), 0.05, 1.0),
        nose_width=bell(random, 0.235 - 0.02 * cue, 0.028),
        nose_length=bell(random, 0.525, 0.035),
        nose_height=bell(random, 0.36 - 0.025 * cue, 0.04),
        mouth_width=bell(random, 0.36, 0.025),
        upper_lip=max(0.03, bell(random, 0.062 + 0.016 * cue, 0.014)),
        lower_lip=max(0.05, bell(random, 0.088 + 0.02 * cue, 0.016)),
        ears=bell(random, 0.16, 0.04),
        neck=bell(random, 0.53 - 0.06 * cue, 0.03),
        cut=cut,
        hairline=bell(random, 0.92, 0.08),
        temples=max(0.0, bell(random, 0.10 - 0.08 * cue, 0.07)),
        parting=(-0.45, -0.2, 0.0, 0.2, 0.45)[int(random.integers(5))],
        volume=clamped(bell(random, 0.21 + 0.03 * cue, 0.075), 0.07, 0.42),
        waves=max(0.0, bell(random, 0.4, 0.5)),
        hair_length=bell(random, 1.5 if cut == "bob" else 2.4, 0.12 if cut == "bob" else 0.4),
        beard=_beard(random, male),
        freckles=max(0.0, bell(random, -0.5, 0.6)),
        moles=tuple(
            (float(random.uniform(-0.7, 0.7)), float(random.uniform(0.25, 1.35)))
            for _ in range(pick(random, (0.7, 0.2, 0.1)))
        ),
        wears_glasses=bool(random.random() < (0.19 if male else 0.05)),
        frame=_FRAMES[pick(random, (0.4, 0.2, 0.2, 0.1, 0.1))],
        frame_width=bell(random, 0.345, 0.02),
        frame_height=bell(random, 0.235, 0.035),
        frame_square=float(random.uniform(2.0, 4.5)),
    )


def _colours(random: np.random.Generator, cue: float) -> tuple[Colour, Colour, Colour, Colour]:
    """Of skin, hair, iris and lips."""
    depth = float(random.beta(1.3, 1.7))
    places = np.linspace(0.0, 1.0, len(_SKIN))
    skin = np.array([np.interp(depth, places, _SKIN[:, channel]) for channel in range(3)])
    skin = skin * (1.0 + 0.025 * np.clip(random.standard_normal(3), -2, 2))
    # Light hair and eyes become rarer as the skin becomes darker.
    fair = max(0.0, 1.0 - 1.8 * depth)
    shares = {
        "black": 0.25 + 0.9 * depth,
        "dark": 0.3,
        "brown": 0.05 + 0.25 * fair,
        "light": 0.2 * fair,
        "blond": 0.2 * fair,
        "red": 0.08 * fair,
        "grey": 0.09,
        "white": 0.04,
    }
    name = list(shares)[pick(random, list(shares.values()))]
    hair = np.array(_HAIR[name]) * bell(random, 1.0, 0.1)
    kind = pick(random, [0.5 + depth, 0.3, 0.25 * fair, 0.2 * fair, 0.45 * fair])
    iris = _IRIS[kind] * bell(random, 1.0, 0.1)
    red = clamped(bell(random, 0.30 + 0.22 * cue, 0.14), 0.1, 0.8)
    lips = skin * (1 - red * np.array([0.16, 0.55, 0.48]))
    return _colour(skin), _colour(hair), _colour(iris), _colour(lips)


def _cut(random: np.random.Generator, male: bool) -> Cut:
    cuts: tuple[Cut, ...] = ("bald", "ring", "short", "full", "bob", "long", "tied")
    shares = (
        (0.07, 0.08, 0.47, 0.28, 0.04, 0.04, 0.02)
        if male
        else (0.0, 0.0, 0.07, 0.08, 0.21, 0.46, 0.18)
    )
    return cuts[pick(random, shares)]


def _beard(random: np.random.Generator, male: bool) -> Beard:
    beards: tuple[Beard, ...] = ("none", "stubble", "moustache", "goatee", "full")
    drawn = beards[pick(random, (0.5, 0.22, 0.08, 0.08, 0.12))]
    return drawn if male else "none"


def _colour(rgb: np.ndarray) -> Colour:
    red, green, blue = (float(value) for value in np.clip(rgb, 0, 255))
    return red, green, blue
