"""Which points are clicked, and which is whose twin in a mirror."""

import re
from typing import Final

from simlearn.data._sides import paired
from simlearn.data.records import Landmark
from simlearn.errors import UserError

# Of these there are two, one on each side of the picture.
_PAIRS: Final = {
    "eyes": "eye",
    "ears": "ear",
    "brows": "brow",
    "eyebrows": "eyebrow",
    "cheeks": "cheek",
    "nostrils": "nostril",
    "mouth_corners": "mouth_corner",
}
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")


def landmarks_of(text: str) -> tuple[Landmark, ...]:
    """Landmarks from their names, separated by commas.

    `eyes`, `ears`, `brows`, `eyebrows`, `cheeks`, `nostrils` and `mouth_corners` stand for two
    points each. Left is the *picture's* left. Two names that differ in `left` and `right` alone are
    twins in a mirror; every other point is its own.

    Args:
        text: such as `eyes,nose`.

    Raises:
        UserError: a name has other than small letters, digits and underscores, occurs twice, or
            has a side and no twin.

    Examples:
        >>> [landmark.name for landmark in landmarks_of("eyes,nose")]
        ['left_eye', 'right_eye', 'nose']
        >>> [landmark.mirrored for landmark in landmarks_of("eyes,nose")]
        [1, 0, 2]
    """
    names: list[str] = []
    for name in (part.strip() for part in text.split(",")):
        if not _NAME.fullmatch(name):
            raise UserError(
                "expected names of small letters, digits and underscores between commas, "
                f"received {name!r}"
            )
        one = _PAIRS.get(name)
        names += [name] if one is None else [f"left_{one}", f"right_{one}"]
    if len(set(names)) < len(names):
        raise UserError(f"expected each point once, received {', '.join(names)}")
    return paired(names, "--points")
