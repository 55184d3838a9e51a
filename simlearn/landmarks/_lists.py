"""Boxes of faces from a CSV file."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from simlearn.errors import UserError

_COLUMNS: Final = ("image", "left", "top", "right", "bottom")


def boxes_of(path: Path, pictures: Sequence[Path]) -> dict[Path, list[float]]:
    """The box of each picture.

    Args:
        path: of a CSV file with the columns image, left, top, right and bottom, in pixels; an
            image is named as on the command line, or by its name alone.
        pictures: for which a box is wanted.

    Raises:
        UserError: the file is not there or is something else, or a picture has no box.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: expected a CSV file of boxes, received: {error}") from error
    found: dict[str, list[float]] = {}
    for number, row in enumerate(rows, start=2):
        if any(row.get(column) is None for column in _COLUMNS):
            raise UserError(f"{path}, line {number}: expected the columns {','.join(_COLUMNS)}")
        try:
            box = [float(row[column]) for column in _COLUMNS[1:]]
        except ValueError as error:
            raise UserError(f"{path}, line {number}: expected four numbers, got {error}") from error
        if not all(map(math.isfinite, box)) or not (box[0] < box[2] and box[1] < box[3]):
            raise UserError(
                f"{path}, line {number}: expected left, top, right and bottom edge of a box with "
                f"some area, got {box}"
            )
        found[row["image"]] = box
    boxes = {}
    for picture in pictures:
        one = found.get(str(picture), found.get(picture.name))
        if one is None:
            raise UserError(f"{path}: expected a box for {picture}, found none")
        boxes[picture] = one
    return boxes
