"""Points that were clicked on one's own pictures: the CSV file that `simlearn label` writes.

One row a picture: `image,status,<point>_x,<point>_y,...`, in pixels of the upright picture, (0, 0)
the centre of its first pixel; a point that cannot be seen has two empty cells. Rows whose status
is not `done` are not finished, or skipped, and are passed over.
"""

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from simlearn.data._annotations import Line
from simlearn.data._landmarks import Outside, landmark_pictures
from simlearn.data._sides import paired
from simlearn.data.files import LARGEST_ANNOTATION, Root, open_files
from simlearn.data.records import Landmark, LandmarkPictures, StoredPictures
from simlearn.errors import DatasetError

__all__ = ["DONE", "FILE", "OPEN", "SKIPPED", "Clicked", "load", "read", "written"]

FILE: Final = "labels.csv"
DONE: Final = "done"
OPEN: Final = "open"
SKIPPED: Final = "skipped"
_STATES: Final = (DONE, OPEN, SKIPPED)


class Clicked(NamedTuple):
    """What was clicked on one picture.

    Attributes:
        status: `done`, `open` or `skipped`.
        points: x and y of each, or None where it was not clicked or cannot be seen.
    """

    status: str
    points: tuple[tuple[float, float] | None, ...]


def load(
    root: Root, *, landmarks: Sequence[Landmark] | None = None, outside: Outside = "refuse"
) -> LandmarkPictures:
    """Read the finished pictures of a folder with `labels.csv`.

    Args:
        root: the folder or zip that was labelled.
        landmarks: what each point is; by default the file's names, where a name with `left` is
            the twin of that with `right`.
        outside: as in `simlearn.data.mtfl.load`.

    Returns:
        The finished pictures in the order of the file. An id is made of the picture's path, so it
        stays when more pictures are labelled or added.

    Raises:
        DatasetError: the file is missing or a row is not what the format says.
    """
    files = open_files(root).find(FILE)
    where = files.where(FILE)
    names, rows = read(files.read(FILE, limit=LARGEST_ANNOTATION), where)
    done = {image: row for image, row in rows.items() if row.status == DONE}
    points = np.array(
        [[(np.nan, np.nan) if p is None else p for p in row.points] for row in done.values()],
        np.float64,
    ).reshape(-1, len(names), 2)
    known = np.isfinite(points[..., 0]) & np.isfinite(points[..., 1])
    record = landmark_pictures(
        StoredPictures(files, list(done)),
        points=np.nan_to_num(points),
        visible=known,
        landmarks=paired(names, where) if landmarks is None else tuple(landmarks),
        values=np.zeros((len(done), 0), np.int64),
        attributes=(),
        lines=[Line(image, where) for image in done],
        outside=outside,
        name="labelled",
    )
    return replace(record, ids=np.array([_id(image) for image in done], np.int64))


def read(content: bytes, where: str | Path) -> tuple[list[str], dict[str, Clicked]]:
    """The names of the points, and what was clicked on each picture, from the file's bytes.

    Raises:
        DatasetError: it is no CSV in UTF-8, the columns are others, a status is not known, a cell
            is no number, or a picture occurs twice.
    """
    try:
        # With or without the mark that spreadsheets put first.
        text = content.decode("utf-8-sig")
        table = csv.reader(io.StringIO(text, newline=""))
        lines = [(table.line_num, cells) for cells in table]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{where}: expected a CSV file in UTF-8, received: {error}") from None
    header = lines[0][1] if lines else []
    names = [column.removesuffix("_x") for column in header[2::2]]
    if not names or header != [
        "image",
        "status",
        *(f"{name}_{axis}" for name in names for axis in "xy"),
    ]:
        raise DatasetError(
            f"{where}, line 1: expected image,status,<point>_x,<point>_y,..., got {header[:6]}"
        )
    found: dict[str, Clicked] = {}
    for number, cells in lines[1:]:
        place = f"{where}, line {number}"
        if not cells:
            continue
        if len(cells) != len(header) or cells[1] not in _STATES or cells[0] in found:
            raise DatasetError(
                f"{place}: expected a new image, one of {', '.join(_STATES)}, and "
                f"{len(header) - 2} cells, got {cells[:3]} and {len(cells)} cells"
            )
        pairs = zip(cells[2::2], cells[3::2], strict=True)
        found[cells[0]] = Clicked(cells[1], tuple(_point(x, y, place) for x, y in pairs))
    return names, found


def written(names: Iterable[str], rows: Mapping[str, Clicked]) -> str:
    """The text of the file."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["image", "status", *(f"{name}_{axis}" for name in names for axis in "xy")])
    for image, row in rows.items():
        cells = [("", "") if p is None else (f"{p[0]:.2f}", f"{p[1]:.2f}") for p in row.points]
        table.writerow([image, row.status, *(cell for pair in cells for cell in pair)])
    return text.getvalue()


def _id(image: str) -> int:
    # 52 bits: a number that JSON and spreadsheets hold exactly.
    return int(hashlib.sha256(image.encode("utf-8", "surrogateescape")).hexdigest()[:13], 16)


def _point(x: str, y: str, place: str) -> tuple[float, float] | None:
    if not x and not y:
        return None
    try:
        pair = (float(x), float(y))
    except ValueError:
        raise DatasetError(
            f"{place}: expected two numbers or two empty cells, got {x!r}, {y!r}"
        ) from None
    if not np.isfinite(pair).all():
        raise DatasetError(f"{place}: expected finite numbers, got {x!r}, {y!r}")
    return pair
