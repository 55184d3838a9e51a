"""What every record checks of its columns, and how it takes rows."""

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlearn.data._integers import to_int64
from simlearn.errors import UserError


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """A view that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


def integer_column(column: Any, length: int, name: str) -> NDArray[np.int64]:
    """Integers `(length,)` as read-only int64."""
    column = np.asarray(column)
    if not np.issubdtype(column.dtype, np.integer) or column.shape != (length,):
        raise UserError(
            f"{name} must be integers of shape ({length},), one for each picture, "
            f"and came as {column.dtype} of shape {column.shape}"
        )
    return read_only(to_int64(column, name))


def shaped(array: Any, dtype: type[np.generic], shape: tuple[int, ...], name: str) -> NDArray[Any]:
    """An array of a type and shape, read-only."""
    array = np.asarray(array)
    if array.shape != shape or not np.can_cast(array.dtype, dtype, casting="same_kind"):
        raise UserError(
            f"{name} must be {np.dtype(dtype)} of shape {shape}, "
            f"and came as {array.dtype} of shape {array.shape}"
        )
    return read_only(array.astype(dtype, copy=False))


def require_unique(ids: NDArray[np.int64], name: str) -> None:
    """Refuse an id that occurs twice."""
    values, counts = np.unique(ids, return_counts=True)
    if len(values) < len(ids):
        repeated = values[counts > 1]
        raise UserError(
            f"{name}: each id must occur once, and {len(repeated)} occur more often, "
            f"among them {', '.join(map(str, repeated[:3]))}"
        )


def checked_rows(index: Any, length: int, name: str) -> NDArray[Any] | slice:
    """A slice, a mask `(length,)` or positions within the record, as an index for arrays."""
    if isinstance(index, slice):
        return index
    rows = np.asarray(index)
    if rows.dtype == np.bool_ and rows.shape == (length,):
        return rows
    if rows.size == 0 and rows.ndim == 1:
        return rows.astype(np.int64)
    if not np.issubdtype(rows.dtype, np.integer) or rows.ndim != 1:
        raise UserError(
            f"{name}: an index must be a slice, a mask of {length} booleans or integers of shape "
            f"(m,), and came as {rows.dtype} of shape {rows.shape}"
        )
    if rows.min() < -length or rows.max() >= length:
        raise UserError(
            f"{name}: positions must lie in [{-length}, {length}), "
            f"and came as {rows.min()} to {rows.max()}"
        )
    return rows


def digest(columns: Iterable[tuple[NDArray[Any], str]]) -> str:
    """SHA-256 over the shapes and bytes of columns, each with its type as `<i8`.

    The byte order is spelt out, so that a big-endian machine agrees.
    """
    total = hashlib.sha256()
    for array, dtype in columns:
        total.update(f"{dtype}{array.shape};".encode())
        total.update(np.ascontiguousarray(array, dtype=dtype).reshape(-1).view(np.uint8).data)
    return total.hexdigest()


def text_column(texts: Iterable[str]) -> NDArray[np.uint8]:
    """Texts as one column of bytes that `digest` takes."""
    joined = "\n".join(text.replace("\\", "\\\\").replace("\n", "\\n") for text in texts)
    return np.frombuffer(joined.encode("utf-8", "surrogatepass"), np.uint8)


def classes_text(labels: NDArray[np.int64]) -> str:
    """For example `40 classes with 10 pictures` or `3 classes with 1 to 7 pictures`."""
    counts = np.unique(labels, return_counts=True)[1]
    low, high = int(counts.min()), int(counts.max())
    span = f"{low} picture{'s' * (low != 1)}" if low == high else f"{low} to {high} pictures"
    return f"{len(counts)} class{'es' * (len(counts) != 1)} with {span}"
