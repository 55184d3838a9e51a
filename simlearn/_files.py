"""Files that are whole or not there."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def open_atomically(path: Path) -> Iterator[IO[bytes]]:
    """Open `path` for writing so that a reader, or a crash, sees the old file or the new one.

    One writer at a time: the bytes collect in `.<name>.partial` beside the file.

    Raises:
        OSError: the folder cannot be written or the disk is full; the old file is untouched and
            nothing is left beside it.
    """
    # One name, not a random one: what a kill leaves behind, the next write takes over.
    temporary = path.with_name(f".{path.name}.partial")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def write_atomically(path: Path, data: bytes) -> None:
    """Write all of `data` to `path` as `open_atomically` does."""
    with open_atomically(path) as file:
        file.write(data)
