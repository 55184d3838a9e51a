"""Labeled Faces in the Wild: 13,233 pictures of 5,749 people, and its lists of pairs to verify.

View 1 is for choosing a model, View 2 for reporting it: ten folds, of which each is tested once
with what was fitted on the other nine.

Reference:
    Huang, Ramesh, Berg, Learned-Miller: Labeled Faces in the Wild: A Database for Studying Face
    Recognition in Unconstrained Environments. Technical Report 07-49, University of Massachusetts,
    Amherst, 2007.
"""

import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

import numpy as np

from simlearn.data._annotations import Line, check_split, read_lines
from simlearn.data.files import Files, Root, inside, open_files
from simlearn.data.records import LabelledFiles, PicturePairs, StoredPictures
from simlearn.data.records._files import labelled_files
from simlearn.errors import DatasetError

VIEW1: Final = {"train": 1_100, "test": 500}
"""Pairs of each kind in the official lists of View 1."""

VIEW2: Final = (10, 300)
"""Folds in the official list of View 2, and pairs of each kind in a fold."""

_LISTS: Final = {"train": "pairsDevTrain.txt", "test": "pairsDevTest.txt"}
_PICTURE: Final = re.compile(r"((?:.*/)?)([^/]+)/\2_[0-9]{4}\.jpg", re.ASCII)
_LARGEST_COUNT: Final = 10**6


def people(root: Root, *, folder: str | None = None) -> LabelledFiles:
    """Every picture below a folder or zip, with the person that it shows.

    Args:
        root: A folder or zip with a folder of people at any depth: `lfw/Name/Name_0001.jpg`; or
            `Files`.
        folder: Which folder of people, such as `"lfw-deepfunneled"`, where there are several.

    Returns:
        The pictures in the order of their names; the classes are the people.

    Raises:
        DatasetError: There is no such picture, there are several folders of people and `folder`
            names none, or a person's folder holds a picture of another name.
    """
    files = open_files(root)
    names = files.names((".jpg",))
    prefix = _prefix(files, names, folder)
    found = {name: match[2] for name in names if (match := _match(name, prefix))}
    if prefix is None or not found:
        raise DatasetError(
            f"{files}: expected pictures as {prefix or ''}Name/Name_0001.jpg, and found none"
        )
    _check_strays(files, names, found, prefix)
    return labelled_files(files, list(found), list(found.values()), name="lfw")


def view1(
    root: Root, split: Literal["train", "test"] = "train", *, folder: str | None = None
) -> PicturePairs:
    """Read the pairs of View 1, the view for choosing a model.

    Args:
        root: A folder or zip with `pairsDevTrain.txt` or `pairsDevTest.txt` at its top or up to
            two folders down, and the pictures beside or below; or `Files`. Without pictures the
            list can still be read.
        split: `"train"` (1,100 pairs of one person and 1,100 of two) or `"test"` (500 and 500).
        folder: Which folder of people, such as `"lfw-deepfunneled"`, where there are several.

    Returns:
        The pairs in the order of the list, all in fold 0. A picture that is missing stays listed.

    Raises:
        DatasetError: The list is missing, a row is not what the format says, a pair occurs twice,
            or there are not as many pairs of each kind as the first line says; where the first
            line says nothing, as in the official list.
    """
    check_split(split, tuple(_LISTS), "LFW View 1")
    return _pairs(root, _LISTS[split], None, VIEW1[split], folder, f"lfw-view1-{split}")


def view2(root: Root, *, folder: str | None = None) -> PicturePairs:
    """Read the pairs of View 2, the view for reporting a score.

    Args:
        root: A folder or zip with `pairs.txt`; otherwise as for `view1`.
        folder: As for `view1`.

    Returns:
        The pairs in the order of the list, 6,000 in ten folds officially: in each fold 300 of one
        person, then 300 of two.

    Raises:
        DatasetError: As for `view1`.
    """
    return _pairs(root, "pairs.txt", *VIEW2, folder, "lfw-view2")


class _Pair(NamedTuple):
    left: str
    right: str
    same: bool


def _pairs(
    root: Root, list_name: str, folds: int | None, size: int, folder: str | None, name: str
) -> PicturePairs:
    """Read a list of pairs; `folds` is None where its first line does not state them."""
    files = open_files(root)
    lines = read_lines(files.find(list_name), list_name)
    where = lines[0].where if lines else files.where(list_name)
    header = lines[0].tokens() if lines else []
    if len(header) == (1 if folds is None else 2):
        counts = [lines[0].integer(token, "a count", 1, _LARGEST_COUNT) for token in header]
        folds, size = counts[0] if folds else None, counts[-1]
        del lines[0]
    rows = list(_checked(lines, size))
    if len(rows) != (folds or 1) * 2 * size:
        raise DatasetError(
            f"{where}: expected {folds or 1} times {size} pairs of one person and {size} of two, "
            f"and received {len(rows)} pairs"
        )
    prefix = _prefix(files, files.names((".jpg",)), folder)
    position: dict[str, int] = {}
    for row in rows:
        for path in (row.left, row.right):
            position.setdefault(path, len(position))
    return PicturePairs(
        pictures=StoredPictures(
            files, [("lfw/" if prefix is None else prefix) + p for p in position]
        ),
        left=np.array([position[row.left] for row in rows], np.int64),
        right=np.array([position[row.right] for row in rows], np.int64),
        same=np.array([row.same for row in rows], np.bool_),
        fold=np.arange(len(rows), dtype=np.int64) // (2 * size),
        name=name,
    )


def _checked(lines: list[Line], size: int) -> Iterator[_Pair]:
    """Rows that alternate: `size` of one person, `size` of two; no pair twice."""
    seen: set[frozenset[str]] = set()
    for row, line in enumerate(lines):
        pair = _pair(line)
        expected = row // size % 2 == 0
        if pair.same != expected:
            kinds = {True: "one person", False: "two people"}
            raise line.error(
                f"a pair of {kinds[expected]} as row {row + 1}, {size} of each in turn", line.text
            )
        both = frozenset(pair[:2])
        if both in seen:
            raise line.error("each pair once", line.text)
        seen.add(both)
        yield pair


def _pair(line: Line) -> _Pair:
    """`Name i j` or `Name1 i Name2 j`."""
    tokens = line.tokens()
    if len(tokens) not in (3, 4):
        raise line.error("3 or 4 columns", f"{len(tokens)}: {line.text.strip()}")
    same = len(tokens) == 3
    names = (tokens[0], tokens[0] if same else tokens[2])
    numbers = (tokens[1], tokens[-1])
    left, right = (_path(line, name, number) for name, number in zip(names, numbers, strict=True))
    if left == right or (not same and names[0] == names[1]):
        raise line.error("two pictures" if same else "two people", line.text)
    return _Pair(left, right, same)


def _path(line: Line, name: str, number: str) -> str:
    if "/" in name or "\\" in name:
        raise line.error("the name of a person", name)
    count = line.integer(number, "the number of a picture", 1, 9_999)
    return inside(f"{name}/{name}_{count:04d}.jpg", where=line.where)


def _prefix(files: Files, names: list[str], folder: str | None) -> str | None:
    """The folder of people with a slash behind it; None where there is none."""
    found = {match[1] for name in names if (match := _PICTURE.fullmatch(name))}
    wanted = found if folder is None else {f"{folder.rstrip('/')}/" if folder else ""}
    if len(wanted) > 1 or not wanted <= found:
        shown = ", ".join(sorted(prefix.rstrip("/") or "''" for prefix in found)) or "none"
        raise DatasetError(
            f"{files}: expected {folder or 'one folder of people'}, and found {shown}; say which "
            "with folder="
        )
    return next(iter(wanted), None)


def _match(name: str, prefix: str | None) -> re.Match[str] | None:
    match = _PICTURE.fullmatch(name)
    return match if match and match[1] == prefix else None


def _check_strays(files: Files, names: list[str], found: dict[str, str], prefix: str) -> None:
    """Refuse a picture of another name in a person's folder: it would be left out in silence."""
    folders = {f"{prefix}{person}" for person in found.values()}
    for name in names:
        if name not in found and name.rpartition("/")[0] in folders:
            raise DatasetError(f"{files.where(name)}: expected a name as Name/Name_0001.jpg")
