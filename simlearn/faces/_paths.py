"""Pictures by their paths, wherever each lies."""

import os
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simlearn.data.decode import Channels, PictureError, Shrink, open_picture, size_of
from simlearn.data.files import LARGEST_PICTURE
from simlearn.errors import DatasetError, UserError

SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".pgm", ".ppm", ".bmp")


class PathPictures:
    """Pictures in files; see `simlearn.data.records.Pictures`.

    Args:
        paths: of each file.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = tuple(paths)

    def __len__(self) -> int:
        return len(self.paths)

    def where(self, row: int) -> str:
        """Path of the file."""
        return str(self.paths[row])

    def content(self, row: int) -> bytes:
        """Bytes of one file.

        Raises:
            DatasetError: it cannot be read, or is too large for a picture.
        """
        path = self.paths[row]
        try:
            with open(path, "rb") as file:
                content = file.read(LARGEST_PICTURE + 1)
        except OSError as error:
            raise DatasetError(f"{path}: cannot be read: {error.strerror}") from error
        if len(content) > LARGEST_PICTURE:
            raise DatasetError(f"{path}: expected a picture of at most {LARGEST_PICTURE} bytes")
        return content

    def open(
        self, row: int, *, channels: Channels | None = None, shrink: int | Shrink = 1
    ) -> Image.Image:
        """Read and decode one file."""
        content = self.content(row)
        try:
            return open_picture(content, channels=channels, shrink=shrink)
        except PictureError as error:
            raise PictureError(f"{self.where(row)}: {error}") from error

    def size(self, row: int) -> tuple[int, int]:
        """Width and height from the header of one file."""
        content = self.content(row)
        try:
            return size_of(content)
        except PictureError as error:
            raise PictureError(f"{self.where(row)}: {error}") from error

    def take(self, rows: NDArray[Any] | slice) -> "PathPictures":
        """Those at some positions."""
        return PathPictures([self.paths[row] for row in np.arange(len(self))[rows]])

    def missing(self) -> NDArray[np.int64]:
        """Positions of those whose file is not there."""
        return np.array([r for r, path in enumerate(self.paths) if not path.is_file()], np.int64)

    def stamp(self, row: int) -> str:
        """Path, size and time of one file."""
        try:
            status = os.stat(self.paths[row])
        except OSError:
            return f"{self.paths[row]}:missing"
        return f"{self.paths[row]}:{status.st_size}-{status.st_mtime_ns}"

    def checksum(self, row: int) -> int:
        """CRC-32 of one file; 0 where it cannot be read."""
        try:
            return zlib.crc32(self.content(row))
        except DatasetError:
            return 0


def picture_paths(given: Iterable[Path]) -> list[Path]:
    """Every picture among paths, those in folders at any depth by their endings, each once.

    Raises:
        UserError: a path is not there, or a folder holds no picture.
    """
    found: dict[Path, None] = {}
    for path in given:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES)
            inside = [p for p in inside if not p.name.startswith(".") and p.is_file()]
            if not inside:
                raise UserError(f"{path}: expected pictures ({', '.join(SUFFIXES)}), found none")
            found.update(dict.fromkeys(inside))
        elif path.exists():
            found[path] = None
        else:
            raise UserError(f"{path}: expected a picture or a folder of pictures, found nothing")
    if not found:
        raise UserError("expected pictures or folders of pictures, got none")
    return list(found)
