"""Where the pixels of a record's pictures are: in files, or in an array."""

import zlib
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simlearn.data.decode import Channels, PictureError, Shrink, open_picture, size_of
from simlearn.data.files import Files
from simlearn.errors import DatasetError, UserError


class Pictures(Protocol):
    """Pictures by position, each opened when it is asked for."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    def where(self, row: int) -> str:
        """How to call the picture in a message."""
        ...

    def open(
        self, row: int, *, channels: Channels | None = None, shrink: int | Shrink = 1
    ) -> Image.Image:
        """The picture, upright, of mode L or RGB; see `simlearn.data.decode.open_picture`.

        Raises:
            DatasetError: it is missing or cannot be decoded.
        """
        ...

    def size(self, row: int) -> tuple[int, int]:
        """Width and height, read without decoding."""
        ...

    def take(self, rows: NDArray[Any] | slice) -> "Pictures":
        """Those at some positions."""
        ...

    def missing(self) -> NDArray[np.int64]:
        """Positions of those that are not there, without looking into any."""
        ...

    def stamp(self, row: int) -> str:
        """Changes when the picture's file does; quick."""
        ...

    def checksum(self, row: int) -> int:
        """CRC-32 of the file's content, or of the pixels of an array."""
        ...


class StoredPictures:
    """Pictures in files.

    Args:
        files: Where they lie.
        paths: The name of each in `files`.
    """

    def __init__(self, files: Files, paths: Sequence[str]) -> None:
        self.files = files
        self.paths = tuple(paths)

    def __len__(self) -> int:
        return len(self.paths)

    def __repr__(self) -> str:
        return f"<StoredPictures {len(self)} in {self.files}>"

    def where(self, row: int) -> str:
        """Path of the file."""
        return self.files.where(self.paths[row])

    def open(
        self, row: int, *, channels: Channels | None = None, shrink: int | Shrink = 1
    ) -> Image.Image:
        """Read and decode one file."""
        content = self.files.read(self.paths[row])
        try:
            return open_picture(content, channels=channels, shrink=shrink)
        except PictureError as error:
            raise PictureError(f"{self.where(row)}: {error}") from error

    def size(self, row: int) -> tuple[int, int]:
        """Width and height from the header of one file."""
        content = self.files.read(self.paths[row])
        try:
            return size_of(content)
        except PictureError as error:
            raise PictureError(f"{self.where(row)}: {error}") from error

    def take(self, rows: NDArray[Any] | slice) -> "StoredPictures":
        """Those at some positions."""
        kept = np.arange(len(self.paths))[rows]
        return StoredPictures(self.files, [self.paths[row] for row in kept])

    def missing(self) -> NDArray[np.int64]:
        """Positions of those whose file is not there."""
        gone = [row for row, path in enumerate(self.paths) if path not in self.files]
        return np.array(gone, np.int64)

    def stamp(self, row: int) -> str:
        """Name, size and time or checksum of one file; `missing` where there is none."""
        try:
            return f"{self.paths[row]}:{self.files.stamp(self.paths[row])}"
        except DatasetError:
            return f"{self.paths[row]}:missing"

    def checksum(self, row: int) -> int:
        """CRC-32 of one file; 0 where it cannot be read."""
        try:
            return self.files.checksum(self.paths[row])
        except DatasetError:
            return 0


class PictureArray:
    """Pictures of one size in an array, which may be memory-mapped.

    Args:
        images: uint8 `(n, height, width, channels)` with 1 or 3 channels.
        names: What to call each in a message; by default its row.
    """

    def __init__(self, images: NDArray[np.uint8], names: Sequence[str] | None = None) -> None:
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
            raise UserError(
                "expected images as uint8 (n, height, width, 1 or 3), "
                f"and received {images.dtype} of shape {images.shape}"
            )
        if names is not None and len(names) != len(images):
            raise UserError(f"expected {len(images)} names of images, and received {len(names)}")
        self.images = images
        self.names = None if names is None else tuple(names)

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return f"<PictureArray {'x'.join(map(str, self.images.shape))}>"

    def where(self, row: int) -> str:
        """Name or number of one picture."""
        return self.names[row] if self.names else f"picture {row}"

    def open(
        self, row: int, *, channels: Channels | None = None, shrink: int | Shrink = 1
    ) -> Image.Image:
        """One picture as a Pillow image."""
        pixels = self.images[row]
        picture = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        mode = {1: "L", 3: "RGB", None: picture.mode}[channels]
        picture = picture if picture.mode == mode else picture.convert(mode)
        shrink = shrink if isinstance(shrink, int) else shrink(*picture.size)
        return picture.reduce(shrink) if shrink > 1 else picture

    def size(self, row: int) -> tuple[int, int]:
        """Width and height."""
        return self.images.shape[2], self.images.shape[1]

    def take(self, rows: NDArray[Any] | slice) -> "PictureArray":
        """Those at some positions."""
        kept = np.arange(len(self.images))[rows]
        names = None if self.names is None else [self.names[row] for row in kept]
        return PictureArray(self.images[rows], names)

    def missing(self) -> NDArray[np.int64]:
        """None: an array is there."""
        return np.empty(0, np.int64)

    def stamp(self, row: int) -> str:
        """Checksum of the pixels."""
        return str(self.checksum(row))

    def checksum(self, row: int) -> int:
        """CRC-32 of the pixels."""
        return zlib.crc32(np.ascontiguousarray(self.images[row]).tobytes())
