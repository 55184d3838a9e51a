"""What an index holds: vectors and their ids, in the order they were added."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn._typing import IntArray
from simlearn.errors import UserError
from simlearn.search._arguments import as_vectors
from simlearn.search._ids import Id, Ids, as_array, as_ids, refuse_repeated, storage
from simlearn.search._rows import Rows

# Squares of differences of such numbers, summed over a million dimensions, are float32 still.
_LARGEST_ENTRY = 1e15


def as_float32(values: ArrayLike, dim: int, name: str) -> NDArray[np.float32]:
    """Return `values` as ``(items, dim)`` float32; `name` is for the error."""
    vectors = as_vectors(values, name)
    if vectors.shape[1] != dim:
        raise UserError(f"{name}: expected {dim} dimensions, got shape {vectors.shape}")
    # Two passes that make no copy, where abs() would make one.
    largest = max(float(vectors.max()), -float(vectors.min())) if vectors.size else 0.0
    if largest > _LARGEST_ENTRY:
        raise UserError(
            f"{name}: expected numbers from -{_LARGEST_ENTRY:g} to {_LARGEST_ENTRY:g}, "
            f"got {largest:g} in size"
        )
    return np.ascontiguousarray(vectors, dtype=np.float32)


class Gallery:
    """Vectors and unique ids; every item has a serial number, which grows and is never reused.

    Rows move up when others are removed, serials stay, and both are in order of addition.

    Args:
        vectors: ``(items, dim)`` float32, taken over and not copied.
        ids: as many, checked with `as_ids`.
    """

    def __init__(self, vectors: NDArray[np.float32], ids: list[Id]) -> None:
        refuse_repeated(ids, "ids")
        self._vectors = Rows(vectors)
        self._ids = Rows(storage(ids))
        self._serials = Rows(np.arange(len(ids), dtype=np.int64))
        self._serial_of = dict(zip(ids, range(len(ids)), strict=True))
        self.next_serial = len(ids)

    def __len__(self) -> int:
        return len(self._vectors)

    def __contains__(self, one: object) -> bool:
        return isinstance(one, int | str | np.integer) and one in self._serial_of

    @property
    def vectors(self) -> NDArray[np.float32]:
        """``(items, dim)``: a view, good until the next change."""
        return self._vectors.array

    @property
    def serials(self) -> NDArray[np.int64]:
        """``(items,)``, ascending: a view, good until the next change."""
        return self._serials.array

    def ids_at(self, rows: IntArray | slice) -> NDArray[Any]:
        """The ids of rows; -1, or the empty string, where a row is -1."""
        if isinstance(rows, slice) or not len(self):
            ids = self._ids.array[rows] if isinstance(rows, slice) else np.full(rows.shape, -1)
            return as_array(ids.ravel().tolist()).reshape(ids.shape)
        stored = self._ids.array
        empty = "" if stored.dtype == object else -1
        ids = np.where(rows < 0, empty, stored[rows])
        return ids.astype(np.str_ if stored.dtype == object else np.int64)

    def add(self, vectors: NDArray[np.float32], ids: Ids) -> None:
        """Add items, all of them or, with an error, none."""
        new = as_ids(ids, "ids")
        if len(new) != len(vectors):
            raise UserError(f"ids: expected one for each vector, got {len(new)} for {len(vectors)}")
        self._refuse_other_kind(new)
        refuse_repeated(new, "ids")
        for one in new:
            if one in self._serial_of:
                raise UserError(f"ids: expected ids that are not in the index yet, got {one!r}")
        if not new:
            return
        if not len(self):
            self._ids = Rows.empty((), storage(new[:1]).dtype)
        serials = np.arange(self.next_serial, self.next_serial + len(new), dtype=np.int64)
        # All the memory first: where it runs out, nothing has changed.
        for rows in (self._vectors, self._ids, self._serials):
            rows.reserve(len(new))
        self._vectors.append(vectors)
        self._ids.append(storage(new))
        self._serials.append(serials)
        self._serial_of.update(zip(new, serials.tolist(), strict=True))
        self.next_serial += len(new)

    def remove(self, ids: Ids) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Remove items, all or none; returns which rows were kept, and the serials that went."""
        gone = as_ids(ids, "ids")
        refuse_repeated(gone, "ids")
        serials = np.sort(self._known(gone))
        kept = np.ones(len(self), dtype=bool)
        kept[np.searchsorted(self.serials, serials)] = False
        for one in gone:
            del self._serial_of[one]
        for rows in (self._vectors, self._ids, self._serials):
            rows.keep(kept)
        return kept, serials

    def rows_of(self, ids: Ids) -> NDArray[np.int64]:
        """The rows of ids, all of which must be there."""
        return np.searchsorted(self.serials, self._known(as_ids(ids, "ids")))

    def rows_where_known(self, ids: Ids, name: str) -> NDArray[np.int64]:
        """The rows of ids; -2, which is no row and no empty place, where an id is not there."""
        wanted = as_ids(ids, name)
        self._refuse_other_kind(wanted, name)
        serials = np.array([self._serial_of.get(one, -1) for one in wanted], dtype=np.int64)
        return np.where(serials < 0, -2, np.searchsorted(self.serials, serials))

    def _known(self, ids: list[Id]) -> NDArray[np.int64]:
        for one in ids:
            if one not in self._serial_of:
                raise UserError(f"ids: expected ids that are in the index, got {one!r}")
        return np.array([self._serial_of[one] for one in ids], dtype=np.int64)

    def _refuse_other_kind(self, ids: list[Id], name: str = "ids") -> None:
        if ids and len(self) and isinstance(ids[0], str) != (self._ids.array.dtype == object):
            held, came = (
                ("integers", "strings") if isinstance(ids[0], str) else ("strings", "integers")
            )
            raise UserError(f"{name}: expected {held}, as the ids in the index are, got {came}")
