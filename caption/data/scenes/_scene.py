"""What a rendered scene may hold, what it does hold, and which combinations training never sees."""

from typing import Final, Literal, NamedTuple, TypeAlias

Split: TypeAlias = Literal["train", "validation", "test", "held_out"]

SPLITS: Final[tuple[Split, ...]] = ("train", "validation", "test", "held_out")

SHAPES: Final = (
    "ball", "cube", "cone", "star", "heart", "house",
    "tree", "car", "fish", "boat", "umbrella", "table",
)  # fmt: skip

COLOURS: Final = ("red", "orange", "yellow", "green", "blue", "purple")

SIZES: Final = ("small", "medium", "large")

GROUNDS: Final = ("grass", "sand", "water", "snow", "checkered", "wooden", "stone")

INVERSES: Final = {
    "left of": "right of",
    "right of": "left of",
    "above": "below",
    "below": "above",
    "on": "under",
    "under": "on",
    "in front of": "behind",
    "behind": "in front of",
}

RELATIONS: Final = tuple(INVERSES)
"""Left, right, above and below are the picture's: the visible parts are apart, and further apart
in that direction than across it. On: standing on the flat top of a cube or table. In front of:
hiding a part of something that stands further up in the picture."""

SUPPORTS: Final = ("cube", "table")
"""What something can stand on."""

HELD_OUT_COLOURS: Final = (
    ("ball", "purple"), ("cube", "orange"), ("cone", "blue"), ("star", "green"),
    ("heart", "yellow"), ("house", "purple"), ("tree", "red"), ("car", "green"),
    ("fish", "red"), ("boat", "yellow"), ("umbrella", "blue"), ("table", "orange"),
)  # fmt: skip
"""12 of the 72 pairs of object and colour, which occur in the split `held_out` alone."""


def _shifted(relation: str, places: int) -> list[tuple[str, str, str]]:
    return [(a, relation, SHAPES[(i + places) % len(SHAPES)]) for i, a in enumerate(SHAPES)]


HELD_OUT_RELATIONS: Final = (
    *_shifted("left of", 3),
    *_shifted("above", 5),
    *_shifted("in front of", 7),
    ("star", "on", "table"),
    ("car", "on", "table"),
    ("fish", "on", "cube"),
    ("heart", "on", "cube"),
)
"""40 of the 454 relations between objects, with their inverses, which occur in the split
`held_out` alone. Every object is held out to the left of one other, above one and in front of one;
four are on what they could stand on."""


class Thing(NamedTuple):
    """One thing in a scene.

    Attributes:
        shape: One of `SHAPES`.
        colour: One of `COLOURS`.
        size: One of `SIZES`.
        box: Left, top, right and bottom edge in pixels of the whole thing, hidden parts included.
        area: Pixels of the whole thing, hidden parts included.
    """

    shape: str
    colour: str
    size: str
    box: tuple[int, int, int, int]
    area: int


class Relation(NamedTuple):
    """`subject` is `name` `object`.

    Attributes:
        subject: Position of a thing in its scene.
        name: One of `RELATIONS`.
        object: Position of another thing.
    """

    subject: int
    name: str
    object: int


class Scene(NamedTuple):
    """What a picture shows.

    Attributes:
        ground: One of `GROUNDS`.
        things: From the farthest to the nearest: a later one hides an earlier one.
        relations: Every one that holds, with its inverse.
    """

    ground: str
    things: tuple[Thing, ...]
    relations: tuple[Relation, ...]


def held_out_in(things: tuple[Thing, ...], relations: tuple[Relation, ...]) -> bool:
    """Whether a scene holds a combination that training never sees."""
    return any((t.shape, t.colour) in _COLOURS for t in things) or any(
        is_held_out(relation, things) for relation in relations
    )


def is_held_out(relation: Relation, things: tuple[Thing, ...]) -> bool:
    """Whether a relation, or its inverse, is one of `HELD_OUT_RELATIONS`."""
    subject, name, object_ = relation
    first, second = things[subject].shape, things[object_].shape
    return (first, name, second) in _RELATIONS or (second, INVERSES[name], first) in _RELATIONS


_COLOURS: Final = frozenset(HELD_OUT_COLOURS)
_RELATIONS: Final = frozenset(HELD_OUT_RELATIONS)
