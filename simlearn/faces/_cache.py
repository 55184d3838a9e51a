"""What was found out about a picture, kept on disk under what the picture holds."""

import hashlib
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import filelock
import numpy as np
from numpy.typing import NDArray

from simlearn.errors import UserError

_HEAD: Final = np.dtype([("key", "V32"), ("rows", "<u4"), ("sum", "<u4")])
_MOST_ROWS: Final = 2**16


class VectorCache:
    """Rows of numbers by 32-byte keys, in one file that only ever grows.

    A key is a digest of everything that the numbers depend on, the picture's bytes and the model's
    fingerprint among it, never a name or a time: an entry cannot be stale. A kill leaves at most an
    entry that is not whole, which is passed over; so is one that is damaged.

    Args:
        path: of the file; made, with its folder, when something is first kept.
        width: numbers in a row, at least 1.

    Raises:
        UserError: the file cannot be read.

    Examples:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "faces.bin"
        >>> VectorCache(path, 3).put({digest_of(b"a"): np.ones((2, 3), np.float32)})
        >>> VectorCache(path, 3).get(digest_of(b"a")).shape
        (2, 3)
        >>> VectorCache(path, 3).get(digest_of(b"b")) is None
        True
    """

    def __init__(self, path: str | os.PathLike[str], width: int) -> None:
        self.path = Path(path)
        self.width = width
        self._known: dict[bytes, NDArray[np.float32]] = {}
        self._read = 0
        try:
            self._refresh()
        except OSError as error:
            raise UserError(f"{self.path}: the cache cannot be read: {error.strerror}") from error

    def __len__(self) -> int:
        return len(self._known)

    def get(self, key: bytes) -> NDArray[np.float32] | None:
        """Rows `(n, width)`; None where there are none."""
        return self._known.get(key)

    def put(self, entries: Mapping[bytes, NDArray[np.float32]]) -> None:
        """Keep entries, each `(n, width)`, with any others that other processes have kept.

        Raises:
            UserError: the file cannot be written.
        """
        if not entries:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(self.path.with_name(f".{self.path.name}.lock")):
                self._refresh()
                with open(self.path, "ab") as file:
                    file.truncate(self._read)  # After what a kill has left behind.
                    for key, rows in entries.items():
                        file.write(_packed(key, rows))
                self._refresh()
        except OSError as error:
            raise UserError(f"{self.path}: the cache cannot be written: {error}") from error

    def _refresh(self) -> None:
        """Read what was added since, up to the first entry that is not whole."""
        if not self.path.exists():
            return
        with open(self.path, "rb") as file:
            file.seek(self._read)
            content = memoryview(file.read())
        place = 0
        while len(content) - place >= _HEAD.itemsize:
            key, rows, total = np.frombuffer(content, _HEAD, 1, place)[0].tolist()
            size = rows * self.width * 4
            begin = place + _HEAD.itemsize
            if rows > _MOST_ROWS or len(content) - begin < size:
                break
            values = content[begin : begin + size]
            if zlib.crc32(values, zlib.crc32(key)) == total:
                shaped = np.frombuffer(values, "<f4").reshape(rows, self.width)
                self._known[key] = shaped.astype(np.float32)
            place = begin + size
        self._read += place


def digest_of(*parts: bytes) -> bytes:
    """SHA-256 of parts, each with its length, so that no two lists of parts agree."""
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "little"))
        total.update(part)
    return total.digest()


def _packed(key: bytes, rows: NDArray[np.float32]) -> bytes:
    values = np.ascontiguousarray(rows, "<f4").tobytes()
    head = np.array([(key, len(rows), zlib.crc32(values, zlib.crc32(key)))], _HEAD)
    return head.tobytes() + values
