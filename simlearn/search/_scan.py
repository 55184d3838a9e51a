"""The k smallest distances of each query, kept while blocks of the gallery pass by."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlearn._typing import FloatArray, IntArray
from simlearn.errors import UserError
from simlearn.search._arguments import Codes
from simlearn.search._distances import Distance

# Of a block, this share or less can improve what was found: then it alone is looked at.
_SPARSE = 8


class Neighbours(NamedTuple):
    """Distances ``(queries, k)`` and gallery rows ``(queries, k)`` in int64, best first.

    Where fewer than k items qualify, the index is -1 and the distance infinite.
    """

    distances: FloatArray
    indices: NDArray[np.int64]


def nothing_found(count: int, k: int) -> Neighbours:
    """What `count` queries have before they met any item."""
    return Neighbours(
        np.full((count, k), np.inf, np.float32), np.full((count, k), -1, dtype=np.int64)
    )


def scan(
    queries: NDArray[Any],
    gallery: NDArray[Any],
    k: int,
    *,
    distance: Distance,
    keys: Codes | None,
    groups: Codes | None,
    block: int,
) -> Iterator[tuple[slice, Neighbours]]:
    """Yield the rows of each block of queries and their `Neighbours`; see `nearest_blocks`."""
    for rows in _slices(len(queries), block):
        best = nothing_found(rows.stop - rows.start, k)
        # Blocks of the gallery no narrower than k: each merge copies k columns anyway.
        for columns in _slices(len(gallery), max(block, k)):
            distances = _measured(distance, queries[rows], gallery[columns])
            if keys is not None:
                same = keys[0][rows, None] == keys[1][None, columns]
                distances = np.where(same, np.inf, distances)
            if groups is not None:
                other = groups[0][rows, None] != groups[1][None, columns]
                distances = np.where(other, np.inf, distances)
            best = _merged(best, distances, columns.start)
        yield rows, best


def _slices(length: int, step: int) -> Iterator[slice]:
    return (slice(start, min(start + step, length)) for start in range(0, length, step))


def _measured(distance: Distance, queries: NDArray[Any], gallery: NDArray[Any]) -> FloatArray:
    with np.errstate(over="ignore", invalid="ignore"):
        distances = np.asarray(distance(queries, gallery))
    expected = (len(queries), len(gallery))
    if distances.shape != expected:
        raise UserError(f"distance: expected shape {expected}, got {distances.shape}")
    if not np.isfinite(distances).all():
        raise UserError("distance: expected finite values, got NaN or infinity from finite vectors")
    return distances


def _merged(best: Neighbours, distances: FloatArray, offset: int) -> Neighbours:
    # Strictly nearer than the last: an equal one has the higher index, and what was left out lies
    # at infinity, no nearer than an empty place.
    nearer = np.flatnonzero(distances < best.distances[:, -1:])
    if not nearer.size:
        return best
    if nearer.size > distances.size // _SPARSE:
        columns = np.broadcast_to(np.arange(offset, offset + distances.shape[1]), distances.shape)
    else:
        distances, columns = _packed(distances, nearer, offset)
    # The best so far stand first: among equal distances position order is then index order.
    values = np.concatenate([best.distances, distances], axis=1)
    positions = _smallest(values, best.distances.shape[1])
    values = np.take_along_axis(values, positions, axis=1)
    indices = np.take_along_axis(np.hstack([best.indices, columns]), positions, axis=1)
    return Neighbours(values, np.where(np.isinf(values), -1, indices))


def _packed(
    distances: FloatArray, places: IntArray, offset: int
) -> tuple[FloatArray, NDArray[np.int64]]:
    """The distances at some flat places, row by row from the left, and their gallery rows."""
    rows, columns = np.divmod(places, distances.shape[1])
    counts = np.bincount(rows, minlength=len(distances))
    position = np.arange(len(places)) - np.repeat(np.cumsum(counts) - counts, counts)
    values = np.full((len(distances), int(counts.max())), np.inf, distances.dtype)
    found = np.full(values.shape, -1, np.int64)
    values[rows, position] = distances.ravel()[places]
    found[rows, position] = columns + offset
    return values, found


def _smallest(values: FloatArray, k: int) -> IntArray:
    """Positions ``(rows, k)`` of each row's k smallest, ascending, ties by position."""
    worst = np.partition(values, k - 1, axis=1)[:, k - 1 : k]
    chosen = values <= worst
    for row in np.flatnonzero(np.count_nonzero(chosen, axis=1) > k):
        tied = np.flatnonzero(values[row] == worst[row])
        surplus = np.count_nonzero(chosen[row]) - k
        chosen[row, tied[-surplus:]] = False
    positions = np.flatnonzero(chosen).reshape(len(values), k) % values.shape[1]
    order = np.argsort(np.take_along_axis(values, positions, axis=1), axis=1, kind="stable")
    return np.take_along_axis(positions, order, axis=1)
