"""A folder that appears when all of it is there."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from simlearn.errors import UserError

ABOUT: Final = "RENDERED.txt"


@contextlib.contextmanager
def whole_folder(folder: Path, about: bytes) -> Iterator[Path | None]:
    """Where to write a folder that is put in its place when the block ends without an error.

    Until then it is `.<name>.partial` beside it, which goes when the block fails; what a kill
    leaves behind, the next call takes over. One writer at a time.

    Args:
        folder: Must not exist, or be empty, or hold `about`.
        about: What is in the folder, to the last number: the text of its `RENDERED.txt`.

    Yields:
        The folder to write to, or `None` where `folder` already holds all of it.

    Raises:
        UserError: The folder holds something else, or is a file.
    """
    folder = folder.resolve()
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: expected a folder or nothing there, and found a file")
    if folder.is_dir() and any(folder.iterdir()):
        if _text_of(folder) != about:
            raise UserError(
                f"{folder}: expected an empty folder, or one with just these rendered faces, and "
                f"found {', '.join(sorted(path.name for path in folder.iterdir())[:3])}"
            )
        yield None
        return
    partial = folder.with_name(f".{folder.name}.partial")
    if partial.exists():
        _remove_left_over(partial)
    partial.mkdir(parents=True)
    try:
        (partial / ABOUT).write_bytes(about)
        yield partial
        if folder.exists():
            folder.rmdir()  # Empty; Windows would not replace it.
        os.replace(partial, folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _remove_left_over(partial: Path) -> None:
    ours = partial.is_dir() and (_text_of(partial) is not None or not any(partial.iterdir()))
    if not ours:
        raise UserError(f"{partial}: expected nothing there, and found something else than ours")
    shutil.rmtree(partial)


def _text_of(folder: Path) -> bytes | None:
    try:
        return (folder / ABOUT).read_bytes()
    except OSError:
        return None
