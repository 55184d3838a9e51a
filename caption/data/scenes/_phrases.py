"""Words for the things of a scene and for where they are.

A phrase names things by what tells them apart: `a red ball` is said only where the picture shows
one red ball, `two boats` only where it shows two boats in all.
"""

from typing import Final, NamedTuple

import numpy as np

from caption.data.scenes._scene import INVERSES, Relation, Scene

_SIZE_WORDS: Final = {
    "small": ("small", "little"),
    "medium": ("medium-sized",),
    "large": ("large", "big"),
}
_NUMBERS: Final = ("", "a", "two", "three", "four")
_PLURALS: Final = {"fish": "fish"}

WHERE: Final = {
    "grass": "on the grass",
    "sand": "on the sand",
    "water": "on the water",
    "snow": "in the snow",
    "checkered": "on a checkered floor",
    "wooden": "on a wooden floor",
    "stone": "on a stone floor",
}
STRETCH: Final = {
    "grass": "a patch of grass",
    "sand": "a stretch of sand",
    "water": "a stretch of water",
    "snow": "a field of snow",
    "checkered": "a checkered floor",
    "wooden": "a wooden floor",
    "stone": "a stone floor",
}
BETWEEN: Final = {
    "left of": ("to the left of", "left of"),
    "right of": ("to the right of", "right of"),
    "above": ("above",),
    "below": ("below",),
    "on": ("on", "on top of"),
    "under": ("under",),
    "in front of": ("in front of",),
    "behind": ("behind",),
}
BESIDE_IT: Final = {
    "left of": "to {} left",
    "right of": "to {} right",
    "above": "above {}",
    "below": "below {}",
    "on": "on {}",
    "under": "under {}",
    "in front of": "in front of {}",
    "behind": "behind {}",
}


# How often a phrase says what: size and colour. That a thing is of middling size, people say less.
_DETAILS: Final = (
    (15, (False, True)),
    (9, (True, True)),
    (3, (False, False)),
    (3, (True, False)),
)


class Claim(NamedTuple):
    """Every thing of the first group is in a relation to every one of the second."""

    subjects: tuple[int, ...]
    name: str
    objects: tuple[int, ...]


class Writer:
    """Words for the things of one scene.

    Args:
        scene: What to write about.
        rng: Source of all chance.
        plain: Name the colour of everything.
    """

    def __init__(self, scene: Scene, rng: np.random.Generator, *, plain: bool = False) -> None:
        self.scene = scene
        self.rng = rng
        self.plain = plain
        self.groups = _groups(scene)

    def one_of(self, options: tuple[str, ...]) -> str:
        """One of several ways to say the same."""
        return options[self.rng.integers(len(options))]

    def where(self) -> str:
        """Words for the ground."""
        return WHERE[self.scene.ground]

    def phrase(self, members: tuple[int, ...]) -> str:
        """Words for a group, such as `two small red balls`, that no other thing fits."""
        with_size, with_colour = self._details(members)
        thing, count = self.scene.things[members[0]], len(members)
        noun = thing.shape if count == 1 else _PLURALS.get(thing.shape, f"{thing.shape}s")
        words = [
            *([self.one_of(_SIZE_WORDS[thing.size])] if with_size else []),
            *([thing.colour] if with_colour else []),
            noun,
        ]
        number = "an" if count == 1 and words[0][0] in "aeiou" else _NUMBERS[count]
        return " ".join([number, *words])

    def all_phrases(self, *, grounded: bool = True) -> tuple[str, bool, bool]:
        """Words for everything; whether that is plural, and whether it begins with a plural.

        Args:
            grounded: Leave out what stands on another thing, and so not on the ground.
        """
        riding = {r.subject for r in self.scene.relations if r.name == "on" and grounded}
        groups = [group for group in self.groups if not riding.intersection(group)]
        order = [groups[n] for n in self.rng.permutation(len(groups))]
        phrases = [self.phrase(group) for group in order]
        listed = " and ".join([", ".join(phrases[:-1]), phrases[-1]] if phrases[1:] else phrases)
        several = sum(map(len, order)) > 1
        return listed, several, len(order[0]) > 1

    def claims(self) -> list[Claim]:
        """The relations that hold between whole groups."""
        known = set(self.scene.relations)
        return [
            Claim(first, name, second)
            for first in self.groups
            for second in self.groups
            for name in INVERSES
            if first != second and all(Relation(a, name, b) in known for a in first for b in second)
        ]

    def _details(self, members: tuple[int, ...]) -> tuple[bool, bool]:
        """Whether to name size and colour."""
        middling = self.scene.things[members[0]].size == "medium"
        fitting = [
            details
            for often, details in _DETAILS
            if (details[1] or not self.plain) and self._fits(members, *details)
            for _ in range(often // 3 if middling and details[0] else often)
        ]
        return fitting[self.rng.integers(len(fitting))]

    def _fits(self, members: tuple[int, ...], with_size: bool, with_colour: bool) -> bool:
        """Whether the details fit these things and no others."""
        first = self.scene.things[members[0]]
        return members == tuple(
            number
            for number, thing in enumerate(self.scene.things)
            if thing.shape == first.shape
            and (not with_size or thing.size == first.size)
            and (not with_colour or thing.colour == first.colour)
        )


def _groups(scene: Scene) -> list[tuple[int, ...]]:
    """The things of a scene, those of one shape and colour together."""
    found: dict[tuple[str, str], list[int]] = {}
    for number, thing in enumerate(scene.things):
        found.setdefault((thing.shape, thing.colour), []).append(number)
    return [tuple(members) for members in found.values()]
