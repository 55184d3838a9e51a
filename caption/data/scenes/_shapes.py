"""The twelve things, each drawn by a few painted outlines on a canvas of [-1, 1] by [-1, 1].

x goes to the right and y down. Each thing touches the canvas on its longer side. Light comes from
the top left.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np

from caption.data.scenes._distance import (
    Field,
    box,
    circle,
    ellipse,
    polygon,
    segment,
    union,
)

Tint: TypeAlias = tuple[int, int, int]

_WOOD: Final = (120, 82, 50)
_DARK: Final = (48, 46, 52)
_GLASS: Final = (206, 229, 240)
_CREAM: Final = (246, 238, 218)


class Canvas:
    """A grid to paint on: what of the thing's own colour, and what of others, each point shows.

    Args:
        side: Points along each side of the canvas [-1, 1] by [-1, 1].
        line: Width of the outlines in the unit of the canvas.
    """

    def __init__(self, side: int, line: float) -> None:
        steps = ((np.arange(side, dtype=np.float32) + 0.5) / side) * 2 - 1
        self.x, self.y = np.meshgrid(steps, steps)
        self.line = line
        self.inside = np.zeros((side, side), np.bool_)
        self.gain = np.zeros((side, side), np.float32)
        self.extra = np.zeros((side, side, 3), np.float32)

    def paint(
        self,
        outline: Field,
        gain: Field | float = 1.0,
        *,
        tint: Tint | None = None,
        line: float = 1,
    ) -> None:
        """Paint over all that lies inside an outline.

        Args:
            outline: Signed distance to it.
            gain: How bright: of the thing's own colour, or of `tint`.
            tint: A colour that is always the same; by default the thing's own.
            line: Width of the dark line along the outline, as a multiple of the usual one.
        """
        inside = outline <= 0
        dark = outline > -self.line * line
        shade = np.where(dark, np.float32(0.36), np.float32(1)) * gain
        self.inside |= inside
        if tint is None:
            self.gain[inside] = shade[inside]
            self.extra[inside] = 0
        else:
            self.gain[inside] = 0
            self.extra[inside] = shade[inside][:, None] * np.array(tint, np.float32)

    def lighten(self, spot: Field, by: float) -> None:
        """Add white where a field is negative and paint lies there."""
        self.extra[(spot <= 0) & self.inside] += np.float32(by)


def _ball(c: Canvas) -> None:
    light = circle(c.x, c.y, (-0.35, -0.4), 0)
    c.paint(circle(c.x, c.y, (0, 0), 1), 1.16 - 0.36 * light)
    c.lighten(ellipse(c.x, c.y, (-0.38, -0.46), (0.24, 0.17)), 70)


def _cube(c: Canvas) -> None:
    front = box(c.x, c.y, (-1, -0.42), (0.5, 1))
    top = polygon(c.x, c.y, [(-1, -0.42), (-0.5, -0.98), (1, -0.98), (0.5, -0.42)])
    side = polygon(c.x, c.y, [(0.5, -0.42), (1, -0.98), (1, 0.46), (0.5, 1)])
    c.paint(side, 0.66)
    c.paint(top, 1.22)
    c.paint(front, 0.98 - 0.08 * c.y)


def _cone(c: Canvas) -> None:
    base = ellipse(c.x, c.y, (0, 0.74), (0.82, 0.25))
    body = polygon(c.x, c.y, [(0, -1), (0.82, 0.74), (-0.82, 0.74)])
    c.paint(union(base, body), 0.95 - 0.34 * c.x)
    c.lighten(polygon(c.x, c.y, [(-0.1, -0.55), (-0.26, 0.62), (-0.46, 0.58)]), 40)


# Sine and cosine of every tenth of a turn: five points on a circle, the first one up, and between
# them five nearer to the middle.
_TENTHS: Final = (
    (0.0, 1.0), (0.5878, 0.809), (0.9511, 0.309), (0.9511, -0.309), (0.5878, -0.809),
    (0.0, -1.0), (-0.5878, -0.809), (-0.9511, -0.309), (-0.9511, 0.309), (-0.5878, 0.809),
)  # fmt: skip
_STAR: Final = [
    ((0.48 if number % 2 else 1.05) * sine, (-0.48 if number % 2 else -1.05) * cosine)
    for number, (sine, cosine) in enumerate(_TENTHS)
]


def _star(c: Canvas) -> None:
    outline = polygon(c.x, c.y - 0.09, _STAR)
    c.paint(outline, 1.02 - 0.12 * c.x - 0.12 * c.y)
    c.lighten(outline + 0.2 + 0.12 * (c.x + c.y + 1), 26)


def _heart(c: Canvas) -> None:
    left = circle(c.x, c.y, (-0.48, -0.4), 0.52)
    right = circle(c.x, c.y, (0.48, -0.4), 0.52)
    tip = polygon(c.x, c.y, [(-0.9, -0.11), (-0.4, -0.5), (0.4, -0.5), (0.9, -0.11), (0, 0.96)])
    c.paint(union(left, right, tip), 1.02 - 0.14 * c.x - 0.16 * c.y)
    c.lighten(ellipse(c.x, c.y, (-0.5, -0.5), (0.2, 0.16)), 70)


def _house(c: Canvas) -> None:
    c.paint(box(c.x, c.y, (0.4, -0.85), (0.62, -0.2)), 0.7)
    c.paint(box(c.x, c.y, (-0.76, -0.1), (0.76, 0.98)), 1.06 - 0.1 * c.x)
    c.paint(polygon(c.x, c.y, [(-0.98, 0.02), (0, -0.98), (0.98, 0.02)]), 0.72)
    c.paint(box(c.x, c.y, (-0.5, 0.36), (-0.06, 0.98)), tint=_WOOD, line=0.7)
    c.paint(box(c.x, c.y, (0.18, 0.3), (0.58, 0.64)), tint=_GLASS, line=0.7)


def _tree(c: Canvas) -> None:
    c.paint(box(c.x, c.y, (-0.15, 0.2), (0.15, 0.98), 0.04), tint=_WOOD)
    crown = union(
        circle(c.x, c.y, (0, -0.5), 0.48),
        circle(c.x, c.y, (-0.38, -0.02), 0.44),
        circle(c.x, c.y, (0.38, -0.02), 0.44),
        circle(c.x, c.y, (0, 0.06), 0.4),
    )
    c.paint(crown, 1.0 - 0.16 * c.x - 0.24 * (c.y + 0.3))
    for at, radii in (((-0.16, -0.66), (0.16, 0.1)), ((-0.46, -0.14), (0.15, 0.1))):
        c.lighten(ellipse(c.x, c.y, at, radii), 38)


def _car(c: Canvas) -> None:
    cabin = polygon(c.x, c.y, [(-0.62, 0), (-0.36, -0.5), (0.3, -0.5), (0.62, 0)])
    body = box(c.x, c.y, (-0.99, -0.1), (0.99, 0.38), 0.14)
    c.paint(union(cabin, body), 1.02 - 0.26 * c.y)
    window = polygon(c.x, c.y, [(-0.44, -0.06), (-0.27, -0.38), (0.23, -0.38), (0.44, -0.06)])
    c.paint(window, tint=_GLASS, line=0.7)
    c.paint(box(c.x, c.y, (-0.05, -0.4), (0.03, 0)), 0.8, line=0)
    for x in (-0.52, 0.54):
        c.paint(circle(c.x, c.y, (x, 0.36), 0.25), tint=_DARK)
        c.paint(circle(c.x, c.y, (x, 0.36), 0.11), tint=(196, 196, 202), line=0)
    c.paint(ellipse(c.x, c.y, (0.88, 0.04), (0.07, 0.09)), tint=_CREAM, line=0)


def _fish(c: Canvas) -> None:
    tail = polygon(c.x, c.y, [(-0.4, 0), (-0.98, -0.46), (-0.84, 0), (-0.98, 0.46)])
    fin = polygon(c.x, c.y, [(-0.25, -0.4), (0.05, -0.62), (0.42, -0.36), (0.1, -0.1)])
    c.paint(fin, 0.78)
    c.paint(tail, 0.82)
    c.paint(ellipse(c.x, c.y, (0.2, 0), (0.78, 0.47)), 1.1 - 0.42 * c.y)
    c.paint(polygon(c.x, c.y, [(-0.08, 0.02), (0.26, 0.14), (-0.02, 0.3)]), 0.76, line=0.5)
    c.paint(circle(c.x, c.y, (0.62, -0.1), 0.13), tint=(255, 255, 255), line=0.5)
    c.paint(circle(c.x, c.y, (0.65, -0.1), 0.07), tint=(20, 20, 26), line=0)


def _boat(c: Canvas) -> None:
    c.paint(box(c.x, c.y, (-0.06, -0.98), (0.06, 0.5)), tint=_WOOD, line=0.5)
    c.paint(polygon(c.x, c.y, [(0.1, -0.94), (0.1, 0.3), (0.84, 0.3)]), 1.16)
    c.paint(polygon(c.x, c.y, [(-0.1, -0.7), (-0.1, 0.3), (-0.7, 0.3)]), 1.02)
    hull = polygon(c.x, c.y, [(-0.98, 0.42), (0.98, 0.42), (0.62, 0.96), (-0.62, 0.96)])
    c.paint(hull, 0.84)
    c.paint(box(c.x, c.y, (-0.8, 0.52), (0.8, 0.6)), tint=_CREAM, line=0)


def _umbrella(c: Canvas) -> None:
    c.paint(segment(c.x, c.y, (0, -0.92), (0, 0.78), 0.055), tint=_DARK, line=0)
    hook = np.abs(circle(c.x, c.y, (0.17, 0.76), 0.17)) - np.float32(0.055)
    c.paint(np.where(c.y > 0.74, hook, np.float32(1)), tint=_DARK, line=0)
    dome = np.maximum(circle(c.x, c.y, (0, 0.06), 0.98), c.y - 0.06)
    for x, radius in ((-0.66, 0.33), (0, 0.34), (0.66, 0.33)):
        dome = np.maximum(dome, -ellipse(c.x, c.y, (x, 0.08), (radius, 0.15)))
    c.paint(dome, 1.06 - 0.2 * c.x - 0.1 * c.y)
    inner = ellipse(c.x, c.y, (0, 0.06), (0.34, 0.98))
    panel = np.maximum(inner, dome)
    c.gain[(panel <= -c.line) & (c.y < 0.06)] *= np.float32(1.14)
    c.paint(np.maximum(np.abs(inner) - c.line / 3, dome + c.line), 0.45, line=0)


def _table(c: Canvas) -> None:
    for x, bottom in ((-0.62, 0.5), (0.62, 0.5), (-0.86, 0.68), (0.86, 0.68)):
        c.paint(box(c.x, c.y, (x - 0.09, -0.2), (x + 0.09, bottom)), 0.7, line=0.7)
    c.paint(box(c.x, c.y, (-0.99, -0.24), (0.99, 0.04)), 0.86)
    c.paint(polygon(c.x, c.y, [(-0.7, -0.66), (0.7, -0.66), (0.99, -0.2), (-0.99, -0.2)]), 1.14)


DRAWINGS: Final[dict[str, Callable[[Canvas], None]]] = {
    "ball": _ball,
    "cube": _cube,
    "cone": _cone,
    "star": _star,
    "heart": _heart,
    "house": _house,
    "tree": _tree,
    "car": _car,
    "fish": _fish,
    "boat": _boat,
    "umbrella": _umbrella,
    "table": _table,
}
"""How to draw each thing."""

SEATS: Final = {"cube": (0.0, -0.66), "table": (0.0, -0.4)}
"""Where on the canvas something stands that stands on a thing: x of the middle, y."""
