"""Omniglot: handwritten characters of 50 alphabets, each drawn once by 20 people.

30 alphabets to learn from (`background`) and 20 others to test on (`evaluation`). Pictures are of
105x105 pixels and one bit; ink is 0, the ground 255 once decoded.

Reference:
    Lake, Salakhutdinov, Tenenbaum: Human-level concept learning through probabilistic program
    induction. Science 350(6266), 2015.
"""

import dataclasses
import re
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlearn.data._annotations import Line, check_split, read_lines
from simlearn.data.files import Files, Root, inside, open_files
from simlearn.data.folders import named
from simlearn.data.records import LabelledFiles, StoredPictures
from simlearn.data.records._files import labelled_files
from simlearn.errors import DatasetError

COUNTS: Final = MappingProxyType({"background": 19_280, "evaluation": 13_180})
"""Drawings of each split."""

CHARACTERS: Final = MappingProxyType({"background": 964, "evaluation": 659})
"""Characters of each split."""

RUNS: Final = 20
"""Published one-shot runs."""

WAYS: Final = 20
"""Characters in each run."""

_DRAWING: Final = re.compile(
    r"(?P<alphabet>[^/]+)/(?P<character>character[0-9]{2})/"
    r"(?P<number>[0-9]{4})_(?P<drawer>0[1-9]|1[0-9]|20)\.png"
)
_FORM: Final = "Greek/character01/0393_01.png"


class OneShotRun(NamedTuple):
    """One run: 20 characters drawn once, and 20 drawings by another hand to recognise.

    Attributes:
        test: The drawings to recognise, 20.
        training: One drawing of each character, 20.
        answer: For each drawing of `test`, the position in `training` of the same character;
            int64 `(20,)`.
    """

    test: StoredPictures
    training: StoredPictures
    answer: NDArray[np.int64]


def load(root: Root, split: Literal["background", "evaluation"] = "background") -> LabelledFiles:
    """Read one split of Omniglot, from `images_background` or `images_evaluation`.

    Args:
        root: A folder or zip that holds the split's folder, up to two folders down, or a folder
            with the official zips; or `Files`.
        split: `"background"` (30 alphabets) or `"evaluation"` (20 others).

    Returns:
        The drawings, character by character. The class is the alphabet and the character, as
        `Greek/character01`. Ids are 100 times the character's official number, which is unique in
        both splits, plus the drawer's.

    Raises:
        DatasetError: There is no such folder, or it holds a file of another name, or two
            characters of one number.
    """
    check_split(split, tuple(COUNTS), "Omniglot")
    folder = f"images_{split}"
    files = open_files(root).find(folder).below(folder)
    drawings = list(named(files, _DRAWING, _FORM))
    characters = [f"{drawing['alphabet']}/{drawing['character']}" for drawing in drawings]
    numbers: dict[str, str] = {}
    for drawing, character in zip(drawings, characters, strict=True):
        # One number for each character, and one character for each number.
        both = {drawing["number"]: character, character: drawing["number"]}
        if any(numbers.setdefault(key, value) != value for key, value in both.items()):
            raise DatasetError(
                f"{files.where(drawing.string)}: expected one number for each character, and "
                f"received {drawing['number']} for {character}"
            )
    record = labelled_files(
        files, [drawing.string for drawing in drawings], characters, name=f"omniglot-{split}"
    )
    ids = [100 * int(drawing["number"]) + int(drawing["drawer"]) for drawing in drawings]
    return dataclasses.replace(record, ids=np.array(ids, np.int64))


def alphabet_names(record: LabelledFiles) -> tuple[str, ...]:
    """The alphabets of a split, in the order of their names.

    Args:
        record: From `load`, or a part of that.
    """
    return tuple(sorted({_drawing(f"{name}/0001_01.png")["alphabet"] for name in record.classes}))


def alphabets(record: LabelledFiles) -> NDArray[np.int64]:
    """The alphabet of each drawing, to compare characters of one alphabet alone.

    Args:
        record: From `load`, or a part of that.

    Returns:
        int64 `(n,)`, each a position in `alphabet_names(record)`.

    Raises:
        DatasetError: The record is not of Omniglot.
    """
    names = {name: place for place, name in enumerate(alphabet_names(record))}
    of_class = [names[_drawing(f"{name}/0001_01.png")["alphabet"]] for name in record.classes]
    return np.array(of_class, np.int64)[record.labels]


def drawers(record: LabelledFiles) -> NDArray[np.int64]:
    """Who drew each drawing, to hold out people.

    Args:
        record: From `load`, or a part of that.

    Returns:
        int64 `(n,)`, from 1 to 20, as the data set numbers those who drew each character.

    Raises:
        DatasetError: The record is not of Omniglot.
    """
    return np.array([int(_drawing(path)["drawer"]) for path in record.pictures.paths], np.int64)


def runs(root: Root) -> tuple[OneShotRun, ...]:
    """Read the 20 published one-shot runs, from `run01` to `run20`.

    Args:
        root: A folder or zip that holds the runs, up to two folders down, or a folder with
            `all_runs.zip`; or `Files`.

    Returns:
        The runs in order, each with its test drawings in the order of `class_labels.txt`.

    Raises:
        DatasetError: A run's `class_labels.txt` is missing, or does not name each of its 20 test
            and 20 training drawings once.
    """
    files = open_files(root).find("run01", hint="all_runs.zip holds it")
    return tuple(_run(files, f"run{number:02}") for number in range(1, RUNS + 1))


def _run(files: Files, run: str) -> OneShotRun:
    """Each row is `run01/test/item01.png run01/training/class08.png`."""
    name = f"{run}/class_labels.txt"
    test: dict[str, Line] = {}
    training: dict[str, Line] = {}
    for line in read_lines(files, name):
        for path, part, seen in zip(
            line.tokens(2), ("test/item", "training/class"), (test, training), strict=True
        ):
            path = inside(path, where=line.where)
            if path not in _paths(run, part):
                raise line.error(f"{run}/{part}01.png to {run}/{part}{WAYS}.png", path)
            if path in seen:
                raise line.error(f"each drawing once, and {path} is in {seen[path].where}", path)
            seen[path] = line
    if len(test) != WAYS:
        raise DatasetError(f"{files.where(name)}: expected {WAYS} rows, and received {len(test)}")
    classes = _paths(run, "training/class")
    return OneShotRun(
        test=StoredPictures(files, list(test)),
        training=StoredPictures(files, classes),
        answer=np.array([classes.index(path) for path in training], np.int64),
    )


def _paths(run: str, part: str) -> list[str]:
    return [f"{run}/{part}{number:02}.png" for number in range(1, WAYS + 1)]


def _drawing(path: str) -> re.Match[str]:
    match = _DRAWING.fullmatch(path)
    if match is None:
        raise DatasetError(f"expected drawings of Omniglot such as {_FORM}, and received {path}")
    return match
