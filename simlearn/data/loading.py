"""Pictures into arrays, in threads: decoded, framed, changed; what cannot be read is skipped."""

import collections
import math
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simlearn.data._skipped import Skipped
from simlearn.data.augment import Change
from simlearn.data.decode import Channels
from simlearn.data.frames import Crop, Frame, Matrix, bend, shrink_for, warp
from simlearn.data.records import PictureArray, Pictures
from simlearn.errors import DatasetError, UserError

__all__ = ["Loaded", "Loader", "Skipped"]

# Pictures that one thread takes at a time: enough to hide the cost of handing them over.
_PIECE: Final = 8
# Batches being made beside the one that is waited for.
_AHEAD: Final = 2
_ALIGNMENT: Final = 64


class Loaded(NamedTuple):
    """A batch of pictures.

    Attributes:
        images: uint8 `(b, height, width, channels)`; blank where not `good`.
        good: booleans `(b,)`, whether the picture could be read.
        matrices: `(b, 3, 3)`, from places in each picture to places in its image.
        mirrored: booleans `(b,)`.
    """

    images: NDArray[np.uint8]
    good: NDArray[np.bool_]
    matrices: NDArray[np.float64]
    mirrored: NDArray[np.bool_]


class Loader:
    """Reads pictures of any size into arrays of one size.

    Args:
        pictures: Where they are, as a record's `pictures`.
        frame: How each is laid into the array; by default pictures in an array stay as they are.
        channels: 1 for grey, 3 for RGB; by default as in an array, and 3 for files.
        fill: Value where there is no picture, and of holes, 0 to 255.
        skipped: Where bad pictures are listed; by default a list of its own with a limit of 1 %.
        workers: Threads; by default one for each core.

    Raises:
        UserError: Pictures in files without a frame, or `fill` or `workers` is out of range.

    Examples:
        >>> loader = Loader(PictureArray(np.full((3, 4, 6, 1), 7, np.uint8)))
        >>> loader.load(np.array([2, 0])).images.shape
        (2, 4, 6, 1)
    """

    def __init__(
        self,
        pictures: Pictures,
        *,
        frame: Frame | None = None,
        channels: Channels | None = None,
        fill: int = 0,
        skipped: Skipped | None = None,
        workers: int | None = None,
    ) -> None:
        if not hasattr(pictures, "open"):
            raise UserError(
                "expected pictures, as the `pictures` of a record, "
                f"and received a {type(pictures).__name__}"
            )
        _check_frame(frame, len(pictures))
        self.pictures = pictures
        self.frame = frame
        if isinstance(pictures, PictureArray):
            size, own = pictures.images.shape[1:3], pictures.images.shape[3]
        elif frame is None:
            raise UserError("expected a frame, as Stretch((160, 160)), for pictures in files")
        height, width = frame.size if frame is not None else size
        self.size = (int(height), int(width))
        self.channels = int(channels or (own if isinstance(pictures, PictureArray) else 3))
        if not isinstance(fill, (int, np.integer)) or not 0 <= fill <= 255:
            raise UserError(f"fill must be an integer in [0, 255], and came as {fill!r}")
        if channels not in (None, 1, 3) or isinstance(channels, bool):
            raise UserError(f"channels must be 1, 3 or None, and came as {channels!r}")
        if workers is not None and workers < 1:
            raise UserError(f"workers must be at least 1, and came as {workers}")
        self.fill = int(fill)
        self.skipped = Skipped() if skipped is None else skipped
        self.workers = workers or os.cpu_count() or 1

    def load(self, rows: NDArray[np.int64], change: Change | None = None) -> Loaded:
        """One batch; see `stream`.

        Raises:
            UserError: A position lies outside the pictures.
        """
        rows = np.asarray(rows)
        if rows.size and not 0 <= rows.min() <= rows.max() < len(self.pictures):
            raise UserError(
                f"rows must lie in [0, {len(self.pictures)}), "
                f"and came as {rows.min()} to {rows.max()}"
            )
        return next(self.stream([(rows, change)]))

    def stream(
        self, batches: Iterable[tuple[NDArray[np.int64], Change | None]]
    ) -> Iterator[Loaded]:
        """Batch after batch, in order, the next ones being made while one is used.

        Args:
            batches: For each batch the positions of its pictures `(b,)`, and what happens to them.

        Raises:
            DatasetError: More pictures than the limit cannot be read.
        """
        waiting: collections.deque[tuple[Loaded, list[Future[None]]]] = collections.deque()
        with ThreadPoolExecutor(self.workers, thread_name_prefix="pictures") as pool:
            try:
                for rows, change in batches:
                    waiting.append(self._begin(pool, rows, change))
                    if len(waiting) > _AHEAD:
                        yield _finished(*waiting.popleft())
                while waiting:
                    yield _finished(*waiting.popleft())
            finally:
                pool.shutdown(cancel_futures=True)

    def _begin(
        self, pool: ThreadPoolExecutor, rows: NDArray[np.int64], change: Change | None
    ) -> tuple[Loaded, list[Future[None]]]:
        """A batch, and the work that fills it."""
        count = len(rows)
        if self.frame is None and change is None and self._as_stored():
            stored = self.pictures.images[rows]  # type: ignore[attr-defined]
            return _batch(stored, count, good=True), []
        loaded = _batch(_aligned((count, *self.size, self.channels)), count, good=False)
        pieces = [range(i, min(i + _PIECE, count)) for i in range(0, count, _PIECE)]
        return loaded, [pool.submit(self._fill, loaded, piece, rows, change) for piece in pieces]

    def _as_stored(self) -> bool:
        pictures = self.pictures
        return isinstance(pictures, PictureArray) and pictures.images.shape[3] == self.channels

    def _fill(
        self, loaded: Loaded, piece: range, rows: NDArray[np.int64], change: Change | None
    ) -> None:
        for i in piece:
            row = int(rows[i])
            try:
                self._fill_one(loaded, i, row, change)
            except DatasetError as error:
                loaded.images[i] = self.fill
                where = self.pictures.where(row)
                reason = str(error).removeprefix(f"{where}: ")
                self.skipped.add(where, reason, total=len(self.pictures))

    def _fill_one(self, loaded: Loaded, i: int, row: int, change: Change | None) -> None:
        full, times = (0, 0), 1

        def place(width: int, height: int) -> int:
            nonlocal full, times
            full = (width, height)
            framed = np.eye(3) if self.frame is None else self.frame.matrix(width, height, row)
            loaded.matrices[i] = framed if change is None else change.matrices[i] @ framed
            times = shrink_for(loaded.matrices[i])
            return times

        picture = self.pictures.open(row, channels=self.channels, shrink=place)  # type: ignore[arg-type]
        matrix = loaded.matrices[i]
        if picture.size != full:
            matrix = matrix @ _enlarged(times)
        if change is not None and change.offsets is not None:
            picture = bend(picture, matrix, change.offsets[i], self.size, fill=self.fill)
        elif picture.size != self.size[::-1] or not np.array_equal(matrix, np.eye(3)):
            picture = warp(picture, matrix, self.size, fill=self.fill)
        if change is not None:
            loaded.mirrored[i] = change.mirrored[i]
            if change.colours is not None:
                picture = _coloured(picture, change.colours[i])
        loaded.images[i] = np.asarray(picture).reshape(loaded.images.shape[1:])
        for left, top, right, bottom in () if change is None else change.holes[i]:
            loaded.images[i, top:bottom, left:right] = self.fill
        loaded.good[i] = True


def _check_frame(frame: Frame | None, pictures: int) -> None:
    if frame is not None and not hasattr(frame, "matrix"):
        raise UserError(f"expected a frame, as Stretch((160, 160)), and received {frame!r}")
    if isinstance(frame, Crop) and len(frame.boxes) != pictures:
        raise UserError(
            f"expected a frame with a box for each of {pictures} pictures, "
            f"and received {len(frame.boxes)} boxes"
        )


def _aligned(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """An uninitialised array at an address that TensorFlow takes over without a copy."""
    count = math.prod(shape)
    room = np.empty(count + _ALIGNMENT, np.uint8)
    begin = -room.ctypes.data % _ALIGNMENT
    return room[begin : begin + count].reshape(shape)


def _batch(images: NDArray[np.uint8], count: int, *, good: bool) -> Loaded:
    return Loaded(
        images=images,
        good=np.full(count, good),
        matrices=np.tile(np.eye(3), (count, 1, 1)),
        mirrored=np.zeros(count, np.bool_),
    )


def _finished(loaded: Loaded, work: list[Future[None]]) -> Loaded:
    for piece in work:
        piece.result()
    return loaded


def _enlarged(times: int) -> Matrix:
    """From places in a picture that came so many times smaller to places in the whole one.

    Each pixel covers a square of the whole, the last ones perhaps only in part.
    """
    middle = (times - 1) / 2
    return np.array([[times, 0, middle], [0, times, middle], [0, 0, 1.0]])


def _coloured(picture: Image.Image, colours: NDArray[np.float64]) -> Image.Image:
    if picture.mode == "L":
        values = np.rint(np.arange(256.0) * colours[0, :3].sum() + colours[0, 3])
        return picture.point(np.clip(values, 0, 255).astype(np.uint8).tolist())
    return picture.convert("RGB", tuple(colours.ravel().tolist()))
