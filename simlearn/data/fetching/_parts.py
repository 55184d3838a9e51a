"""A part of a data set: read, counted and compared with the official release."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from simlearn.data.fetching._scripts import say
from simlearn.data.files import Files
from simlearn.data.records import StoredPictures, VideoPairs


class Part(NamedTuple):
    """A part of a data set, such as a split, that is read and counted.

    Attributes:
        name: For `--part`.
        needs: A regular expression that is found in the name of some file if the part is there.
        read: Reads a record, or a list of records, or anything that has a length.
        counts: What the official release has: `pictures`, `classes`, `pairs`, `boxes`, `videos`
            and `captions` of a record, or the length of anything else under any name.
        missing: How many pictures the official release lists and lacks; None where they are not
            looked for.
    """

    name: str
    needs: str
    read: Callable[[Files], Any]
    counts: Mapping[str, int]
    missing: int | None = 0


def check_part(part: Part, files: Files, name: str) -> int:
    """Read one part of a data set and say what it is; returns how many things differ."""
    read = part.read(files)
    problems = 0
    for record in read if isinstance(read, list) else [read]:
        counts = _counts(record, part)
        say(_text(record, f"{name}-{part.name}", counts))
        for what, official in part.counts.items():
            if counts[what] != official:
                say(f"  differs: {counts[what]} {what}, officially {official}")
                problems += 1
        absent = [] if part.missing is None else _missing(record)
        if len(absent) > (part.missing or 0):
            number = number_text(len(absent), "file", "files")
            say(f"  missing or empty: {number}, the first {absent[0]}")
            problems += 1
    return problems


_LENGTHS: Final[Mapping[str, Callable[[Any], int]]] = {
    "pictures": lambda record: len(record.pictures),
    "classes": lambda record: len(np.unique(record.labels)),
    "pairs": lambda record: len(record.same),
    "boxes": lambda record: len(record.boxes),
    "videos": lambda record: len(record.videos),
    "captions": lambda record: sum(map(len, record.captions)),
}


def _counts(record: Any, part: Part) -> dict[str, int]:
    counts = {}
    for what, length in _LENGTHS.items():
        try:
            counts[what] = length(record)
        except AttributeError:  # A record of another kind.
            continue
    return counts or dict.fromkeys(part.counts, len(record))


def _text(record: Any, name: str, counts: Mapping[str, int]) -> str:
    """A record as it prints itself; anything else by its length."""
    if hasattr(record, "name"):
        return str(record)
    return f"{name}: {', '.join(f'{count} {what}' for what, count in counts.items())}"


def _missing(record: Any) -> list[str]:
    """Names of pictures, or videos, that are listed and not there."""
    if isinstance(record, VideoPairs):
        seen = set(record.video.tolist())
        return [video for row, video in enumerate(record.videos) if row not in seen]
    pictures = getattr(record, "pictures", record)
    if isinstance(pictures, StoredPictures):
        gone = set(pictures.missing().tolist())
        return [
            path
            for row, path in enumerate(pictures.paths)
            if row in gone or not pictures.files.size(path)  # One that was cut off may be empty.
        ]
    if isinstance(getattr(record, "files", None), Files):  # Videos, each a file or a folder.
        there = set(record.files.names())
        there |= {folder for name in there for folder in _above(name)}
        return [path for path in record.paths if path not in there]
    return []


def _above(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def number_text(count: int, one: str, many: str) -> str:
    """A number with what it counts."""
    return f"{count} {one if count == 1 else many}"
