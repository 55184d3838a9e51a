"""VGGFace2: faces of 8,631 people to train on and of 500 others to test on.

Reference:
    Cao, Shen, Xie, Parkhi, Zisserman: VGGFace2: A dataset for recognising faces across pose and
    age. IEEE Conference on Automatic Face and Gesture Recognition, 2018.
"""

import dataclasses
import re
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

import numpy as np

from simlearn.data._annotations import Line, check_split, read_lines
from simlearn.data.files import Root, open_files
from simlearn.data.folders import named
from simlearn.data.records import LabelledFiles
from simlearn.data.records._files import labelled_files

PEOPLE: Final = MappingProxyType({"train": 8_631, "test": 500})
"""People of each split."""

_PICTURE: Final = re.compile(r"(?P<person>n([0-9]{6}))/([0-9]{4})_([0-9]{2})\.jpg")
_META: Final = "identity_meta.csv"
_COLUMNS: Final = ("Class_ID", "Name", "Sample_Num", "Flag", "Gender")
_SPLITS: Final[tuple[Literal["test"], Literal["train"]]] = ("test", "train")
_GENDERS: Final[tuple[Literal["m"], Literal["f"]]] = ("m", "f")
_LARGEST_COUNT: Final = 10**6


class Identity(NamedTuple):
    """What is known of one person.

    Attributes:
        name: Such as `Ann_Example`.
        pictures: How many there are.
        split: The split that has them.
        gender: `m` or `f`.
    """

    name: str
    pictures: int
    split: Literal["train", "test"]
    gender: Literal["m", "f"]


def load(root: Root, split: Literal["train", "test"] = "train") -> LabelledFiles:
    """Read one split of VGGFace2, from the folder `train` or `test`.

    Args:
        root: A folder or zip that holds the split's folder, as `train/n000002/0001_01.jpg`, up to
            two folders down; or `Files`.
        split: `"train"` or `"test"`; they have no person in common.

    Returns:
        The pictures in the order of their paths; classes are called as the folders, `n000002`. Ids
        are the digits of the path in a row, 2000101 for `n000002/0001_01.jpg`, so those of the two
        splits never meet.

    Raises:
        DatasetError: There is no such folder, or it holds a file of another name.
    """
    check_split(split, tuple(PEOPLE), "VGGFace2")
    files = open_files(root).find(split).below(split)
    ids, paths, people = [], [], []
    for picture in named(files, _PICTURE, "n000002/0001_01.jpg"):
        ids.append(int("".join(picture.groups()[1:])))
        paths.append(picture.string)
        people.append(picture["person"])
    record = labelled_files(files, paths, people, name=f"vggface2-{split}")
    return dataclasses.replace(record, ids=np.array(ids, np.int64))


def identities(root: Root) -> dict[str, Identity]:
    """Read who the people are, from `identity_meta.csv`.

    Args:
        root: A folder or zip with the file, up to two folders down; or `Files`.

    Returns:
        By class (`n000002`), in the order of the file.

    Raises:
        DatasetError: The file is missing, a row is not what the format says, or a class occurs
            twice.
    """
    files = open_files(root).find(_META)
    lines = read_lines(files, _META)
    if lines and tuple(part.strip(" \t") for part in _parts(lines[0])) == _COLUMNS:
        del lines[0]
    found: dict[str, Identity] = {}
    for line in lines:
        key, identity = _identity(line)
        if key in found:
            raise line.error("each class once", key)
        found[key] = identity
    return found


def _identity(line: Line) -> tuple[str, Identity]:
    """`n000002, "Ann_Example", 315, 1, f`; the name may hold commas, 1 is train and 0 test."""
    key, name, count, flag, gender = (part.strip(" \t") for part in _parts(line))
    if not re.fullmatch("n[0-9]{6}", key):
        raise line.error("a class as n000002", key)
    name = _unquoted(_unquoted(name))  # Twice in copies that a spreadsheet has saved.
    if not name or '"' in name:
        raise line.error("a name", line.text)
    return key, Identity(
        name=name,
        pictures=line.integer(count, _COLUMNS[2], 0, _LARGEST_COUNT),
        split=_SPLITS[line.integer(flag, _COLUMNS[3], 0, 1)],
        gender=_GENDERS[line.choice(gender, _COLUMNS[4], _GENDERS)],
    )


def _parts(line: Line) -> list[str]:
    """Five parts between commas, the second with any commas that are left."""
    text = line.text.strip(" \t").removesuffix(",")  # Some copies have one at the end.
    key, _, rest = text.partition(",")
    parts = [key, *rest.rsplit(",", 3)]
    if len(parts) != len(_COLUMNS):
        raise line.error(f"{', '.join(_COLUMNS)} with commas between", line.text)
    return parts


def _unquoted(cell: str) -> str:
    quoted = len(cell) >= 2 and cell[0] == cell[-1] == '"'
    return cell[1:-1].replace('""', '"').strip(" \t") if quoted else cell
