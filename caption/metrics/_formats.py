"""Parts of the readers: captions out of lines and out of records of JSON."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from caption.data._json import text
from simlearn.data._annotations import Line, shown
from simlearn.data._annotations import field as json_field
from simlearn.data.files import LARGEST_ANNOTATION
from simlearn.errors import DatasetError

Identity: TypeAlias = int | str
"""What tells an image apart: COCO's number, or the name of its file."""

LONGEST: Final = 65_536
"""Characters of a caption; one of more is a damaged file, not a caption."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029\ufeff]")
NUMBERED: Final = re.compile(r"[^\t]+#[0-9]+\t")


@dataclass(frozen=True)
class CaptionCheck:
    """How captions are read: whether one may be blank."""

    blank: bool

    def check(self, caption: str, place: str) -> str:
        """The caption as it is."""
        if not self.blank and not caption.strip():
            raise DatasetError(f"{place}: expected a caption, and received {caption!r}")
        if len(caption) > LONGEST:
            raise DatasetError(
                f"{place}: expected a caption of at most {LONGEST} characters, "
                f"and received {len(caption)}: {shown(caption)}"
            )
        return caption


def content_of(path: str | Path) -> bytes:
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST_ANNOTATION + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DatasetError(f"{path}: expected a file to read: {reason}") from error
    if len(content) > LARGEST_ANNOTATION:
        raise DatasetError(f"{path}: expected at most {LARGEST_ANNOTATION} bytes, found more")
    if not content:
        raise DatasetError(f"{path}: expected captions, and found an empty file")
    return content


def is_json(content: bytes, where: str) -> bool:
    return where.lower().endswith(".json") or re.match(rb'\s*(\{\s*"|\[\s*\{)', content) is not None


def lines_in(content: bytes, where: str) -> list[Line]:
    """All lines, blank ones too: to drop one would shift those after it."""
    lines = []
    parts = content.removesuffix(b"\n").split(b"\n")
    for number, raw in enumerate(parts, start=1):
        line = Line("", f"{where}:{number}")
        try:
            line.text = raw.removesuffix(b"\r").decode()
        except UnicodeDecodeError:
            raise line.error("text in UTF-8", raw[:40]) from None
        if damage := _CONTROL.search(line.text):
            kind = "a byte order mark" if damage.group() == "\ufeff" else "control characters"
            raise line.error(f"text without {kind}", damage.group())
        lines.append(line)
    return lines


def plain_captions(
    lines: list[Line], captions: CaptionCheck
) -> Iterator[tuple[Identity, tuple[str, ...]]]:
    """One image a line, its captions between tabs."""
    for number, line in enumerate(lines, start=1):
        yield number, tuple(captions.check(t, line.where) for t in line.text.split("\t"))


def single_caption(texts: tuple[str, ...], line: Line) -> str:
    if len(texts) != 1:
        raise line.error("one caption", f"{len(texts)} between tabs")
    return texts[0]


def flickr_captions(
    lines: list[Line], captions: CaptionCheck
) -> Iterator[tuple[str, Identity, str]]:
    """Place, name and caption of rows `name.jpg#0<TAB>caption`."""
    for line in lines:
        head, tab, caption = line.text.partition("\t")
        name, mark, number = head.rpartition("#")
        if not tab or not mark or not name:
            raise line.error("a row like 'name.jpg#0<TAB>caption'", line.text)
        line.integer(number, "the number of the caption", 0, 10**6)
        place = f"{line.where}: image {shown(name)}"
        yield place, name, captions.check(caption, place)


def result_captions(
    document: list[Any], where: str, captions: CaptionCheck
) -> Iterator[tuple[str, Identity, str]]:
    """Place, id and caption of each record."""
    for number, record in enumerate(document):
        place = f"{where}: [{number}]"
        key: Identity = json_field(record, "image_id", (int, str), place)
        place = f"{place}: image {shown(key)}"
        yield place, key, captions.check(text(record, "caption", place), place)


def grouped_results(
    document: list[Any], where: str, captions: CaptionCheck
) -> dict[Identity, tuple[str, ...]]:
    found: dict[Identity, list[str]] = {}
    for _, key, caption in result_captions(document, where, captions):
        found.setdefault(key, []).append(caption)
    return {key: tuple(texts) for key, texts in found.items()}
