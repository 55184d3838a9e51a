"""Annotation files, read strictly: each line is what its format says, or an error that names it.

Numbers are plain ASCII decimals; what Python would also take (`1_000`, `nan`, other scripts'
digits) is refused, as is a control character, because it means that the file is damaged. In JSON,
so are a key that occurs twice in an object, and a number that fits neither int64 nor float64.
"""

import codecs
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from simlearn.data.files import LARGEST_ANNOTATION, Files
from simlearn.errors import DatasetError

MOST_LINES: Final = 5_000_000
"""In a list: an object of Python for each of many more would fill the memory."""

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_DECIMAL: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", re.ASCII)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029\ufeff]")


class Line:
    """One line of a file, which knows where it stands.

    Args:
        text: Without its end.
        where: The file and the number of the line, from 1, as `training.txt:17`.
    """

    __slots__ = ("text", "where")

    def __init__(self, text: str, where: str) -> None:
        self.text = text
        self.where = where

    def error(self, expected: str, received: object) -> DatasetError:
        """What was expected here and what came, as an error to raise."""
        return DatasetError(f"{self.where}: expected {expected}, and received {shown(received)}")

    def tokens(self, count: int | None = None, *, separator: str | None = None) -> list[str]:
        """The parts between spaces and tabs, or between separators.

        Args:
            count: How many there must be; by default any number.
            separator: One character; by default runs of spaces and tabs, those at the ends
                dropped.
        """
        if separator is None:
            parts = [part for part in re.split(r"[ \t]+", self.text) if part]
            if parts != self.text.split():
                raise self.error("only spaces and tabs between tokens", self.text)
        else:
            parts = self.text.split(separator)
        if count is not None and len(parts) != count:
            kind = "tokens" if separator is None else f"parts between {separator!r}"
            raise self.error(f"{count} {kind}", f"{len(parts)}: {self.text.strip()}")
        return parts

    def integer(self, token: str, name: str, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        number = int(token) if _INTEGER.fullmatch(token) else None
        if number is None or not low <= number <= high:
            raise self.error(f"{name} as an integer from {low} to {high}", token)
        return number

    def decimal(self, token: str, name: str) -> float:
        """A finite decimal number."""
        number = float(token) if _DECIMAL.fullmatch(token) else math.nan
        if not math.isfinite(number):
            raise self.error(f"{name} as a decimal number", token)
        return number

    def choice(self, token: str, name: str, choices: Sequence[str]) -> int:
        """The position of the token in `choices`."""
        if token not in choices:
            raise self.error(f"{name} as one of {', '.join(choices)}", token)
        return choices.index(token)


def read_lines(files: Files, name: str) -> list[Line]:
    """The lines of an annotation file that are not blank.

    Raises:
        DatasetError: The file is missing, larger than 256 MiB, of more than 5 million lines or not
            UTF-8, or holds a control character or a byte order mark.
    """
    content, where = files.read(name, limit=LARGEST_ANNOTATION), files.where(name)
    if (count := content.count(b"\n")) > MOST_LINES:
        raise DatasetError(f"{where}: expected at most {MOST_LINES} lines, and found {count}")
    return list(lines_of(content, where))


def lines_of(content: bytes, where: str) -> Iterator[Line]:
    """The lines of some bytes of text that are not blank; see `read_lines`.

    Args:
        content: UTF-8; lines end LF or CRLF.
        where: The name of the file, for messages.

    Raises:
        DatasetError: A line is not UTF-8, or holds a control character or a byte order mark, which
            is none of the text and would become a part of the first word.
    """
    for number, raw in enumerate(content.split(b"\n"), start=1):
        line = Line("", f"{where}:{number}")
        try:
            line.text = raw.removesuffix(b"\r").decode()
        except UnicodeDecodeError:
            raise line.error("text in UTF-8", raw[:40]) from None
        if damage := _CONTROL.search(line.text):
            raise line.error("text without control characters", damage.group())
        if line.text.strip(" \t"):
            yield line


def read_json(files: Files, name: str) -> Any:
    """A whole JSON file.

    Raises:
        DatasetError: The file is missing, larger than 256 MiB, not UTF-8 or not JSON, or nested too
            deeply; or it has a key twice in an object, or a number out of range.
    """
    where = files.where(name)
    return json_of(files.read(name, limit=LARGEST_ANNOTATION), where)


def json_of(content: bytes, where: str) -> Any:
    """Some bytes of JSON; see `read_json`."""
    if content.startswith(codecs.BOM_UTF8):
        raise DatasetError(f"{where}: expected JSON without a byte order mark, and found one")
    try:
        return json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_object,
            parse_float=_finite,
            parse_int=_int64,
            parse_constant=_refused,
        )
    except json.JSONDecodeError as error:
        raise DatasetError(f"{where}:{error.lineno}: expected JSON: {error.msg}") from None
    except RecursionError:
        raise DatasetError(
            f"{where}: expected JSON of a few levels, and found lists or objects nested too deeply"
        ) from None
    except ValueError as error:
        raise DatasetError(f"{where}: expected JSON in UTF-8: {error}") from None


def field(record: Any, key: str, kind: type | tuple[type, ...], where: str) -> Any:
    """`record[key]`, where `record` must be an object of JSON and the value of a kind.

    Args:
        record: What JSON held.
        key: Name of the field.
        kind: `str`, `int`, `float`, `list`, `dict` or several. `bool` never counts as `int`.
        where: Names the file and the record, for the message.
    """
    if not isinstance(record, dict):
        raise DatasetError(f"{where}: expected an object, and received {shown(record)}")
    if key not in record:
        raise DatasetError(
            f"{where}: expected the field {key!r}, and received {shown(', '.join(record))}"
        )
    value = record[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        names = " or ".join(k.__name__ for k in kinds)
        raise DatasetError(f"{where}: expected {key!r} as {names}, and received {shown(value)}")
    if isinstance(value, str) and _SURROGATE.search(value):  # JSON can hold half a character.
        raise DatasetError(f"{where}: expected {key!r} as text, and received {shown(value)}")
    return value


def shown(value: object) -> str:
    """A value for a message, cut to 80 characters."""
    text = value if isinstance(value, str) else repr(value)
    text = text if text.isprintable() and text else repr(text)
    return text if len(text) <= 80 else text[:77] + "..."


def check_split(split: str, splits: Sequence[str], name: str) -> None:
    """Refuse a split that the data set does not have."""
    if split not in splits:
        raise DatasetError(
            f"{name} has the splits {', '.join(map(repr, splits))}, and not {split!r}"
        )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"the key {shown(twice)} occurs twice in an object")
    return record


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{shown(text)} is too large a number")
    return number


def _int64(text: str) -> int:
    # Python converts no number of thousands of digits, and says so in words of its own.
    number = int(text) if len(text) < 21 else 2**63
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"{shown(text)} is too large an integer")
    return number


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
