"""Kaggle's facial keypoints: grey faces of 96x96 pixels with up to fifteen landmarks.

7,049 faces to train on, most of them with only some of the points, and 1,783 without points, whose
coordinates a table asks for. Left and right are the *person's* own. Not verified on real files: the
names of the columns, and that `IdLookupTable.csv` has an empty `Location`.

Reference:
    Kaggle: Facial Keypoints Detection, a competition.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from simlearn.data._annotations import Line, check_split, lines_of, read_lines, shown
from simlearn.data._landmarks import Outside, landmark_pictures
from simlearn.data.files import LARGEST_FILE, Root, open_files
from simlearn.data.records import Landmark, LandmarkPictures, PictureArray

LANDMARKS: Final = (
    Landmark("subject_left_eye_center", 1),
    Landmark("subject_right_eye_center", 0),
    Landmark("subject_left_eye_inner_corner", 4),
    Landmark("subject_left_eye_outer_corner", 5),
    Landmark("subject_right_eye_inner_corner", 2),
    Landmark("subject_right_eye_outer_corner", 3),
    Landmark("subject_left_eyebrow_inner_end", 8),
    Landmark("subject_left_eyebrow_outer_end", 9),
    Landmark("subject_right_eyebrow_inner_end", 6),
    Landmark("subject_right_eyebrow_outer_end", 7),
    Landmark("nose_tip", 10),
    Landmark("subject_mouth_left_corner", 12),
    Landmark("subject_mouth_right_corner", 11),
    Landmark("mouth_center_top_lip", 13),
    Landmark("mouth_center_bottom_lip", 14),
)

SIDE: Final = 96
"""Width and height of every picture."""

_FILES: Final = {"train": "training.csv", "test": "test.csv"}
# So far apart that the ids of the two splits never meet.
_FIRST_IDS: Final = {"train": 0, "test": 1_000_000}
_COORDINATES: Final = tuple(
    f"{landmark.name.removeprefix('subject_')}_{axis}" for landmark in LANDMARKS for axis in "xy"
)
_WANTED: Final = ("RowId", "ImageId", "FeatureName", "Location")
_SPACE: Final = ord(" ")
_ZERO: Final = ord("0")


def load(
    root: Root, split: Literal["train", "test"] = "train", *, outside: Outside = "refuse"
) -> LandmarkPictures:
    """Read one split, from the folder or zip that holds `training.csv` and `test.csv`.

    Args:
        root: A folder or zip, perhaps with the files a folder or two down, or in the zips of the
            official download; or `Files`.
        split: `"train"`, where points that are not in the file are not visible; or `"test"`, where
            no point is visible.
        outside: What to do with a point outside its picture: `"refuse"` the file, `"mask"` the
            point as not visible, or `"keep"` it, to look at what is wrong.

    Returns:
        As many records as the file has rows, in its order; pictures in memory, grey. Ids count on
        from 0 in the training file and from 1,000,000 in the test file.

    Raises:
        DatasetError: The file is missing, a column is missing or not known, a row is not what the
            format says, or a point has one coordinate of two.
    """
    check_split(split, tuple(_FILES), "Kaggle keypoints")
    files = open_files(root).find(_FILES[split])
    content = files.read(_FILES[split], limit=LARGEST_FILE)
    rows = lines_of(content, files.where(_FILES[split]))
    names = (*_COORDINATES, "Image") if split == "train" else ("ImageId", "Image")
    order = _order(rows, names, files.where(_FILES[split]))
    lines: list[Line] = []
    points, images = [], []
    for line in rows:
        cells = line.tokens(len(names), separator=",")
        *first, image = [cells[column] for column in order]
        if split == "train":
            points.append([_coordinate(line, cell) for cell in first])
        else:
            line.integer(first[0], "ImageId", len(lines) + 1, len(lines) + 1)
        images.append(_pixels(line, image))
        lines.append(Line(line.text[:80], line.where))
    table = np.array(points, np.float64).reshape(-1, len(LANDMARKS), 2)
    table = table if split == "train" else np.full((len(lines), len(LANDMARKS), 2), np.nan)
    return landmark_pictures(
        PictureArray(
            np.array(images, np.uint8).reshape(-1, SIDE, SIDE, 1), [line.where for line in lines]
        ),
        points=np.nan_to_num(table),
        visible=_visible(table, lines),
        landmarks=LANDMARKS,
        values=np.zeros((len(lines), 0), np.int64),
        attributes=(),
        lines=lines,
        outside=outside,
        name=f"kaggle-keypoints-{split}",
        size=(SIDE, SIDE),
        first_id=_FIRST_IDS[split],
    )


def wanted(root: Root) -> NDArray[np.int64]:
    """Read which coordinates a submission must hold, from `IdLookupTable.csv`.

    Args:
        root: As for `load`.

    Returns:
        `(m, 3)`, in the order of the table: position of the picture among those of the split
        `"test"`, position of the landmark, and 0 for x or 1 for y; so that
        `points[tuple(wanted.T)]` are the values to submit.

    Raises:
        DatasetError: The file is missing, or a row is not what the format says, or asks for what
            an earlier row does.
    """
    name = "IdLookupTable.csv"
    files = open_files(root).find(name)
    rows = iter(read_lines(files, name))
    order = _order(rows, _WANTED, files.where(name))
    places: dict[tuple[int, int, int], None] = {}
    for line in rows:
        cells = line.tokens(len(_WANTED), separator=",")
        row, image, feature, location = (cells[column] for column in order)
        line.integer(row, "RowId", len(places) + 1, len(places) + 1)
        if location:
            raise line.error("an empty Location", location)
        picture = line.integer(image, "ImageId", 1, 10**9) - 1
        place = (picture, *divmod(line.choice(feature, "FeatureName", _COORDINATES), 2))
        if place in places:
            raise line.error("each coordinate once", line.text)
        places[place] = None
    return np.array(list(places), np.int64).reshape(-1, 3)


def _order(rows: Iterator[Line], names: Sequence[str], where: str) -> list[int]:
    """Where each of some columns stands, as the first line says."""
    line = next(rows, Line("", where))
    cells = line.tokens(separator=",")
    if sorted(cells) != sorted(names):
        odd = sorted(set(cells) ^ set(names)) or sorted(cells)
        raise line.error(f"the columns {shown(','.join(names))}", f"others: {', '.join(odd)}")
    return [cells.index(name) for name in names]


def _coordinate(line: Line, cell: str) -> float:
    return line.decimal(cell, "a coordinate") if cell else np.nan


def _visible(points: NDArray[np.float64], lines: Sequence[Line]) -> NDArray[np.bool_]:
    """Which points are there, `(n, p)`."""
    known = np.isfinite(points)
    halves = known[..., 0] != known[..., 1]
    if halves.any():
        row, point = np.argwhere(halves)[0]
        x, y = points[row, point]
        raise lines[row].error(
            f"{LANDMARKS[point].name} with x and y or neither", f"({x:g}, {y:g})"
        )
    return known[..., 0]


def _pixels(line: Line, text: str) -> NDArray[np.uint8]:
    """9,216 numbers between single spaces, all at once: there are 65 million in the file."""
    codes = np.frombuffer(text.encode("ascii", "replace"), np.uint8)
    digits = codes - np.uint8(_ZERO)  # Below the digit 0 it wraps to above 9.
    spaces = codes == _SPACE
    ends = np.append(np.flatnonzero(spaces), len(codes))
    lengths = np.diff(ends, prepend=-1) - 1
    if (
        len(ends) == SIDE**2
        and np.all(spaces | (digits <= 9))
        and 1 <= lengths.min() <= lengths.max() <= 3
    ):
        wide = digits.astype(np.int16)
        values = wide[ends - 1]
        values += np.where(lengths > 1, wide[ends - 2], 0) * 10
        values += np.where(lengths > 2, wide[ends - 3], 0) * 100
        if values.max() <= 255:
            return values.astype(np.uint8)
    return _pixels_one_by_one(line, text)


def _pixels_one_by_one(line: Line, text: str) -> NDArray[np.uint8]:
    """The same, slowly, with an error that says what is wrong."""
    tokens = text.split(" ")
    if len(tokens) != SIDE**2:
        raise line.error(f"{SIDE**2} pixels", f"{len(tokens)}: {text}")
    return np.array([line.integer(token, "a pixel", 0, 255) for token in tokens], np.uint8)
