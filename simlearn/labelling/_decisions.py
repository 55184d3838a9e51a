"""What was decided about doubtful labels: keep, fix or drop; the data itself is never changed."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from simlearn._files import write_atomically
from simlearn.data.records import LandmarkPictures
from simlearn.errors import RunError, UserError

DECISIONS: Final = ("keep", "fix", "drop")
_COLUMNS: Final = ("id", "image", "kinds", "decision")


def read_decisions(path: str | Path) -> dict[int, str]:
    """The decision on each picture, by its id.

    Raises:
        UserError: the file cannot be read, or a row is not what it should be.
    """
    path = Path(path)
    try:
        # With or without the mark that spreadsheets put first.
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: expected a CSV file of decisions, received: {error}") from error
    found = {}
    for number, row in enumerate(rows, start=2):
        text = row.get("id") or ""
        if not text.isdecimal() or row.get("decision") not in DECISIONS:
            raise UserError(
                f"{path}, line {number}: expected an id and one of {', '.join(DECISIONS)}, "
                f"received {text!r} and {row.get('decision')!r}"
            )
        found[int(text)] = str(row["decision"])
    return found


def write_decisions(
    path: str | Path,
    record: LandmarkPictures,
    decisions: Mapping[int, str],
    kinds: Mapping[int, str] | None = None,
) -> None:
    """Write the decisions, whole or not at all.

    Args:
        path: of the file.
        record: whose pictures they are about.
        decisions: by id.
        kinds: why each was doubted, by id.

    Raises:
        RunError: the file cannot be written; the old one is whole.
    """
    places = {int(one): row for row, one in enumerate(record.ids)}
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(_COLUMNS)
    for one, decision in sorted(decisions.items()):
        where = record.pictures.where(places[one]) if one in places else ""
        table.writerow([one, where, (kinds or {}).get(one, ""), decision])
    try:
        write_atomically(Path(path), text.getvalue().encode())
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from error


def kept(record: LandmarkPictures, decisions: Mapping[int, str]) -> LandmarkPictures:
    """The record without what is to be dropped or still to be fixed.

    Examples:
        >>> from simlearn.data.rendered import faces
        >>> record = faces.landmarks(3, size=32)
        >>> kept(record, {0: "keep", 1: "drop"}).ids.tolist()
        [0, 2]
    """
    out = [one for one, decision in decisions.items() if decision != "keep"]
    return record.take(~np.isin(record.ids, out), name=record.name)
