"""A retrieval task sorted by label: what a query seeks lies side by side."""

from collections.abc import Iterator

import numpy as np

from simlearn import search
from simlearn._typing import BoolArray, FloatArray, IntArray
from simlearn.metrics._places import Doubts, Entries, Packing
from simlearn.metrics._task import Task
from simlearn.search._products import pair_distances, products

# Queries whose relevant items are measured at once: the labels of neighbours overlap.
_CHUNK = 128


class Sorted:
    """Both sides of a task, sorted by label, with their float32 rows.

    Args:
        task: what is sought where.
        distance: one that `has_products`.
    """

    def __init__(self, task: Task, distance: search.Distance) -> None:
        self.distance, self.own = distance, task.own
        self.order = np.argsort(task.labels, kind="stable")
        self.gallery_order = np.argsort(task.gallery_labels, kind="stable")
        self.queries = task.queries[self.order]
        self.gallery = self.queries if task.own else task.gallery[self.gallery_order]
        # Numbered from 0: half the width is compared in half the time.
        self.labels = task.labels[self.order].astype(np.int32)
        self.gallery_labels = task.gallery_labels[self.gallery_order].astype(np.int32)
        self._ids: IntArray | None = None
        self._gallery_ids: IntArray | None = None
        self._across = False
        if task.ids is not None and task.gallery_ids is not None:
            self._ids = task.ids[self.order].astype(np.int32)
            self._gallery_ids = task.gallery_ids[self.gallery_order].astype(np.int32)
            self._across = _ids_across_labels(task)
        # Where a query's label begins and ends in the gallery.
        self.begin = np.searchsorted(self.gallery_labels, self.labels, "left")
        self.end = np.searchsorted(self.gallery_labels, self.labels, "right")
        self.products = products(distance, self.queries, self.gallery)
        # Sums of a row number and a key, by which candidates are sorted, are exact to 4e-12.
        self.error = np.maximum(self.products.error, 1e-11)

    def keys(self, rows: slice, columns: slice, out: FloatArray | None = None) -> FloatArray:
        """Measured keys ``(rows, columns)``."""
        return np.matmul(self.products.left[rows], self.products.right[columns].T, out=out)

    def key_of(self, distances: FloatArray) -> FloatArray:
        """Keys of exact distances."""
        return self.products.key_of(distances.astype(np.float64))

    def chunks(self, rows: slice) -> Iterator[tuple[slice, slice]]:
        """A few queries at a time, and where in the gallery the items of their labels are."""
        for start in range(rows.start, rows.stop, _CHUNK):
            chunk = slice(start, min(start + _CHUNK, rows.stop))
            yield chunk, slice(int(self.begin[chunk.start]), int(self.end[chunk.stop - 1]))

    def same_id(self, rows: slice, columns: slice | IntArray) -> BoolArray | None:
        """Which pairs share their id, ``(rows, columns)``; None where there are no ids."""
        if self._ids is None or self._gallery_ids is None:
            return None
        return np.asarray(self._ids[rows, None] == self._gallery_ids[columns])

    def is_other(self, rows: slice, span: slice) -> BoolArray:
        """Which items of a span are not relevant, ``(rows, span)``."""
        other = self.labels[rows, None] != self.gallery_labels[span]
        same = self.same_id(rows, span)
        return np.asarray(other if same is None else other | same)

    def cut(self, keys: FloatArray, rows: slice, columns: slice) -> None:
        """Set the keys of pairs of one label, or of one id, to infinity."""
        begin, end = self.begin[rows], self.end[rows]
        if begin[0] < columns.stop and columns.start < end[-1]:
            first = np.flatnonzero(np.diff(self.labels[rows], prepend=-1))
            for row, stop in zip(first, [*first[1:], len(begin)], strict=True):
                low, high = max(begin[row], columns.start), min(end[row], columns.stop)
                if low < high:
                    keys[row:stop, low - columns.start : high - columns.start] = np.inf
        if self._across and (same := self.same_id(rows, columns)) is not None:
            keys[same] = np.inf

    def relevant(self, rows: slice, packing: Packing) -> Entries:
        """The relevant items of some queries, measured in float64."""
        parts = []
        for chunk, span in self.chunks(rows):
            distances = self.distance(self.queries[chunk], self.gallery[span])
            places = np.flatnonzero(~self.is_other(chunk, span))
            row, column = np.divmod(places, max(1, distances.shape[1]))
            row, column = row + (chunk.start - rows.start), column + span.start
            key = self.key_of(distances.ravel()[places])
            parts.append(packing.entries(row, key, column, True))
        return np.concatenate(parts)

    def doubts(self, rows: slice) -> Doubts:
        """What settles near draws of some queries."""

        def measure(row: IntArray, column: IntArray) -> FloatArray:
            row = rows.start + row
            return pair_distances(self.distance, self.queries, self.gallery, row, column)

        noise = self.products.noise[rows]
        return Doubts(self.error[rows], noise, self.key_of, measure, self.gallery_order)


def _ids_across_labels(task: Task) -> bool:
    """Whether items of one id have several labels: only then do others share a query's id."""
    if task.ids is None or task.gallery_ids is None:
        return False
    ids = np.concatenate([task.ids, task.gallery_ids])
    labels = np.concatenate([task.labels, task.gallery_labels])
    pairs = ids.astype(np.int64) * (1 + labels.max(initial=0)) + labels
    return len(np.unique(pairs)) > len(np.unique(ids))
