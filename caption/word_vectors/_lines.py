"""Lists of words to score vectors on, line by line."""

from collections.abc import Iterator
from pathlib import Path

from simlearn.data._annotations import Line, lines_of
from simlearn.errors import DatasetError


def lines_in(path: str | Path) -> Iterator[Line]:
    """The lines of a file that are not blank, each of which knows where it stands.

    Raises:
        DatasetError: The file cannot be read or is not text in UTF-8.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: expected a file to read: {error.strerror}") from error
    return lines_of(content, str(path))
