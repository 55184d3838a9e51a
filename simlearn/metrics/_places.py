"""From candidates and relevant items to places: the counting part of `_ranks`."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np

from simlearn._typing import BoolArray, FloatArray, IntArray

# Keys lie within -4..4: a row number times this, plus a key, sorts by row and then by key.
_ROW = 16.0
# Pairs too close to call that are measured for one strip of queries.
_CLOSE = 2**20

Measure: TypeAlias = Callable[[IntArray, IntArray], FloatArray]


class TooManyError(Exception):
    """More pairs are too close to call than are worth measuring one by one."""


class Ranked(NamedTuple):
    """Where some queries find their relevant items.

    Attributes:
        rows: which queries, ``(found,)``.
        relevance: ``(found, depth)``, nearest item first.
        first: ``(found,)`` place of the first relevant item, from 1, also beyond the depth.
    """

    rows: IntArray
    relevance: BoolArray
    first: IntArray


class Relevant(NamedTuple):
    """Relevant items of some queries, flat: by query, then by key.

    Attributes:
        row: the query, ``(relevant,)``.
        key: of the distance, ``(relevant,)``.
        column: the item, ``(relevant,)``.
        starts: ``(queries + 1,)`` where each query's items begin.
    """

    row: IntArray
    key: FloatArray
    column: IntArray
    starts: IntArray


class Candidates(NamedTuple):
    """Items that are not relevant but perhaps near, by query: row, item, measured key."""

    row: IntArray
    column: IntArray
    key: FloatArray

    @classmethod
    def of(cls, parts: list["Candidates"]) -> "Candidates":
        """All of them, by row."""
        if not parts:
            return cls(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32))
        row, column, key = (np.concatenate(values) for values in zip(*parts, strict=True))
        # A stable sort of two-byte integers takes linear time.
        small = np.uint16 if row.max(initial=0) < 2**16 else np.int32
        order = np.argsort(row.astype(small), kind="stable")
        return cls(row[order], column[order], key[order])

    def among(self, rows: slice) -> "Candidates":
        """Those of some rows, which are counted from there."""
        low, high = np.searchsorted(self.row, (rows.start, rows.stop))
        return Candidates(
            self.row[low:high] - rows.start, self.column[low:high], self.key[low:high]
        )


class Doubts(NamedTuple):
    """What settles a near draw.

    Attributes:
        error: ``(queries,)`` by how much a measured key may be off.
        noise: ``(queries,)`` by how much the key of an exact distance may be.
        key_of: exact distances to keys.
        measure: distances of pairs of query and item, exact.
        order: ``(gallery,)`` number of each item by which equal distances rank.
    """

    error: FloatArray
    noise: FloatArray
    key_of: Callable[[FloatArray], FloatArray]
    measure: Measure
    order: IntArray

    def nearer(
        self, row: IntArray, column: IntArray, other: IntArray, key: FloatArray
    ) -> BoolArray:
        """Whether items of `column` come before those of `other` in the rankings of `row`.

        `key` is that of the others' distances, up to the noise.
        """
        if len(row) > _CLOSE:
            raise TooManyError
        distance = self.measure(row, column)
        excess = self.key_of(distance) - key
        before = excess < 0
        drawn = np.flatnonzero(np.abs(excess) <= self.noise[row])
        one, two = distance[drawn], self.measure(row[drawn], other[drawn])
        earlier = self.order[column[drawn]] < self.order[other[drawn]]
        before[drawn] = (one < two) | ((one == two) & earlier)
        return np.asarray(before)


def placed(
    relevant: Relevant,
    candidates: Candidates,
    limits: FloatArray,
    doubts: Doubts,
    depth: int,
) -> tuple[IntArray, BoolArray, IntArray]:
    """Place the relevant items of some queries among the first `depth`.

    Args:
        relevant: the queries' relevant items.
        candidates: their other items, at least those whose key is up to `limits`.
        limits: ``(queries,)`` keys.
        doubts: what settles near draws.
        depth: how many places count.

    Returns:
        Queries whose first places are known, their relevance ``(known, depth)``, and the place of
        the first relevant item, from 1, which holds where its key is up to the limit.
    """
    row, starts = relevant.row, relevant.starts
    before = _count_before(relevant, candidates, doubts)
    # Few queries had a near draw; there a later relevant item can have fewer items before it.
    step = np.diff(before, prepend=0) < 0
    step[starts[:-1][starts[:-1] < len(step)]] = False
    if step.any():
        before = np.sort(row * (1 + before.max()) + before) - row * (1 + before.max())
    place = before + np.arange(len(row)) - starts[row]
    surely = relevant.key <= limits[row]
    count, known = np.diff(starts), np.bincount(row[surely], minlength=len(limits))
    near = candidates.key <= (limits - doubts.error)[candidates.row]
    reached = known + np.bincount(candidates.row[near], minlength=len(limits))
    found = np.flatnonzero((count > 0) & ((known == count) | (reached >= depth)))
    relevance = np.zeros((len(limits), depth), np.bool_)
    hit = surely & (place < depth)
    relevance[row[hit], place[hit]] = True
    return found, relevance[found], 1 + place[starts[found]]


def count_before_nearest(relevant: Relevant, open_: Candidates, doubts: Doubts) -> IntArray:
    """How many of these candidates come before the nearest relevant item, ``(queries,)``."""
    tied = np.flatnonzero(relevant.key == relevant.key[relevant.starts[relevant.row]])
    nearest = np.full(len(relevant.starts) - 1, np.iinfo(np.int64).max)
    # Items of one label lie in the order by which they rank.
    np.minimum.at(nearest, relevant.row[tied], relevant.column[tied])
    key = relevant.key[relevant.starts[open_.row]]
    before = doubts.nearer(open_.row, open_.column, nearest[open_.row], key)
    return np.bincount(open_.row[before], minlength=len(nearest))


def _count_before(relevant: Relevant, candidates: Candidates, doubts: Doubts) -> IntArray:
    """How many candidates come before each relevant item, exactly, ``(relevant,)``."""
    known = relevant.row * _ROW + relevant.key
    keys, error = candidates.row * _ROW + candidates.key, doubts.error[candidates.row]
    # The first relevant item that a candidate may come before.
    after = np.searchsorted(known, keys - error)
    inside = np.flatnonzero(after < relevant.starts[candidates.row + 1])
    after, keys, error = after[inside], keys[inside], error[inside]
    total = np.concatenate([[0], np.cumsum(np.bincount(after, minlength=len(known)))])
    before = total[1:] - total[relevant.starts[relevant.row]]
    doubtful = np.flatnonzero(known[after] <= keys + error)
    end = np.searchsorted(known, keys[doubtful] + error[doubtful], "right")
    first, width = after[doubtful], end - after[doubtful]
    if width.sum() > _CLOSE:
        raise TooManyError
    which = np.repeat(np.arange(len(doubtful)), width)
    item = np.arange(len(which)) - np.repeat(np.cumsum(width) - width, width) + first[which]
    pair = inside[doubtful[which]]
    row, column = candidates.row[pair], candidates.column[pair]
    wrong = ~doubts.nearer(row, column, relevant.column[item], relevant.key[item])
    return np.asarray(before - np.bincount(item[wrong], minlength=len(known)))
