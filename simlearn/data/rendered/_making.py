"""Faces one after the other, with what is true of them."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlearn.data.rendered import _lists
from simlearn.data.rendered._anatomy import Person, person
from simlearn.data.rendered._drawing import draw
from simlearn.data.rendered._shots import CLOSE, NEWS, WEB, Setting, Shot, shot
from simlearn.errors import UserError

FIRST: Final = {"people": 0, "lfw": 2**30, "train": 2 * 2**30, "test": 3 * 2**30}
"""Where each set begins to number its people, so that nobody is in two sets."""

MOST_PEOPLE: Final = 2**30
SMALLEST, LARGEST = 32, 1024

Job = tuple[int, int, Setting]
"""Identity, picture and setting."""


class Face(NamedTuple):
    """One picture: who, how, pixels `(size, size, 3)` and landmarks `(5, 2)`."""

    person: Person
    shot: Shot
    pixels: NDArray[np.uint8]
    points: NDArray[np.float64]

    @property
    def values(self) -> tuple[int, int, int, int]:
        """Gender, smile, glasses and pose, as `simlearn.data.mtfl.ATTRIBUTES` counts."""
        shot = self.shot
        return int(not self.person.male), int(not shot.smiles), int(not shot.glasses), shot.pose


def rendered(jobs: Iterable[Job], seed: int, size: int) -> Iterator[Face]:
    """A face for each job; a person is quicker where their pictures come together."""
    known: tuple[int, Person] | None = None
    for identity, picture, setting in jobs:
        if known is None or known[0] != identity:
            known = identity, person(seed, identity)
        taken = shot(known[1], setting, seed, identity, picture)
        pixels, points = draw(known[1], taken, size, key=(seed, identity, picture))
        yield Face(known[1], taken, pixels, points)


def mtfl_jobs(split: str, count: int) -> Iterator[Job]:
    """The rows of a split of MTFL, each of another person."""
    settings = {"lfw_5590": NEWS, "net_7876": WEB, "AFLW": CLOSE}
    for row in range(count):
        yield FIRST[split] + row, 0, settings[_lists.mtfl_folder(split, row)]


def check(seed: int, size: int) -> None:
    """Refuse a seed or a size that cannot be used."""
    check_count("seed", seed, 0)
    check_count("size", size, SMALLEST, LARGEST)


def check_count(name: str, value: int, least: int, most: int | None = None) -> None:
    """Refuse a number that is no integer or out of range."""
    integer = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not integer or value < least or (most is not None and value > most):
        limits = f"from {least}" if most is None else f"from {least} to {most}"
        raise UserError(f"expected {name} as an integer {limits}, and received {value!r}")
