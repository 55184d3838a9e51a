"""Places of the relevant items in the exact ranking, without sorting the gallery.

A relevant item's place is the number of items nearer than it. The distances of the relevant items
are few and measured in float64. The rest of the gallery passes by in tiles of float32 keys
(`simlearn.search._products`), of which only those below a bound are kept, the *candidates*; the
bound is estimated from a sample so that, likely, at least `depth` items lie below it. Where a
candidate and a relevant item are too close to call, the candidate is measured in float64 as well;
equal distances rank by gallery row. The places are those of `search.nearest`. What this scheme is
bad at, queries whose bound came out too low or a gallery full of ties, is left to the caller.

Both sides are sorted by label, so that relevant items are cut out of a tile as rectangles. Where
queries and gallery are one, a tile serves its rows and its columns.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from simlearn import search
from simlearn._typing import BoolArray, FloatArray, IntArray
from simlearn.metrics._places import (
    Entries,
    Packing,
    Ranked,
    Rankings,
    TooManyError,
    first_places,
    placed,
)
from simlearn.metrics._sorted import Sorted
from simlearn.metrics._task import Task

# The share of the gallery that the bounds are estimated from, and about the least number of items.
_SHARE, _SAMPLE = 32, 1024
# A strip of queries is given up where it has more candidates a query than the first, plus the
# second times the depth.
_MOST, _TIMES = 1024, 8

Used = TypeVar("Used")


def rank(
    task: Task,
    depth: int,
    distance: search.Distance,
    block: int,
    use: Callable[[Ranked], Used],
) -> tuple[list[Used], IntArray]:
    """Rank the relevant items of each query that has one.

    Args:
        task: what is sought where.
        depth: how many places count.
        distance: one that `has_products`.
        block: rows of each side in a tile.
        use: called with what was found, a strip of queries at a time, perhaps in parallel.

    Returns:
        What `use` returned, and the queries that were left out, in no order.
    """
    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    workers = max((library["num_threads"] for library in libraries), default=1)
    # As many threads as BLAS would take, each with products of its own: BLAS' would stand idle
    # while candidates are picked.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(workers) as pool:
        scan = _Scan(Sorted(task, distance), depth, block)
        list(pool.map(scan.bound, scan.strips))
        tiles, turns = scan.tiles(pool, 0), []
        for number, strip in enumerate(scan.strips):
            # On their way before the last of this strip is waited for: no thread stands idle.
            following = scan.tiles(pool, number + 1)
            wait(tiles)
            turns.append(pool.submit(_used, scan, strip, use, tiles))
            tiles = following
        results = [turn.result() for turn in turns]
    used = [result for result, _ in results if result is not None]
    return used, np.concatenate([np.empty(0, np.int64), *(left for _, left in results)])


def _used(
    scan: "_Scan", strip: slice, use: Callable[[Ranked], Used], tiles: "list[Future[None]]"
) -> tuple[Used | None, IntArray]:
    for tile in tiles:
        tile.result()
    found, left = scan.finish(strip)
    return (use(found) if len(found.rows) else None), left


class _Scan:
    def __init__(self, sides: Sorted, depth: int, block: int) -> None:
        self.sides, self.depth = sides, depth
        self.strips = _slices(0, len(sides.queries), block)
        self.columns = _slices(0, len(sides.gallery), block)
        self.packing = Packing(min(block, len(sides.queries)), len(sides.gallery))
        # Measured key of the nearest relevant item; infinite where there is none.
        self.nearest = np.full(len(sides.queries), np.inf)
        self.bounds = np.full(len(sides.queries), -np.inf, np.float32)
        self.candidates: dict[int, list[Entries]] = {s.start: [] for s in self.strips}
        # For queries whose nearest relevant item is beyond the bound: how many items are surely
        # before it, and which perhaps.
        self.before: dict[int, list[IntArray]] = {s.start: [] for s in self.strips}
        self.open: dict[int, list[Entries]] = {s.start: [] for s in self.strips}
        self.held = {strip.start: 0 for strip in self.strips}
        self.counting = threading.Lock()
        self.given_up: set[int] = set()
        self.buffers = threading.local()

    def tiles(self, pool: ThreadPoolExecutor, number: int) -> "list[Future[None]]":
        """Start on a strip's tiles, if it exists: earlier strips looked at theirs in their turn."""
        return [
            pool.submit(self.tile, strip, columns)
            for strip in self.strips[number : number + 1]
            for columns in self.columns
            if not self.sides.own or columns.start >= strip.start
        ]

    def bound(self, strip: slice) -> None:
        """Below which key are the strip's candidates, and where is its nearest relevant item?"""
        farthest = np.full(strip.stop - strip.start, -np.inf)
        for rows, span in self.sides.chunks(strip):
            keys, other = self.sides.keys(rows, span), self.sides.is_other(rows, span)
            keys[other] = np.inf
            self.nearest[rows] = keys.min(axis=1, initial=np.inf)
            keys[other] = -np.inf
            part = slice(rows.start - strip.start, rows.stop - strip.start)
            farthest[part] = keys.max(axis=1, initial=-np.inf)
        # No farther than the farthest relevant item, whose limit is above its true key.
        reach = farthest + 4.0 * self.sides.error[strip]
        self.bounds[strip] = np.minimum(reach, self._sampled(strip))

    def _sampled(self, strip: slice) -> FloatArray:
        """A key that, likely, at least `depth` items of the gallery are below."""
        step = int(np.clip(len(self.sides.gallery) // _SAMPLE, 1, _SHARE))
        sample = slice(step // 2, None, step)
        expected = self.depth / step
        # By three standard deviations more, for an item is in the sample by chance.
        place = int(np.ceil(expected + 3.0 * np.sqrt(expected) + 1.0))
        if step == 1 or place >= len(self.sides.gallery) // step:
            return np.full(strip.stop - strip.start, np.inf, np.float32)
        keys = self.sides.keys(strip, sample)
        if (same := self.sides.same_id(strip, sample)) is not None:
            keys[same] = np.inf
        return np.asarray(np.partition(keys, place - 1, axis=1)[:, place - 1])

    def tile(self, strip: slice, columns: slice) -> None:
        """Pick the candidates of a strip among some columns, and where both are one, reversed."""
        shape = (strip.stop - strip.start, columns.stop - columns.start)
        size = shape[0] * shape[1]
        if getattr(self.buffers, "keys", np.empty(0)).size < size:
            self.buffers.keys = np.empty(size, np.float32)
            self.buffers.mask = np.empty(size, np.bool_)
        keys = self.sides.keys(strip, columns, self.buffers.keys[:size].reshape(shape))
        self.sides.cut(keys, strip, columns)
        self._pick(strip, columns, keys)
        if self.sides.own and columns.start != strip.start:
            self._pick(columns, strip, keys.T)

    def _pick(self, rows: slice, columns: slice, keys: FloatArray) -> None:
        turn = rows.start
        if turn in self.given_up:
            return
        row, column, key = _below(keys, self.bounds[rows], self.buffers.mask)
        picked = self.packing.entries(row, key, column + columns.start, False)
        self.candidates[turn].append(picked)
        beyond = np.flatnonzero(self._is_beyond(rows))
        if beyond.size:
            self._look_beyond(rows, columns, keys[beyond], beyond)
        self._hold(rows, len(picked))

    def _hold(self, rows: slice, more: int) -> None:
        """Count what is kept, and give a strip up where that is too much."""
        turn, most = rows.start, (rows.stop - rows.start) * (_MOST + _TIMES * self.depth)
        with self.counting:
            self.held[turn] += more
        if self.held[turn] > most:
            self.given_up.add(turn)
            self.candidates[turn].clear()
            self.open[turn].clear()

    def _look_beyond(self, rows: slice, columns: slice, keys: FloatArray, beyond: IntArray) -> None:
        nearest, error = self.nearest[rows][beyond], self.sides.error[rows][beyond]
        row, column, key = _below(keys, nearest + 3.0 * error)
        # Both keys may be off by the error.
        sure = key < (nearest - 2.0 * error)[row]
        before = np.zeros(rows.stop - rows.start, np.int64)
        before[beyond] = np.bincount(row[sure], minlength=len(beyond))
        self.before[rows.start].append(before)
        row, column, key = beyond[row[~sure]], column[~sure] + columns.start, key[~sure]
        self.open[rows.start].append(self.packing.entries(row, key, column, False))
        self._hold(rows, len(row))

    def _is_beyond(self, rows: slice) -> BoolArray:
        """Whether even the nearest relevant item, if there is one, may lie above the limit."""
        nearest = self.nearest[rows]
        return np.isfinite(nearest) & (nearest + self.sides.error[rows] > self._limits(rows))

    def _limits(self, rows: slice) -> FloatArray:
        """Up to this key, true or measured, no item can have been missed."""
        return self.bounds[rows].astype(np.float64) - 2.0 * self.sides.error[rows]

    def finish(self, strip: slice) -> tuple[Ranked, IntArray]:
        """Place the relevant items of a strip; also, which of its queries are left out."""
        rows = strip.start + np.flatnonzero(np.isfinite(self.nearest[strip]))
        found = Ranked(rows[:0], np.zeros((0, self.depth), np.bool_), rows[:0])
        try:
            if strip.start not in self.given_up:
                found = self._place(strip)
        except TooManyError:
            pass
        for held in (self.candidates, self.before, self.open):
            held.pop(strip.start)
        left = np.setdiff1d(rows, found.rows)
        return found._replace(rows=self.sides.order[found.rows]), self.sides.order[left]

    def _place(self, strip: slice) -> Ranked:
        turn, doubts, limits = strip.start, self.sides.doubts(strip), self._limits(strip)
        relevant = self.sides.relevant(strip, self.packing)
        rankings = Rankings([relevant, *self.candidates[turn]], self.packing, doubts)
        found, relevance, first = placed(rankings, limits, self.depth)
        beyond = self._is_beyond(strip)
        if beyond.any():
            relevant = relevant[beyond[self.packing.row(relevant)]]
            rankings = Rankings([relevant, *self.open[turn]], self.packing, doubts)
            later = sum(self.before[turn]) + first_places(rankings.starts, rankings.relevance())
            first = np.where(beyond[found], later[found], first)
        return Ranked(strip.start + found, relevance, first)


def _below(
    keys: FloatArray, bounds: FloatArray, buffer: BoolArray | None = None
) -> tuple[IntArray, IntArray, FloatArray]:
    """Row, column and key of the keys that are below their row's bound."""
    # Compared as the keys lie in memory, which is transposed where a tile serves its columns.
    turned = not keys.flags.c_contiguous
    lying, limits = (keys.T, bounds[None, :]) if turned else (keys, bounds[:, None])
    mask = None if buffer is None else buffer[: keys.size].reshape(lying.shape)
    places = np.flatnonzero(np.less(lying, limits.astype(np.float32), out=mask))
    row, column = np.divmod(places.astype(np.int32), np.int32(max(1, lying.shape[1])))
    row, column = (column, row) if turned else (row, column)
    return row, column, lying.ravel()[places]


def _slices(start: int, stop: int, step: int) -> list[slice]:
    return [slice(at, min(at + step, stop)) for at in range(start, stop, step)]
