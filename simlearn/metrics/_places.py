"""From candidates and relevant items to places: the sorting part of `_ranks`.

An item of a query's ranking is one integer, its *entry*: from the top, the query's row, the key in
fixed point, the item's column and whether it is relevant. Sorted entries are rankings, up to what
the keys may err.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np

from simlearn._typing import BoolArray, FloatArray, IntArray

# Keys lie within -4..4, measured ones a little beyond: this makes them positive, and is half of
# what the key's bits hold.
_SHIFT = 8.0
# Bits of a key: more would be lost in the sum with the shift, in float64.
_MOST_BITS = 52
# Items too close to call that are measured for one strip of queries.
_CLOSE = 2**20

Entries: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]
Measure: TypeAlias = Callable[[IntArray, IntArray], FloatArray]


class TooManyError(Exception):
    """More items are too close to call than are worth measuring one by one."""


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


class Packing:
    """How entries are made.

    Args:
        rows: there are of queries in a strip, at most.
        columns: there are of items.
    """

    def __init__(self, rows: int, columns: int) -> None:
        self.column_bits = columns.bit_length()
        free = 62 - self.column_bits - rows.bit_length()
        self.key_bits = min(_MOST_BITS, free)
        self.row_at = 1 + self.column_bits + self.key_bits
        self.scale = 2.0**self.key_bits / (2.0 * _SHIFT)

    def entries(self, row: IntArray, key: FloatArray, column: IntArray, relevant: bool) -> Entries:
        """Entries of items, flat."""
        packed = self.key_units(key)
        packed <<= 1 + self.column_bits
        packed |= np.asarray(row, np.int64) << self.row_at
        packed |= np.asarray(column, np.int64) << 1
        packed |= int(relevant)
        return packed

    def key_units(self, key: FloatArray) -> Entries:
        """Keys in fixed point, rounded down."""
        return np.asarray((key.astype(np.float64) + _SHIFT) * self.scale).astype(np.int64)

    def gap(self, difference: FloatArray) -> Entries:
        """How much two entries of one row differ at most whose keys differ so much at most."""
        return (2 + np.ceil(difference * self.scale).astype(np.int64)) << (1 + self.column_bits)

    def row(self, entries: Entries) -> Entries:
        """Rows of entries."""
        return entries >> self.row_at

    def column(self, entries: Entries) -> Entries:
        """Columns of entries."""
        return (entries >> 1) & ((1 << self.column_bits) - 1)


class Doubts(NamedTuple):
    """What settles a near draw.

    Attributes:
        error: ``(queries,)`` by how much the measured key of a candidate may be off.
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


class Rankings:
    """Relevant items and candidates of some queries, sorted; not yet exactly.

    Args:
        parts: entries of relevant items, by exact distances, and of candidates, by measured keys.
        packing: of the entries.
        doubts: what settles near draws.
    """

    def __init__(self, parts: list[Entries], packing: Packing, doubts: Doubts) -> None:
        self.entries, self.packing, self.doubts = np.concatenate(parts), packing, doubts
        self.entries.sort()
        rows = np.arange(len(doubts.error) + 1)
        self.starts = np.searchsorted(self.entries, rows << packing.row_at)

    def known(self, limits: FloatArray, depth: int) -> IntArray:
        """Queries that have relevant items, whose places among the first `depth` can be told.

        Args:
            limits: ``(queries,)`` up to this key, no item of the gallery is missing.
            depth: how many places count.
        """
        before = np.concatenate([[0], np.cumsum(_kinds(self.entries), dtype=np.int64)])
        count = np.diff(before[self.starts])
        near = before[self._within(limits)] - before[self.starts[:-1]]
        reached = self._within(limits - self.doubts.error) - self.starts[:-1]
        return np.flatnonzero((count > 0) & ((near == count) | (reached >= depth)))

    def _within(self, limits: FloatArray) -> IntArray:
        """Where the entries up to each query's limit end."""
        limits = np.clip(limits, -_SHIFT, _SHIFT * (1.0 - 2.0**-20))
        zeros = np.zeros(len(limits), np.int64)
        ends = self.packing.entries(np.arange(len(limits)), limits, zeros, False)
        return np.searchsorted(self.entries, ends)

    def relevance(self) -> BoolArray:
        """Whether each entry is relevant, in exact order.

        Raises:
            TooManyError: if there are too many near draws.
        """
        doubts, packing, kinds = self.doubts, self.packing, _kinds(self.entries)
        # No candidate can pass an item that is farther from it than this.
        places, _ = self._mixed(self.entries, doubts.error + doubts.noise)
        near = self.entries[places]
        # Relevant items have exact keys already.
        inexact = np.flatnonzero(near & 1 == 0)
        row, column = packing.row(near[inexact]), packing.column(near[inexact])
        key = doubts.key_of(doubts.measure(row, column))
        near[inexact] = packing.entries(row, key, column, False)
        near.sort()
        drawn, chain = self._mixed(near, doubts.noise)
        row, column = packing.row(near[drawn]), packing.column(near[drawn])
        order = np.lexsort((doubts.order[column], doubts.measure(row, column), chain))
        near[drawn] = near[drawn[order]]
        kinds[places] = _kinds(near)
        return kinds

    def _mixed(self, entries: Entries, difference: FloatArray) -> tuple[IntArray, IntArray]:
        """Entries in a chain of near draws that holds both kinds, and their chains' numbers.

        In a chain, each item's key differs from the last one's by no more than `difference`.
        """
        far = np.ones(len(entries), np.bool_)
        far[1:] = np.diff(entries) > self.packing.gap(difference)[self.packing.row(entries[1:])]
        kinds = _kinds(entries)
        other = np.flatnonzero((kinds[1:] != kinds[:-1]) & ~far[1:])
        chain = np.cumsum(far, dtype=np.int64)
        mixed = np.zeros(len(chain) + 1, np.bool_)
        mixed[chain[other]] = True
        places = np.flatnonzero(mixed[chain])
        if len(places) > _CLOSE:
            raise TooManyError
        return places, chain[places]


def placed(
    rankings: Rankings, limits: FloatArray, depth: int
) -> tuple[IntArray, BoolArray, IntArray]:
    """Place the relevant items of some queries among the first `depth`.

    Args:
        rankings: of their relevant items and the others, at least those whose key is up to
            `limits`.
        limits: ``(queries,)`` keys.
        depth: how many places count.

    Returns:
        Queries whose first places are known, their relevance ``(known, depth)``, and the place of
        the first relevant item, from 1, which holds where its key is up to the limit.

    Raises:
        TooManyError: if there are too many near draws.
    """
    found = rankings.known(limits, depth)
    kinds, starts = rankings.relevance(), rankings.starts
    places = starts[found, None] + np.arange(depth)
    relevance = kinds.take(places, mode="clip") & (places < starts[found + 1, None])
    return found, relevance, first_places(starts, kinds)[found]


def first_places(starts: IntArray, kinds: BoolArray) -> IntArray:
    """Place of each query's first relevant item, from 1; any number where there is none."""
    places = np.append(np.flatnonzero(kinds), 0)
    return 1 + places[np.searchsorted(places[:-1], starts[:-1])] - starts[:-1]


def _kinds(entries: Entries) -> BoolArray:
    """Whether each is a relevant item's."""
    return (entries.astype(np.uint8) & 1).view(np.bool_)
