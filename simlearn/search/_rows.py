"""An array that grows at its end and closes up where rows are removed."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from simlearn._typing import BoolArray

# Rows copied at a time when closing up: what is held twice at that moment.
_BLOCK = 65_536


class Rows:
    """Rows of one shape and type in one block of memory, in the order they came.

    Growing copies into half as much room again; room that was never written to takes no memory.

    Args:
        initial: the first rows, taken over and not copied.
    """

    def __init__(self, initial: NDArray[Any]) -> None:
        self._buffer = initial
        self._length = len(initial)

    @classmethod
    def empty(cls, width: tuple[int, ...], dtype: DTypeLike) -> "Rows":
        """No rows yet."""
        return cls(np.empty((0, *width), dtype))

    def __len__(self) -> int:
        return self._length

    @property
    def array(self) -> NDArray[Any]:
        """All rows: a view, good until the next change."""
        return self._buffer[: self._length]

    def reserve(self, extra: int) -> None:
        """Make room for `extra` more rows, so that appending them cannot fail."""
        needed = self._length + extra
        if needed > len(self._buffer):
            self._resize(max(needed, len(self._buffer) * 3 // 2))

    def append(self, values: NDArray[Any]) -> None:
        """Add rows at the end."""
        self.reserve(len(values))
        self._buffer[self._length : self._length + len(values)] = values
        self._length += len(values)

    def keep(self, kept: BoolArray) -> None:
        """Remove the rows where `kept` ``(rows,)`` is false; the others keep their order."""
        rows = np.flatnonzero(kept)
        first = int(np.argmin(kept)) if len(rows) < len(kept) else len(kept)
        # Every row moves towards the front, so a block never lands on rows still to be moved.
        for start in range(first, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            self._buffer[start : start + len(block)] = self._buffer[block]
        self._length = len(rows)
        if self._length < len(self._buffer) // 4:
            self._resize(self._length)
        elif self._buffer.dtype == object:
            self._buffer[self._length :] = None

    def _resize(self, capacity: int) -> None:
        larger = np.empty((capacity, *self._buffer.shape[1:]), self._buffer.dtype)
        larger[: self._length] = self.array
        self._buffer = larger
