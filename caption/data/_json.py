"""Fields of JSON records of captioned data sets, read strictly."""

import re
from pathlib import Path
from typing import Any, Final

from simlearn.data._annotations import field, json_of, shown
from simlearn.data.files import LARGEST_ANNOTATION, inside
from simlearn.errors import DatasetError

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def read_json_file(path: str | Path) -> Any:
    """A whole JSON file on disk.

    Raises:
        DatasetError: It cannot be read, is larger than 1 GiB or is not JSON, or JSON that can be
            read in more than one way.
    """
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST_ANNOTATION + 1)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: expected a JSON file to read: {error}") from error
    if len(content) > LARGEST_ANNOTATION:
        raise DatasetError(f"{path}: expected at most {LARGEST_ANNOTATION} bytes, found more")
    return json_of(content, str(path))


def objects(document: Any, key: str, where: str) -> list[Any]:
    """The list `document[key]`."""
    found: list[Any] = field(document, key, list, where)
    return found


def identity(record: Any, key: str, where: str) -> int:
    """The whole number `record[key]`, from 0."""
    value: int = field(record, key, int, where)
    if value < 0:
        raise DatasetError(f"{where}: expected {key!r} from 0, and received {value}")
    return value


def text(record: Any, key: str, where: str) -> str:
    """The text `record[key]`."""
    value: str = field(record, key, str, where)
    return value


def texts(record: Any, key: str, where: str) -> tuple[str, ...]:
    """The list of texts `record[key]`."""
    found = objects(record, key, where)
    for value in found:
        if not isinstance(value, str) or _SURROGATE.search(value):
            raise DatasetError(f"{where}: expected {key!r} as texts, and received {shown(value)}")
    return tuple(found)


def caption_text(record: Any, key: str, where: str) -> str:
    """The caption `record[key]`: text that is not blank, kept as it is."""
    value = text(record, key, where)
    if not value.strip():
        raise DatasetError(f"{where}: expected a caption as {key!r}, and received {value!r}")
    return value


def file_name(record: Any, key: str, where: str) -> str:
    """The relative name `record[key]`, which does not leave the data set."""
    return inside(text(record, key, where), where=where)


def require_new(seen: dict[Any, str], value: Any, what: str, where: str) -> None:
    """Refuse a value that came before, and note where this one came.

    Args:
        seen: Where each value came first; grows.
        value: This one.
        what: What kind of value it is, for the message.
        where: Where it came.
    """
    if value in seen:
        raise DatasetError(
            f"{where}: expected each {what} once, and received {shown(value)} again "
            f"after {seen[value]}"
        )
    seen[value] = where
