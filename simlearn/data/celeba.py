"""CelebA: 202,599 aligned faces with five landmarks, forty attributes and 10,177 identities.

MAFL is a part of it, 20,000 pictures that are often used to train and score landmarks. Read are the
aligned pictures and the text lists. Copies differ in the first lines of the lists, so they are read
with and without them. Not verified on real files: this reader, and the names in `ATTRIBUTES`.

Reference:
    Liu, Luo, Wang, Tang: Deep Learning Face Attributes in the Wild. ICCV 2015.
"""

from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from simlearn.data._annotations import Line, check_split, read_lines, shown
from simlearn.data._landmarks import FIVE_POINTS, Outside, landmark_pictures
from simlearn.data.files import Files, Root, inside, open_files
from simlearn.data.records import (
    Attribute,
    LabelledFiles,
    LandmarkPictures,
    StoredPictures,
)
from simlearn.data.records._files import labelled_files
from simlearn.errors import DatasetError

LANDMARKS: Final = FIVE_POINTS

ATTRIBUTES: Final = (
    "5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Bald", "Bangs",
    "Big_Lips", "Big_Nose", "Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair", "Bushy_Eyebrows",
    "Chubby", "Double_Chin", "Eyeglasses", "Goatee", "Gray_Hair", "Heavy_Makeup",
    "High_Cheekbones", "Male", "Mouth_Slightly_Open", "Mustache", "Narrow_Eyes", "No_Beard",
    "Oval_Face", "Pale_Skin", "Pointy_Nose", "Receding_Hairline", "Rosy_Cheeks", "Sideburns",
    "Smiling", "Straight_Hair", "Wavy_Hair", "Wearing_Earrings", "Wearing_Hat",
    "Wearing_Lipstick", "Wearing_Necklace", "Wearing_Necktie", "Young",
)  # fmt: skip
"""The forty attributes, for a list that does not name them in its first lines."""

SIZE: Final = (178, 218)
"""Width and height of every aligned picture."""

_PARTS: Final = ("train", "validation", "test")
_SPLITS: Final = (*_PARTS, "all")
_MAFL_LISTS: Final = {"train": "training.txt", "test": "testing.txt"}
_LANDMARK_LIST: Final = "list_landmarks_align_celeba.txt"
_ATTRIBUTE_LIST: Final = "list_attr_celeba.txt"
_PARTITION_LIST: Final = "list_eval_partition.txt"
_IDENTITY_LIST: Final = "identity_CelebA.txt"
_POINT_COLUMNS: Final = tuple(
    f"{point}_{axis}"
    for point in ("lefteye", "righteye", "nose", "leftmouth", "rightmouth")
    for axis in "xy"
)
_FOLDER: Final = "img_align_celeba"
_SIGNS: Final = {"-1": 0, "1": 1}
_LARGEST_COUNT: Final = 10**9


def load(
    root: Root,
    split: Literal["train", "validation", "test", "all"] = "train",
    *,
    outside: Outside = "refuse",
) -> LandmarkPictures:
    """Read one split of CelebA: aligned pictures with landmarks and attributes.

    Points are the eyes, the nose and the corners of the mouth in the aligned picture of 178x218;
    left is the *picture's* left. Attributes have the values 0 no and 1 yes.

    Args:
        root: A folder or zip with the official text lists and `img_align_celeba/`, each at its top
            or up to two folders down (`Anno/`, `Eval/`, `Img/`); or `Files`. Without pictures the
            lists can still be read.
        split: One of the official partitions 0, 1 and 2; or `"all"`, which needs no list of them.
        outside: What to do with a point outside its picture: `"refuse"` the file, `"mask"` the
            point as not visible, or `"keep"` it, to look at what is wrong.

    Returns:
        The pictures in the order of the lists. Ids are positions in the whole lists, so those of
        two splits never meet, and `mafl` has the same ones.

    Raises:
        DatasetError: A list is missing, a row is not what the format says, a count in a first line
            is not that of the rows, or the lists do not name the same pictures in one order.
    """
    check_split(split, _SPLITS, "CelebA")
    files = open_files(root)
    table = _read(files, _LANDMARK_LIST, _points, _POINT_COLUMNS)
    whole = _whole(files, table, outside)
    if split == "all":
        return whole
    partition = _read(files, _PARTITION_LIST, _number("the partition", 0, 2))
    _check_same(table, partition)
    mask = np.array(partition.values, np.int64) == _PARTS.index(split)
    return whole.take(mask, name=f"celeba-{split}")


def mafl(
    root: Root, split: Literal["train", "test"] = "train", *, outside: Outside = "refuse"
) -> LandmarkPictures:
    """Read one split of MAFL: those pictures of CelebA that its lists name.

    Args:
        root: As for `load`, with `MAFL/training.txt` and `MAFL/testing.txt`, or both without the
            folder.
        split: `"train"` (19,000 pictures) or `"test"` (1,000).
        outside: As for `load`.

    Returns:
        The pictures in the order of the list, with the ids that `load` gives them.

    Raises:
        DatasetError: As for `load`; or a name is not CelebA's or occurs twice.
    """
    check_split(split, tuple(_MAFL_LISTS), "MAFL")
    files = open_files(root)
    lines = _mafl_lines(files, _MAFL_LISTS[split])
    table = _read(files, _LANDMARK_LIST, _points, _POINT_COLUMNS)
    position = {name: row for row, name in enumerate(table.names)}
    rows: dict[int, None] = {}
    for line in lines:
        (name,) = line.tokens(1)
        row = position.get(name)
        if row is None or row in rows:
            raise line.error("a picture of CelebA, each once", name)
        rows[row] = None
    whole = _whole(files, table, outside)
    return whole.take(np.array(list(rows), np.int64), name=f"mafl-{split}")


def identities(root: Root) -> LabelledFiles:
    """Read who is on each picture.

    Args:
        root: As for `load`, with `identity_CelebA.txt`.

    Returns:
        Every picture in the order of the list; classes are the numbers of the people as text. Ids
        are positions in the list, as those of `load` where the lists have one order.

    Raises:
        DatasetError: As for `load`.
    """
    files = open_files(root)
    table = _read(files, _IDENTITY_LIST, _number("an identity", 1, 10**9))
    people = [str(number) for number in table.values]
    pictures = _pictures(files, table)
    return labelled_files(pictures.files, list(pictures.paths), people, name="celeba-identities")


class _Table(NamedTuple):
    """The rows of a list, each a picture's name and something more; and the names of columns."""

    names: list[str]
    values: list[Any]
    lines: list[Line]
    columns: tuple[str, ...]


def _read(
    files: Files,
    name: str,
    value: Callable[[Line, list[str]], Any],
    columns: tuple[str, ...] = ("value",),
) -> _Table:
    """Read one list, with or without a line of its count and a line of its columns.

    Args:
        files: Where it lies, perhaps two folders down.
        name: Of the list.
        value: From a row's line and its tokens behind the name to what they mean.
        columns: What the columns are where no line says it.
    """
    found = files.find(name)
    lines = read_lines(found, name)
    first = lines[0] if lines else Line("", found.where(name))
    count = None
    if len(tokens := first.tokens()) == 1:
        count = first.integer(tokens[0], "the count of rows", 0, _LARGEST_COUNT)
        del lines[0]
    if lines and len(columns) > 1 and not lines[0].text.rstrip(" \t")[-1].isdigit():
        columns = _columns(lines.pop(0), columns)
    if not lines:
        raise first.error("rows", "none")
    names: dict[str, None] = {}
    values = []
    for line in lines:
        # Twice as quick as `tokens`, and the same: ASCII has no other white space that is allowed.
        tokens = line.text.split() if line.text.isascii() else line.tokens()
        if len(tokens) != len(columns) + 1:
            tokens = line.tokens(len(columns) + 1)
        name = inside(tokens[0], where=line.where)
        if name in names or "/" in name:
            raise line.error("the name of a picture, each once", name)
        names[name] = None
        values.append(value(line, tokens[1:]))
    if count is not None and count != len(lines):
        raise first.error(f"the count of the rows, {len(lines)}", count)
    return _Table(list(names), values, lines, columns)


def _columns(line: Line, official: tuple[str, ...]) -> tuple[str, ...]:
    """The line of columns: the official points in their order, or forty attributes by any name."""
    tokens = tuple(line.tokens())
    tokens = tokens[1:] if tokens[0] == "image_id" else tokens
    if official == ATTRIBUTES and len(tokens) == len(set(tokens)) == len(official):
        return tokens
    if tokens != official:
        raise line.error(f"the columns {shown(' '.join(official))}", line.text.strip())
    return official


def _points(line: Line, tokens: list[str]) -> list[float]:
    joined = "".join(tokens)
    if joined.isascii() and joined.isdigit() and len(max(tokens, key=len)) < 10:
        return list(map(float, tokens))
    return [line.decimal(token, "a coordinate") for token in tokens]


def _signs(line: Line, tokens: list[str]) -> list[int]:
    """0 for -1, 1 for 1."""
    try:
        return [_SIGNS[token] for token in tokens]
    except KeyError as error:
        raise line.error("attributes as -1 or 1", error.args[0]) from None


def _number(name: str, low: int, high: int) -> Callable[[Line, list[str]], int]:
    return lambda line, tokens: line.integer(tokens[0], name, low, high)


def _whole(files: Files, table: _Table, outside: Outside) -> LandmarkPictures:
    """Every picture of CelebA, given the table of landmarks."""
    signs = _read(files, _ATTRIBUTE_LIST, _signs, ATTRIBUTES)
    _check_same(table, signs)
    return landmark_pictures(
        _pictures(files, table),
        points=np.array(table.values, np.float64).reshape(-1, len(LANDMARKS), 2),
        visible=None,
        landmarks=LANDMARKS,
        values=np.array(signs.values, np.int64).reshape(-1, len(signs.columns)),
        attributes=tuple(Attribute(name, ("no", "yes")) for name in signs.columns),
        lines=table.lines,
        outside=outside,
        name="celeba-all",
        size=SIZE,
    )


def _pictures(files: Files, table: _Table) -> StoredPictures:
    try:
        files = files.find(_FOLDER)
    except DatasetError as error:
        # No pictures yet is no error of a list; the pipeline counts those that are missing.
        if f"found no {_FOLDER}" not in str(error):
            raise
    return StoredPictures(files, [f"{_FOLDER}/{name}" for name in table.names])


def _mafl_lines(files: Files, name: str) -> list[Line]:
    try:
        found, name = files.find(f"MAFL/{name}"), f"MAFL/{name}"
    except DatasetError:
        found = files.find(name)
    return read_lines(found, name)


def _check_same(table: _Table, other: _Table) -> None:
    """Refuse two lists that do not name the same pictures in one order."""
    for name, found, line in zip(table.names, other.names, other.lines, strict=False):
        if name != found:
            raise line.error(f"{name}, as in the list of landmarks", found)
    shorter, longer = sorted((table, other), key=lambda one: len(one.lines))
    if len(shorter.lines) < len(longer.lines):
        line = longer.lines[len(shorter.lines)]
        raise line.error("the same pictures in every list", line.text.strip())
