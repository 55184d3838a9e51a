"""Random changes to pictures that move their labels along: geometry, colour, holes.

An augmentation draws a `Change` for a batch of pictures from a random generator; nothing is moved
yet. The geometry of a whole chain is one matrix, which joins that of the frame: each picture is
sampled once, straight from its file, and its landmarks go through the same matrix.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simlearn.errors import UserError

# ITU-R 601 luma, as Pillow weighs it.
_LUMA = np.array([0.299, 0.587, 0.114])
_MID_GREY = 127.5


@dataclass(frozen=True)
class Change:
    """What happens to each of n framed pictures.

    Args:
        matrices: `(n, 3, 3)`, from places in the frame to places in the frame.
        mirrored: `(n,)`, whether left and right are swapped, and with them every label that knows
            sides: paired landmarks, head pose.
        colours: `(n, 3, 4)`, for each channel of the result the weights of red, green and blue and
            what is added; None where no colour changes.
        holes: `(n, k, 4)`, edges of boxes in the frame to be filled, left, top, right, bottom.
        offsets: `(n, rows, columns, 2)`, an elastic warp: x and y, in pixels of the frame, from
            nodes spread evenly from edge to edge of the frame to the place where each finds its
            pixel, bilinear between the nodes; None where nothing is warped.
    """

    matrices: NDArray[np.float64]
    mirrored: NDArray[np.bool_]
    colours: NDArray[np.float64] | None
    holes: NDArray[np.int64]
    offsets: NDArray[np.float64] | None = None

    @classmethod
    def none(cls, count: int) -> "Change":
        """The change that leaves `count` pictures as they are."""
        return cls(
            matrices=np.tile(np.eye(3), (count, 1, 1)),
            mirrored=np.zeros(count, np.bool_),
            colours=None,
            holes=np.zeros((count, 0, 4), np.int64),
        )

    def then(self, other: "Change") -> "Change":
        """Both changes, this one first; a warp comes after both matrices, holes last of all.

        Raises:
            UserError: Both warp.
        """
        if self.offsets is not None and other.offsets is not None:
            raise UserError("expected at most one elastic warp in a chain, and received two")
        return Change(
            matrices=other.matrices @ self.matrices,
            mirrored=self.mirrored ^ other.mirrored,
            colours=_both(self.colours, other.colours),
            holes=np.concatenate([self.holes, other.holes], axis=1),
            offsets=other.offsets if self.offsets is None else self.offsets,
        )


class Augmentation(Protocol):
    """Draws what happens to a batch of pictures."""

    def __call__(self, random: np.random.Generator, count: int, size: tuple[int, int], /) -> Change:
        """Draw a change for each picture.

        Args:
            random: Where the randomness comes from, and nowhere else.
            count: Number of pictures.
            size: Height and width of the frame, in pixels.
        """
        ...


def chain(*augmentations: Augmentation) -> Augmentation:
    """One augmentation after the other.

    Examples:
        >>> change = chain(flip(share=1.0), flip(share=1.0))(np.random.default_rng(0), 2, (5, 7))
        >>> change.mirrored.tolist(), change.matrices[0].tolist() == np.eye(3).tolist()
        ([False, False], True)
    """

    def draw(random: np.random.Generator, count: int, size: tuple[int, int]) -> Change:
        change = Change.none(count)
        for augmentation in augmentations:
            change = change.then(augmentation(random, count, size))
        return change

    return draw


def affine(
    *, rotation: float = 0.0, scale: float = 0.0, shift: float = 0.0, shear: float = 0.0
) -> Augmentation:
    """Turn, resize, move and slant each picture at random, about the centre of the frame.

    A point at p from the centre c goes to `c + s R(a) H(b) (p - c) + t`, with one draw a picture:
    the angles a and b uniform within their limits, log s uniform within `+-log(1 + scale)`, and t
    uniform within `shift` times the width and height. With y down, a positive angle a turns
    clockwise.

    Args:
        rotation: Largest turn to either side, in degrees, [0, 180].
        scale: Largest enlargement, as a share, at least 0: 0.1 draws factors from 1/1.1 to 1.1.
        shift: Largest move along each axis, as a share of that side, at least 0.
        shear: Largest slant of the vertical lines to either side, in degrees, [0, 89].

    Raises:
        UserError: A limit is out of its range.

    Examples:
        >>> draw = affine(rotation=15, scale=0.1, shift=0.1)
        >>> draw(np.random.default_rng(0), 2, (5, 7)).matrices.shape
        (2, 3, 3)

    Reference:
        Simard, Steinkraus, Platt: Best Practices for Convolutional Neural Networks Applied to
        Visual Document Analysis. ICDAR 2003, section 2 (affine distortions of digits).
    """
    limits = {"rotation": (rotation, 180.0), "scale": (scale, math.inf), "shift": (shift, math.inf)}
    for name, (value, largest) in (limits | {"shear": (shear, 89.0)}).items():
        _require(name, value, 0.0, largest)

    def draw(random: np.random.Generator, count: int, size: tuple[int, int]) -> Change:
        draws = random.uniform(-1.0, 1.0, (5, count))
        matrices = _about_centre(
            angle=np.radians(draws[0] * rotation),
            factor=np.exp(draws[1] * math.log1p(scale)),
            slant=np.radians(draws[2] * shear),
            move=draws[3:] * shift,
            size=size,
        )
        return _geometry(matrices, np.zeros(count, np.bool_))

    return draw


def elastic(*, strength: float = 0.03, cells: int = 5) -> Augmentation:
    """Bend each picture at random, as hands bend strokes.

    A pixel at p shows what lay at `p + u(p)`. At the nodes of a grid of `cells` by `cells` squares
    each coordinate of u is normal with a deviation of `strength` times the frame's height or
    width, cut off at two deviations; between the nodes u is bilinear. Landmarks cannot follow yet
    and are refused.

    Args:
        strength: Deviation of the nodes, as a share of the side, at least 0. Up to about
            `0.25 / cells` no picture folds over itself.
        cells: Squares along each side, at least 1: more of them bend finer.

    Raises:
        UserError: An argument is out of its range.

    Examples:
        >>> elastic(cells=4)(np.random.default_rng(0), 3, (28, 28)).offsets.shape
        (3, 5, 5, 2)

    Reference:
        Simard, Steinkraus, Platt: Best Practices for Convolutional Neural Networks Applied to
        Visual Document Analysis. ICDAR 2003, section 2 (elastic distortions). Deviation: noise on
        a coarse grid instead of noise in every pixel smoothed by a Gaussian.
    """
    _require("strength", strength, 0.0, math.inf)
    if not isinstance(cells, int) or cells < 1:
        raise UserError(f"cells must be an integer of at least 1, and came as {cells!r}")

    def draw(random: np.random.Generator, count: int, size: tuple[int, int]) -> Change:
        nodes = np.clip(random.normal(size=(count, cells + 1, cells + 1, 2)), -2.0, 2.0)
        still = Change.none(count)
        offsets = nodes * strength * np.array([size[1], size[0]])
        return Change(still.matrices, still.mirrored, None, still.holes, offsets)

    return draw


def flip(*, share: float = 0.5) -> Augmentation:
    """Mirror some pictures, left for right; landmarks and poses that know sides are swapped.

    Args:
        share: Chance of each picture to be mirrored, [0, 1].

    Raises:
        UserError: `share` is out of its range.

    Examples:
        >>> flip(share=1.0)(np.random.default_rng(0), 1, (5, 7)).matrices[0, 0].tolist()
        [-1.0, 0.0, 6.0]
    """
    _require("share", share, 0.0, 1.0)

    def draw(random: np.random.Generator, count: int, size: tuple[int, int]) -> Change:
        mirrored = random.random(count) < share
        matrices = np.tile(np.eye(3), (count, 1, 1))
        matrices[mirrored, 0] = [-1.0, 0.0, size[1] - 1.0]
        return _geometry(matrices, mirrored)

    return draw


def colour(
    *, brightness: float = 0.0, contrast: float = 0.0, saturation: float = 0.0
) -> Augmentation:
    """Change the light and colours of each picture at random.

    Each is drawn once a picture: the saturation mixes a pixel with its own grey, the contrast
    scales it about mid-grey, 127.5, and the brightness is added; the result is cut to [0, 255].
    What is filled outside the picture changes with it; holes keep the value they are filled with.

    Args:
        brightness: Largest shift, as a share of the range of 255, [0, 1].
        contrast: Largest gain, as a share, at least 0: 0.5 draws factors from 1/1.5 to 1.5.
        saturation: Likewise; nothing to a grey picture.

    Raises:
        UserError: A limit is out of its range.

    Examples:
        >>> draw = colour(brightness=0.2, contrast=0.2)
        >>> draw(np.random.default_rng(0), 2, (5, 7)).colours.shape
        (2, 3, 4)
    """
    _require("brightness", brightness, 0.0, 1.0)
    _require("contrast", contrast, 0.0, math.inf)
    _require("saturation", saturation, 0.0, math.inf)

    def draw(random: np.random.Generator, count: int, size: tuple[int, int]) -> Change:
        draws = random.uniform(-1.0, 1.0, (3, count))
        gain = np.exp(draws[0] * math.log1p(contrast))
        vivid = np.exp(draws[1] * math.log1p(saturation))[:, np.newaxis, np.newaxis]
        mixed = vivid * np.eye(3) + (1 - vivid) * _LUMA
        added = _MID_GREY * (1 - gain) + 255 * brightness * draws[2]
        offset = np.broadcast_to(added[:, np.newaxis, np.newaxis], (count, 3, 1))
        colours = np.concatenate([gain[:, np.newaxis, np.newaxis] * mixed, offset], axis=2)
        still = Change.none(count)
        return Change(still.matrices, still.mirrored, colours, still.holes)

    return draw


def cutout(*, side: float = 0.25, share: float = 1.0) -> Augmentation:
    """Fill a square of some pictures; its centre lies anywhere in the frame.

    Args:
        side: Of the square, as a share of the frame's shorter side, (0, 1].
        share: Chance of each picture to be cut, [0, 1].

    Raises:
        UserError: An argument is out of its range.

    Reference:
        DeVries, Taylor: Improved Regularization of Convolutional Neural Networks with Cutout.
        arXiv:1708.04552, 2017, section 3.2 (a square that may lie partly outside).
    """
    _require("side", side, 1e-9, 1.0)
    _require("share", share, 0.0, 1.0)

    def draw(random: np.random.Generator, count: int, size: tuple[int, int]) -> Change:
        height, width = size
        length = max(1, round(side * min(size)))
        cut = random.random(count) < share
        corner = np.stack([random.integers(0, width, count), random.integers(0, height, count)], 1)
        corner = corner - length // 2
        boxes = np.concatenate([corner, corner + length], axis=1)
        boxes = np.clip(boxes, 0, [width, height, width, height])
        still = Change.none(count)
        holes = np.where(cut[:, np.newaxis], boxes, 0)[:, np.newaxis]
        return Change(still.matrices, still.mirrored, None, holes)

    return draw


def _about_centre(
    *,
    angle: NDArray[np.float64],
    factor: NDArray[np.float64],
    slant: NDArray[np.float64],
    move: NDArray[np.float64],
    size: tuple[int, int],
) -> NDArray[np.float64]:
    """The matrices of `c + s R(angle) H(slant) (p - c) + move * side`, `(n, 3, 3)`."""
    cosine, sine, tangent = np.cos(angle), np.sin(angle), np.tan(slant)
    # R = [[cos, -sin], [sin, cos]] and H = [[1, tan], [0, 1]].
    matrices = np.tile(np.eye(3), (len(angle), 1, 1))
    matrices[:, 0, 0], matrices[:, 0, 1] = factor * cosine, factor * (cosine * tangent - sine)
    matrices[:, 1, 0], matrices[:, 1, 1] = factor * sine, factor * (sine * tangent + cosine)
    side = np.array([size[1], size[0]], np.float64)
    centre = (side - 1) / 2
    matrices[:, :2, 2] = centre + move.T * side - matrices[:, :2, :2] @ centre
    return matrices


def _geometry(matrices: NDArray[np.float64], mirrored: NDArray[np.bool_]) -> Change:
    return Change(matrices, mirrored, None, np.zeros((len(mirrored), 0, 4), np.int64))


def _both(
    first: NDArray[np.float64] | None, second: NDArray[np.float64] | None
) -> NDArray[np.float64] | None:
    if first is None or second is None:
        return second if first is None else first
    together = second[:, :, :3] @ first
    together[:, :, 3] += second[:, :, 3]
    return together


def _require(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high or math.isinf(value):
        raise UserError(f"{name} must lie in [{low:g}, {high:g}], and came as {value}")
