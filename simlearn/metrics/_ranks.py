"""Places of the relevant items in the exact ranking, without sorting the gallery.

A relevant item's place is the number of items nearer than it. The distances of the relevant items
are few and measured in float64. The rest of the gallery passes by in tiles of float32 keys
(`simlearn.search._products`), of which only those below a bound are kept, the *candidates*; the
bound is estimated from a sample so that at least `depth` items lie below it. Where a candidate and
a relevant item are too close to call, both are measured in float64; equal distances rank by
gallery row. The places are those of `search.nearest`. What this scheme is bad at, such as queries
whose bound came out too low or a gallery full of ties, is left to the caller.

Both sides are sorted by label: a query's relevant items then lie side by side, and are cut out of a
tile as rectangles. Where queries and gallery are one, a tile serves its rows and its columns.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from simlearn import search
from simlearn._typing import BoolArray, FloatArray, IntArray
from simlearn.metrics._places import (
    Candidates,
    Doubts,
    Ranked,
    Relevant,
    TooManyError,
    count_before_nearest,
    placed,
)
from simlearn.metrics._task import Task
from simlearn.search._products import pair_distances, products

# The share of the gallery that the bounds are estimated from, and about the least number of items.
_SHARE, _SAMPLE = 32, 1024
# Rows whose relevant items are measured together, and the most distances looked at together.
_CHUNK, _TOGETHER = 128, 2**22
# A strip of queries is given up where it has more candidates a query than this, and this many
# times the depth.
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
    blas = [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]
    workers = max(blas, default=1)
    # One thread of ours a core, each with products of its own: BLAS' own threads would stand
    # idle while candidates are picked.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(workers) as pool:
        scan = _Scan(task, depth, distance, block)
        list(pool.map(scan.bound, scan.strips))
        ranked = []
        for strip in scan.strips:
            list(pool.map(lambda other, strip=strip: scan.tile(strip, other), scan.others(strip)))
            ranked.append(pool.submit(_finished, scan, strip, use))
        results = [future.result() for future in ranked]
    used = [result for result, _ in results if result is not None]
    return used, np.concatenate([np.empty(0, np.int64), *(left for _, left in results)])


def _finished(
    scan: "_Scan", strip: slice, use: Callable[[Ranked], Used]
) -> tuple[Used | None, IntArray]:
    found, left = scan.finish(strip)
    return (use(found) if len(found.rows) else None), left


class _Scan:
    def __init__(self, task: Task, depth: int, distance: search.Distance, block: int) -> None:
        self.depth, self.distance, self.own = depth, distance, task.own
        self.order = np.argsort(task.labels, kind="stable")
        self.gallery_order = np.argsort(task.gallery_labels, kind="stable")
        self.queries = task.queries[self.order]
        self.gallery = self.queries if task.own else task.gallery[self.gallery_order]
        self.labels = task.labels[self.order]
        self.gallery_labels = task.gallery_labels[self.gallery_order]
        self.ids = None if task.ids is None else task.ids[self.order]
        self.gallery_ids = None if task.gallery_ids is None else task.gallery_ids[self.gallery_order]
        # Where a query's label begins and ends in the gallery.
        self.begin = np.searchsorted(self.gallery_labels, self.labels, "left")
        self.end = np.searchsorted(self.gallery_labels, self.labels, "right")
        self.across = _ids_across_labels(task)
        self.products = products(distance, self.queries, self.gallery)
        # Sums of a row number and a key, which `placed` sorts, are exact to 4e-12.
        self.error = np.maximum(self.products.error, 1e-11)
        self.strips = _slices(0, len(self.queries), block)
        self.columns = _slices(0, len(self.gallery), block)
        self.nearest = np.full(len(self.queries), np.inf)
        self.bounds = np.full(len(self.queries), -np.inf, np.float32)
        self.scored = np.zeros(len(self.queries), np.bool_)
        self.candidates: dict[int, list[Candidates]] = {s.start: [] for s in self.strips}
        self.beyond: dict[int, list[tuple[IntArray, Candidates]]] = {s.start: [] for s in self.strips}
        self.given_up: set[int] = set()
        self.buffers = threading.local()

    def others(self, strip: slice) -> list[slice]:
        """Columns to look at in a strip's turn: earlier strips were looked at in theirs."""
        return [c for c in self.columns if not self.own or c.start >= strip.start]

    def bound(self, strip: slice) -> None:
        """Below which key are the strip's candidates, and where is its nearest relevant item?"""
        farthest = np.full(strip.stop - strip.start, -np.inf)
        for rows, _, distances in self._relevant_distances(strip):
            known = np.isfinite(distances)
            self.scored[rows] = known.any(axis=1)
            keys = self._keys(np.where(known, distances, 0.0))
            self.nearest[rows] = np.where(known, keys, np.inf).min(axis=1, initial=np.inf)
            farthest[rows.start - strip.start : rows.stop - strip.start] = np.where(
                known, keys, -np.inf
            ).max(axis=1, initial=-np.inf)
        farthest += 3.0 * self.error[strip]
        bounds = np.minimum(farthest, self._sampled(strip)).astype(np.float32)
        self.bounds[strip] = np.where(self.scored[strip], bounds, -np.inf)

    def _sampled(self, strip: slice) -> FloatArray:
        """A key that, likely, at least `depth` items of the gallery are below."""
        step = int(np.clip(len(self.gallery) // _SAMPLE, 1, _SHARE))
        sample = slice(step // 2, None, step)
        expected = self.depth / step
        place = int(np.ceil(expected + 3.0 * np.sqrt(expected) + 1.0))
        keys = self.products.left[strip] @ self.products.right[sample].T
        if self.ids is not None and self.gallery_ids is not None:
            keys[self.ids[strip, None] == self.gallery_ids[sample]] = np.inf
        if step == 1 or place >= keys.shape[1]:
            return np.full(len(keys), np.inf)
        return np.partition(keys, place - 1, axis=1)[:, place - 1]

    def tile(self, strip: slice, columns: slice) -> None:
        """Pick the candidates of a strip among some columns, and where both are one, reversed."""
        keys = self._tile_keys(strip, columns)
        self._pick(strip, columns, keys)
        if self.own and columns.start != strip.start:
            self._pick(columns, strip, keys.T)

    def _tile_keys(self, strip: slice, columns: slice) -> FloatArray:
        height, width = strip.stop - strip.start, columns.stop - columns.start
        if getattr(self.buffers, "keys", np.empty(0)).size < height * width:
            self.buffers.keys = np.empty(height * width, np.float32)
        keys: FloatArray = self.buffers.keys[: height * width].reshape(height, width)
        np.matmul(self.products.left[strip], self.products.right[columns].T, out=keys)
        begin, end = self.begin[strip], self.end[strip]
        if begin[0] < columns.stop and columns.start < end[-1]:
            first = np.flatnonzero(np.diff(begin, prepend=-1))
            for row, stop in zip(first, [*first[1:], height], strict=True):
                low, high = max(begin[row], columns.start), min(end[row], columns.stop)
                if low < high:
                    keys[row:stop, low - columns.start : high - columns.start] = np.inf
        if self.across and self.ids is not None and self.gallery_ids is not None:
            keys[self.ids[strip, None] == self.gallery_ids[columns]] = np.inf
        return keys

    def _pick(self, rows: slice, columns: slice, keys: FloatArray) -> None:
        if rows.start in self.given_up:
            return
        picked = _below(keys, self.bounds[rows], columns.start)
        kept = self.candidates[rows.start]
        kept.append(picked)
        most = (rows.stop - rows.start) * (_MOST + _TIMES * self.depth)
        lost = np.flatnonzero(self._is_beyond(rows))
        if lost.size:
            nearest, error = self.nearest[rows][lost], self.error[rows][lost]
            near = _below(keys[lost], nearest + 2.0 * error, columns.start)
            sure = near.key < (nearest - error)[near.row]
            counts = np.zeros(rows.stop - rows.start, np.int64)
            counts[lost] = np.bincount(near.row[sure], minlength=len(lost))
            open_ = Candidates(lost[near.row[~sure]], near.column[~sure], near.key[~sure])
            self.beyond[rows.start].append((counts, open_))
        open_count = sum(len(found.row) for _, found in list(self.beyond[rows.start]))
        if sum(len(found.row) for found in list(kept)) + open_count > most:
            self.given_up.add(rows.start)
            kept.clear()

    def _is_beyond(self, rows: slice) -> BoolArray:
        """Whether even the nearest relevant item may lie above the bound."""
        return self.scored[rows] & (self.nearest[rows] > self._limits(rows))

    def _limits(self, rows: slice) -> FloatArray:
        """Up to this key, true or measured, no item can have been missed."""
        return self.bounds[rows].astype(np.float64) - 2.0 * self.error[rows]

    def finish(self, strip: slice) -> tuple[Ranked, IntArray]:
        """Place the relevant items of a strip; also, which of its queries are left out."""
        rows = strip.start + np.flatnonzero(self.scored[strip])
        found = Ranked(rows[:0], np.zeros((0, self.depth), np.bool_), rows[:0])
        try:
            if strip.start not in self.given_up:
                found = self._place(strip)
        except TooManyError:
            pass
        del self.candidates[strip.start], self.beyond[strip.start]
        left = np.setdiff1d(rows, found.rows)
        return found._replace(rows=self.order[found.rows]), self.order[left]

    def _place(self, strip: slice) -> Ranked:
        every = Candidates.of(self.candidates[strip.start])
        open_ = Candidates.of([found for _, found in self.beyond[strip.start]])
        counts = np.zeros(strip.stop - strip.start, np.int64)
        for count, _ in self.beyond[strip.start]:
            counts += count
        widest = int((self.end[strip] - self.begin[strip]).max())
        parts = []
        for rows in _slices(strip.start, strip.stop, max(1, _TOGETHER // max(widest, 1))):
            part = slice(rows.start - strip.start, rows.stop - strip.start)
            relevant, doubts = self._relevant(rows), self._doubts(rows)
            found, relevance, first = placed(
                relevant, every.among(part), self._limits(rows), doubts, self.depth
            )
            beyond = self._is_beyond(rows)[found]
            near = count_before_nearest(relevant, found, open_.among(part), doubts)
            first = np.where(beyond, 1 + counts[part][found] + near, first)
            parts.append((rows.start + found, relevance, first))
        return Ranked(*(np.concatenate(part) for part in zip(*parts, strict=True)))

    def _doubts(self, rows: slice) -> Doubts:
        def measure(row: IntArray, column: IntArray) -> FloatArray:
            return pair_distances(
                self.distance, self.queries, self.gallery, rows.start + row, column
            )

        return Doubts(self.error[rows], measure, self.gallery_order)

    def _relevant(self, rows: slice) -> Relevant:
        parts = []
        for chunk, begin, distances in self._relevant_distances(rows):
            order = np.argsort(distances, axis=1)
            ordered = np.take_along_axis(distances, order, axis=1)
            known = np.isfinite(ordered)
            row = np.nonzero(known)[0] + (chunk.start - rows.start)
            parts.append((row, self._keys(ordered[known]), begin + order[known]))
        row, key, column = (np.concatenate(part) for part in zip(*parts, strict=True))
        starts = np.searchsorted(row, np.arange(rows.stop - rows.start + 1))
        return Relevant(row, key, column, starts)

    def _relevant_distances(self, rows: slice) -> Iterator[tuple[slice, int, FloatArray]]:
        """Some rows, where their labels begin, and distances, infinite for what is not relevant."""
        for chunk in _slices(rows.start, rows.stop, _CHUNK):
            span = slice(int(self.begin[chunk.start]), int(self.end[chunk.stop - 1]))
            distances = self.distance(self.queries[chunk], self.gallery[span])
            distances[self.labels[chunk, None] != self.gallery_labels[span]] = np.inf
            if self.ids is not None and self.gallery_ids is not None:
                distances[self.ids[chunk, None] == self.gallery_ids[span]] = np.inf
            yield chunk, span.start, distances

    def _keys(self, distances: FloatArray) -> FloatArray:
        return self.products.key_of(distances.astype(np.float64))


def _below(keys: FloatArray, bounds: FloatArray, offset: int) -> Candidates:
    """Which keys are below their row's bound, column numbers counted from `offset`."""
    # Compared as the keys lie in memory, which is transposed where a tile serves its columns.
    turned = not keys.flags.c_contiguous
    lying, limits = (keys.T, bounds[None, :]) if turned else (keys, bounds[:, None])
    places = np.flatnonzero(lying < limits.astype(np.float32))
    row, column = np.divmod(places.astype(np.int32), np.int32(max(1, lying.shape[1])))
    picked = lying.ravel()[places]
    row, column = (column, row) if turned else (row, column)
    return Candidates(row, column + np.int32(offset), picked)


def _ids_across_labels(task: Task) -> bool:
    """Whether items of one id have several labels: only then do others share a query's id."""
    if task.ids is None or task.gallery_ids is None:
        return False
    ids = np.concatenate([task.ids, task.gallery_ids])
    labels = np.concatenate([task.labels, task.gallery_labels])
    pairs = ids.astype(np.int64) * (1 + labels.max(initial=0)) + labels
    return len(np.unique(pairs)) > len(np.unique(ids))


def _slices(start: int, stop: int, step: int) -> list[slice]:
    return [slice(at, min(at + step, stop)) for at in range(start, stop, step)]
