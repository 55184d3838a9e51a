"""FDDB: 5,171 faces in 2,845 news pictures, drawn as ellipses, in ten folds.

Not verified on real files.

Reference:
    Jain, Learned-Miller: FDDB: A Benchmark for Face Detection in Unconstrained Settings. Technical
    Report UM-CS-2010-009, University of Massachusetts, Amherst, 2010.
"""

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simlearn.data._annotations import Line, read_lines
from simlearn.data.decode import LARGEST_SIDE
from simlearn.data.files import Files, Root, inside, open_files
from simlearn.data.records import BoxedPictures, StoredPictures
from simlearn.errors import DatasetError

FOLDS: Final = 10

_FOLDER: Final = "FDDB-folds"
_PICTURES: Final = "originalPics/"
_LARGEST_COUNT: Final = 10_000


def load(root: Root) -> BoxedPictures:
    """Read the ellipses of all ten folds, each with the upright box that just holds it.

    Args:
        root: A folder or zip with `FDDB-folds/`, whose files are
            `FDDB-fold-01-ellipseList.txt` to `FDDB-fold-10-ellipseList.txt`, at its top or up to
            two folders down, and beside it `originalPics/`, or `2002/` and `2003/` out of it; or
            `Files`. Without pictures the lists can still be read.

    Returns:
        The pictures in the order of the lists. A box may reach beyond its picture. `details` has
        `ellipses`, float64 `(m, 5)`: longer and shorter half axis in pixels, the angle of the
        longer one to the horizontal in radians, x and y of the centre; and `fold`, int64 `(m,)`,
        from 0.

    Raises:
        DatasetError: A list is missing, a row is not what the format says, or a picture is listed
            twice.
    """
    files = _found(open_files(root))
    folder = f"{_FOLDER}/" if f"{_FOLDER}/{_list(0)}" in files else ""
    paths: dict[str, None] = {}
    owner, fold_of, ellipses = [], [], []
    for fold in range(FOLDS):
        for line, name, rows in _pictures(files, folder + _list(fold)):
            if name in paths:
                raise line.error("each picture once", name)
            paths[name] = None
            owner += [len(paths) - 1] * len(rows)
            fold_of += [fold] * len(rows)
            ellipses += rows
    table = np.array(ellipses, np.float64).reshape(-1, 5)
    # Some copies have the pictures without the folder of all.
    prefix = "" if any(path in files for path in paths) else _PICTURES
    return BoxedPictures(
        pictures=StoredPictures(files, [prefix + path for path in paths]),
        owner=np.array(owner, np.int64),
        boxes=bounds(table).astype(np.float32),
        ignored=np.zeros(len(table), np.bool_),
        name="fddb",
        details={"ellipses": table, "fold": np.array(fold_of, np.int64)},
    )


def bounds(ellipses: NDArray[np.float64]) -> NDArray[np.float64]:
    """The upright boxes that just hold some ellipses.

    A point of the ellipse lies at `a cos(t) u + b sin(t) v` from its centre, where u and v are the
    directions of the half axes a and b; the largest x of that is `hypot(a u_x, b v_x)`.

    Args:
        ellipses: `(m, 5)`: half axes a and b, the angle of a to the horizontal in radians, and x
            and y of the centre.

    Returns:
        `(m, 4)`: left, top, right and bottom edge.

    Examples:
        >>> bounds(np.array([[3, 2, 0, 10, 20]])).tolist()
        [[7.0, 18.0, 13.0, 22.0]]
    """
    a, b, angle, x, y = np.asarray(ellipses, np.float64).T
    width = np.hypot(a * np.cos(angle), b * np.sin(angle))
    height = np.hypot(a * np.sin(angle), b * np.cos(angle))
    return np.stack([x - width, y - height, x + width, y + height], axis=1)


def _list(fold: int) -> str:
    return f"FDDB-fold-{fold + 1:02d}-ellipseList.txt"


def _found(files: Files) -> Files:
    """Where the lists' folder lies, or the lists without their folder."""
    try:
        return files.find(f"{_FOLDER}/{_list(0)}")
    except DatasetError:
        return files.find(_list(0))


def _pictures(files: Files, name: str) -> Iterator[tuple[Line, str, list[list[float]]]]:
    """Each picture of a list with its ellipses: a name, a count and as many rows."""
    lines = iter(read_lines(files, name))
    for line in lines:
        (path,) = line.tokens(1)
        number = next(lines, None)
        if number is None:
            raise line.error("a count of faces behind the name", path)
        count = number.integer(number.text.strip(" \t"), "a count of faces", 0, _LARGEST_COUNT)
        rows = [_ellipse(row) for _, row in zip(range(count), lines, strict=False)]
        if len(rows) < count:
            raise number.error(f"{count} rows of faces", len(rows))
        yield line, inside(f"{path}.jpg", where=line.where), rows


def _ellipse(line: Line) -> list[float]:
    """`major minor angle x y 1`."""
    *numbers, one = line.tokens(6)
    major, minor, angle, x, y = (line.decimal(token, "a number") for token in numbers)
    line.choice(one, "the last column", ("1",))
    if not (0 < major <= LARGEST_SIDE and 0 < minor <= LARGEST_SIDE):
        raise line.error(f"half axes above 0 and up to {LARGEST_SIDE}", f"{major:g} {minor:g}")
    if abs(angle) > math.tau:
        raise line.error("an angle in radians", f"{angle:g}")
    if max(abs(x), abs(y)) > LARGEST_SIDE:
        raise line.error(f"a centre at most {LARGEST_SIDE} pixels away", f"{x:g} {y:g}")
    return [major, minor, angle, x, y]
