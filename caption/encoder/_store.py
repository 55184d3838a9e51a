"""Entries of one shape in two files that only ever grow.

`features.bin` holds one entry after the other, each of the same size, and `index.bin` a record for
each: its key, which place it has and its checksum. An entry is written before its record, so a kill
leaves at most entries that no record names. Nothing is ever overwritten: whoever reads an entry
goes on reading it, whatever others write; one that turns out damaged gets a new place and a new
record, and of two records the later one counts.
"""

import os
import threading
import weakref
import zlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import filelock
import numpy as np
from numpy.typing import NDArray

_RECORD: Final = np.dtype([("key", "V32"), ("place", "<u8"), ("sum", "<u4")])
_VALUE: Final = np.dtype("<f2")
_PIECE: Final = 64


class Reader:
    """Reads entries, from any number of threads and processes.

    Args:
        path: Of the file with the entries.
        shape: Of an entry.

    Raises:
        OSError: There is no such file.
    """

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        self.path = path
        self.shape = shape
        self._size = int(np.prod(shape)) * _VALUE.itemsize
        self._file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        weakref.finalize(self, os.close, self._file)
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        # An open file and a lock stay in their process.
        return Reader, (self.path, self.shape)

    def read(self, place: int, out: NDArray[np.float16]) -> bool:
        """Read one entry into an array of its shape; whether all of it was there."""
        view = out.data.cast("B")
        offset, done = place * self._size, 0
        while done < self._size:
            count = self._read_some(view[done:], offset + done)
            if not count:
                return False
            done += count
        return True

    def _read_some(self, view: memoryview, offset: int) -> int:
        if hasattr(os, "preadv"):  # Needs no place in the file, which threads would share.
            return os.preadv(self._file, [view], offset)
        with self._lock:
            os.lseek(self._file, offset, os.SEEK_SET)
            content = os.read(self._file, len(view))
        view[: len(content)] = content
        return len(content)


class Store:
    """The entries in one folder.

    Args:
        folder: Of the files; made by the first write.
        shape: Of each entry.
    """

    def __init__(self, folder: Path, shape: tuple[int, ...]) -> None:
        self.folder = folder
        self.shape = shape
        self._values = folder / "features.bin"
        self._index = folder / "index.bin"
        self._size = int(np.prod(shape)) * _VALUE.itemsize

    def lock(self) -> filelock.BaseFileLock:
        """What a writer holds; it ends with its process, however that ends."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return filelock.FileLock(self.folder / ".lock")

    def reader(self) -> Reader:
        """Reads the entries of the places that `find` gives."""
        return Reader(self._values, self.shape)

    def find(self, keys: Iterable[bytes]) -> dict[bytes, int]:
        """The place of each key that has a whole entry.

        Every entry asked for is read and compared with its checksum.
        """
        wanted = set(keys)
        if not wanted or not self._index.exists() or not self._values.exists():
            return {}
        content = self._index.read_bytes()
        # What a kill or a full disk has cut off is no record.
        records = np.frombuffer(content, _RECORD, len(content) // _RECORD.itemsize)
        known = {key: (place, total) for key, place, total in records.tolist() if key in wanted}
        entries = sorted((place, total, key) for key, (place, total) in known.items())
        reader = self.reader()
        pieces = [entries[i : i + _PIECE] for i in range(0, len(entries), _PIECE)]
        with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="sums") as pool:
            whole = pool.map(lambda piece: self._whole(reader, piece), pieces)
            return {key: place for found in whole for key, place in found}

    def _whole(
        self, reader: Reader, entries: list[tuple[int, int, bytes]]
    ) -> list[tuple[bytes, int]]:
        entry = np.empty(self.shape, _VALUE)
        end = self._values.stat().st_size // self._size
        return [
            (key, place)
            for place, total, key in entries
            if place < end and reader.read(place, entry) and zlib.crc32(entry.data) == total
        ]

    def append(self, keys: Sequence[bytes], values: NDArray[np.float16]) -> None:
        """Add entries `(n, *shape)`; the lock must be held.

        Raises:
            OSError: The disk is full or cannot be written to; what was there is unharmed.
        """
        values = np.ascontiguousarray(values, _VALUE)
        records = np.empty(len(values), _RECORD)
        with open(self._values, "ab") as file:
            first = file.tell() // self._size
            file.truncate(first * self._size)  # After what a kill has left behind.
            file.write(values.data)
        for row, key in enumerate(keys):
            records[row] = (key, first + row, zlib.crc32(values[row].data))
        with open(self._index, "ab") as file:
            file.truncate(file.tell() // _RECORD.itemsize * _RECORD.itemsize)
            file.write(records.tobytes())
