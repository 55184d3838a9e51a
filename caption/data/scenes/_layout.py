"""Which things a scene holds and where they are: drawn at random until all of it is plain to see.

What a scene shows is decided first, say one thing to the left of another. Places are then drawn
until it does; a scene that cannot be told apart from another one is dropped and drawn anew.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from caption.data.scenes._relations import HIDDEN, Box, apart, relations_of
from caption.data.scenes._scene import (
    COLOURS,
    GROUNDS,
    HELD_OUT_COLOURS,
    HELD_OUT_RELATIONS,
    SHAPES,
    SIZES,
    SUPPORTS,
    Scene,
    Split,
    Thing,
    held_out_in,
)
from caption.data.scenes._sprites import MIRRORED, Sprite, sprite

SIDES: Final = {"small": 0.155, "medium": 0.25, "large": 0.39}
"""Longer side of a thing, as a part of the picture's shorter side; each may be 5 % off."""

_EDGE: Final = 2
_TRIES: Final = 40


class Kind(NamedTuple):
    """What things of one group share."""

    shape: str
    colour: str
    size: str


class Placed(NamedTuple):
    """A thing at its place: column and row of the top left corner of its sprite."""

    kind: Kind
    sprite: Sprite
    left: int
    top: int

    @property
    def box(self) -> Box:
        """Left, top, right and bottom edge."""
        height, width = self.sprite.mask.shape
        return self.left, self.top, self.left + width, self.top + height


class Plan(NamedTuple):
    """What a scene shall show.

    Attributes:
        groups: Kinds, and how many there are of each.
        relation: How the first group shall lie to the second; empty for anyhow.
    """

    groups: list[tuple[Kind, int]]
    relation: str


def layout(
    rng: np.random.Generator, split: Split, height: int, width: int
) -> tuple[Scene, list[Placed], NDArray[np.uint8]]:
    """Draw a scene.

    Returns:
        The scene, its things at their places from the farthest to the nearest, and for each pixel
        the number of the thing seen there, from 1, or 0.
    """
    ground = GROUNDS[rng.integers(len(GROUNDS))]
    while True:
        placed = _placed(rng, _plan(rng, split), height, width)
        if placed is None:
            continue
        labels = _labels(placed, height, width)
        things = tuple(Thing(*p.kind, p.box, int(p.sprite.mask.sum())) for p in placed)
        relations = relations_of(things, labels)
        if relations is not None and held_out_in(things, relations) == (split == "held_out"):
            return Scene(ground, things, relations), placed, labels


def _plan(rng: np.random.Generator, split: Split) -> Plan:
    if split == "held_out" and rng.random() < 0.5:
        first, relation, second = HELD_OUT_RELATIONS[rng.integers(len(HELD_OUT_RELATIONS))]
        return _sized(rng, [(_kind(rng, first), 1), (_kind(rng, second), 1)], relation)
    forced = HELD_OUT_COLOURS[rng.integers(len(HELD_OUT_COLOURS))] if split == "held_out" else ()
    first_kind = _kind(rng, *forced)
    draw = rng.random()
    if draw < 0.14:
        return Plan([(first_kind, 1)], "")
    if draw < 0.6:
        return _pair(rng, first_kind)
    if draw < 0.74:
        return Plan([(first_kind, int(rng.integers(2, 5)))], "")
    if draw < 0.86:
        relation = ("left of", "right of", "above", "below")[rng.integers(4)]
        return Plan([(first_kind, int(rng.integers(2, 4))), (_kind(rng), 1)], relation)
    more = [(_kind(rng), 1) for _ in range(rng.integers(2, 4))]
    return Plan([(first_kind, 1), *more], "")


def _pair(rng: np.random.Generator, first: Kind) -> Plan:
    relation = ("left of", "above", "on", "in front of")[rng.integers(4)]
    shape = SUPPORTS[rng.integers(len(SUPPORTS))] if relation == "on" else ""
    groups = [(first, 1), (_kind(rng, shape), 1)]
    if rng.random() < 0.2:
        groups.append((_kind(rng), 1))
    return _sized(rng, groups, relation)


def _sized(rng: np.random.Generator, groups: list[tuple[Kind, int]], relation: str) -> Plan:
    """A plan in which what stands on a thing is smaller, and what hides a part of it no larger."""
    if relation in ("on", "in front of"):
        far = int(rng.integers(1, 3))
        near = int(rng.integers(far if relation == "on" else far + 1))
        for number, size in enumerate((near, far)):
            kind, count = groups[number]
            groups[number] = kind._replace(size=SIZES[size]), count
    return Plan(groups, relation)


def _kind(rng: np.random.Generator, shape: str = "", colour: str = "") -> Kind:
    return Kind(
        shape or SHAPES[rng.integers(len(SHAPES))],
        colour or COLOURS[rng.integers(len(COLOURS))],
        SIZES[rng.integers(len(SIZES))],
    )


def _placed(rng: np.random.Generator, plan: Plan, height: int, width: int) -> list[Placed] | None:
    """The things of a plan at their places, from the farthest to the nearest."""
    kinds = [kind for kind, count in plan.groups for _ in range(count)]
    sprites = [_sprite(rng, kind, min(height, width)) for kind in kinds]
    together = plan.relation in ("on", "in front of")
    too_much = sum(s.mask.size for s in sprites) > 0.4 * height * width
    twice = len({kind[:2] for kind, _ in plan.groups}) < len(plan.groups)
    if too_much or twice or (together and kinds[0].colour == kinds[1].colour):
        return None
    for _ in range(_TRIES):
        placed = [
            Placed(kind, drawn, *_anywhere(rng, drawn, height, width))
            for kind, drawn in zip(kinds, sprites, strict=True)
        ]
        if together:
            placed[0] = (_seated if plan.relation == "on" else _hiding)(rng, placed[0], placed[1])
        gap = max(3, round(0.035 * min(height, width)))
        if _is_clear(placed, gap, together, height, width) and _holds(plan, placed):
            # What is lower in the picture is nearer; what stands on something, as near as that.
            feet = [p.box[3] for p in placed]
            if plan.relation == "on":
                feet[0] = feet[1] + 1
            return [placed[n] for n in sorted(range(len(placed)), key=feet.__getitem__)]
    return None


def _sprite(rng: np.random.Generator, kind: Kind, side: int) -> Sprite:
    exact = SIDES[kind.size] * side * (0.95, 1.0, 1.05)[rng.integers(3)]
    mirrored = bool(rng.integers(2)) and kind.shape in MIRRORED
    return sprite(kind.shape, round(exact), mirrored)


def _anywhere(rng: np.random.Generator, sprite: Sprite, height: int, width: int) -> tuple[int, int]:
    rows, columns = sprite.mask.shape
    left = rng.integers(_EDGE, width - _EDGE - columns + 1)
    return int(left), int(rng.integers(_EDGE, height - _EDGE - rows + 1))


def _seated(rng: np.random.Generator, rider: Placed, support: Placed) -> Placed:
    column, row = support.sprite.seat
    height, width = rider.sprite.mask.shape
    aside = rng.uniform(-0.12, 0.12) * support.sprite.mask.shape[1]
    left = support.left + column + aside - width / 2
    return rider._replace(left=round(left), top=round(support.top + row) - height)


def _hiding(rng: np.random.Generator, near: Placed, far: Placed) -> Placed:
    left, _, right, bottom = far.box
    height, width = near.sprite.mask.shape
    middle = (left + right) / 2 + rng.uniform(-0.5, 0.5) * (right - left)
    foot = bottom + rng.uniform(0.1, 0.5) * height
    return near._replace(left=round(middle - width / 2), top=round(foot) - height)


def _is_clear(placed: list[Placed], gap: int, together: bool, height: int, width: int) -> bool:
    """Whether all lie in the picture, with a gap between any two but the first two if together."""
    for number, this in enumerate(placed):
        left, top, right, bottom = this.box
        if left < _EDGE or top < _EDGE or right > width - _EDGE or bottom > height - _EDGE:
            return False
        for other in placed[: 0 if together and number == 1 else number]:
            a, b, c, d = other.box
            if left < c + gap and a < right + gap and top < d + gap and b < bottom + gap:
                return False
    return True


def _holds(plan: Plan, placed: list[Placed]) -> bool:
    """Whether the plan's relation holds between its first two groups."""
    if not plan.relation:
        return True
    count = plan.groups[0][1]
    if plan.relation == "in front of":
        return HIDDEN[0] <= _hidden_part(placed[0], placed[1]) <= HIDDEN[1]
    if plan.relation == "on":
        (left, _, right, _), (begin, _, end, _) = placed[0].box, placed[1].box
        return placed[0].kind.shape != "table" and begin <= left and right <= end
    return all(apart(p.box, placed[count].box) == plan.relation for p in placed[:count])


def _hidden_part(near: Placed, far: Placed) -> float:
    """How much of the one thing the other hides, from 0 to 1."""
    left, top = min(near.left, far.left), min(near.top, far.top)
    first, second = (p._replace(left=p.left - left, top=p.top - top) for p in (near, far))
    width, height = (max(first.box[k], second.box[k]) for k in (2, 3))
    covers = _labels([first], height, width), _labels([second], height, width)
    return float(np.sum(covers[0] & covers[1]) / far.sprite.mask.sum())


def _labels(placed: list[Placed], height: int, width: int) -> NDArray[np.uint8]:
    labels = np.zeros((height, width), np.uint8)
    for number, (_, drawn, left, top) in enumerate(placed, start=1):
        rows, columns = drawn.mask.shape
        labels[top : top + rows, left : left + columns][drawn.mask] = number
    return labels
