"""Landmarks by their names: which is whose twin in a mirror."""

import re
from collections.abc import Sequence
from typing import Final

from simlearn.data.records import Landmark
from simlearn.errors import DatasetError

_SIDE: Final = re.compile(r"(?:^|(?<=_))(left|right)(?=_|$)")


def paired(names: Sequence[str], where: str) -> tuple[Landmark, ...]:
    """Names that differ in `left` and `right` alone are twins; every other point is its own.

    Raises:
        DatasetError: a name has a side and no twin.
    """
    return tuple(Landmark(name, _twin(name, list(names), where)) for name in names)


def _twin(name: str, names: list[str], where: str) -> int:
    found = _SIDE.search(name)
    if found is None:
        return names.index(name)
    other = "right" if found[0] == "left" else "left"
    twin = name[: found.start()] + other + name[found.end() :]
    if twin not in names:
        raise DatasetError(f"{where}: expected {twin} beside {name}, got {', '.join(names)}")
    return names.index(twin)
