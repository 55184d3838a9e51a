"""Exact nearest and farthest neighbours in blocks, in numpy and without Keras.

No array of queries times gallery is ever held. Two kinds of integers or strings say which pairs
count: a pair with equal *keys* is left out (ids: a query never finds itself; labels: only items of
other classes are found), and a pair with unequal *groups* is left out (labels: only items of the
same class are found).
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn._typing import FloatArray, IntArray
from simlearn.errors import UserError

Distance: TypeAlias = Callable[[FloatArray, FloatArray], FloatArray]
"""``(queries, dim), (gallery, dim) -> (queries, gallery)``, finite, smaller is more similar."""

# Where |q - g|^2 is this small a share of |q|^2 + |g|^2, the expanded square has lost more than six
# of its sixteen digits, and the difference is taken first instead.
_CANCELLATION = 1e-6


class Neighbours(NamedTuple):
    """Distances ``(queries, k)`` and gallery rows ``(queries, k)`` in int64, best first.

    Where fewer than k items qualify, the index is -1 and the distance infinite.
    """

    distances: FloatArray
    indices: NDArray[np.int64]


def squared_euclidean(queries: FloatArray, gallery: FloatArray) -> FloatArray:
    """Squared Euclidean distance, ``|q - g|^2 = |q|^2 - 2 q.g + |g|^2``.

    Worked out in float64, and by plain differences for pairs that nearly coincide, so that equal
    rows are at exactly 0; returned in float32 unless an input holds more digits than that.

    Args:
        queries: ``(queries, dim)``.
        gallery: ``(gallery, dim)``.

    Returns:
        ``(queries, gallery)``, at least 0.

    Examples:
        >>> squared_euclidean(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0], [0.0, 1.0]]))
        array([[25.,  1.]])
    """
    wide_queries, wide_gallery = np.asarray(queries, np.float64), np.asarray(gallery, np.float64)
    query_squares, gallery_squares = _squares(wide_queries), _squares(wide_gallery)
    squared = (-2.0 * wide_queries) @ wide_gallery.T
    squared += query_squares[:, None]
    squared += gallery_squares
    close = squared <= _CANCELLATION * (query_squares + gallery_squares.max(initial=0))[:, None]
    for row in np.flatnonzero(close.any(axis=1)):
        difference = wide_gallery[close[row]] - wide_queries[row]
        squared[row, close[row]] = _squares(difference)
    return squared.astype(_result_dtype(queries, gallery), copy=False)


def euclidean(queries: FloatArray, gallery: FloatArray) -> FloatArray:
    """Euclidean distance, ``|q - g|``; precision as in `squared_euclidean`.

    Args:
        queries: ``(queries, dim)``.
        gallery: ``(gallery, dim)``.

    Returns:
        ``(queries, gallery)``, at least 0.

    Examples:
        >>> euclidean(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0], [0.0, 1.0]]))
        array([[5., 1.]])
    """
    wide = squared_euclidean(np.asarray(queries, np.float64), np.asarray(gallery, np.float64))
    return np.sqrt(wide, out=wide).astype(_result_dtype(queries, gallery), copy=False)


def cosine(queries: FloatArray, gallery: FloatArray) -> FloatArray:
    """Cosine distance, ``1 - q.g / (|q| |g|)``.

    Worked out as half the squared distance between the unit vectors, which keeps the digits that
    ``1 - cos`` loses for nearly parallel ones. A zero vector has no direction: it counts as
    orthogonal to everything, at distance 1, another zero vector included.

    Args:
        queries: ``(queries, dim)``.
        gallery: ``(gallery, dim)``.

    Returns:
        ``(queries, gallery)`` in 0..2.

    Examples:
        >>> cosine(np.array([[2.0, 0.0]]), np.array([[5.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]))
        array([[0., 1., 2.]])
    """
    unit_queries, unit_gallery = _unit(queries), _unit(gallery)
    result = squared_euclidean(unit_queries, unit_gallery) / 2.0
    result[~unit_queries.any(axis=1), :] = 1.0
    result[:, ~unit_gallery.any(axis=1)] = 1.0
    return result.astype(_result_dtype(queries, gallery), copy=False)


def dot(queries: FloatArray, gallery: FloatArray) -> FloatArray:
    """Negated inner product, ``-q.g``, so that smaller is more similar.

    Args:
        queries: ``(queries, dim)``.
        gallery: ``(gallery, dim)``.

    Returns:
        ``(queries, gallery)``.

    Examples:
        >>> dot(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [0.0, -1.0]]))
        array([[-11.,   2.]])
    """
    product = np.asarray(queries, np.float64) @ np.asarray(gallery, np.float64).T
    return np.negative(product).astype(_result_dtype(queries, gallery), copy=False)


def nearest(
    queries: ArrayLike,
    gallery: ArrayLike,
    k: int,
    *,
    distance: Distance = euclidean,
    query_keys: ArrayLike | None = None,
    gallery_keys: ArrayLike | None = None,
    query_groups: ArrayLike | None = None,
    gallery_groups: ArrayLike | None = None,
    block: int = 1024,
) -> Neighbours:
    """Find the k nearest gallery items of each query, exactly.

    Neighbours come in ascending distance, equal distances by lower gallery index.

    Args:
        queries: ``(queries, dim)``, finite.
        gallery: ``(gallery, dim)``, finite.
        k: neighbours wanted, at least 1.
        distance: a function such as `euclidean`, `cosine` or `dot`.
        query_keys: ``(queries,)`` integers or strings; pairs with *equal* keys are left out.
        gallery_keys: ``(gallery,)``, given together with `query_keys`.
        query_groups: ``(queries,)`` integers or strings; pairs with *unequal* groups are left out.
        gallery_groups: ``(gallery,)``, given together with `query_groups`.
        block: rows of each side measured at once; memory grows with ``block^2 + queries * k``.

    Returns:
        `Neighbours`; index -1 and distance infinity where fewer than k items qualify.

    Raises:
        UserError: if an argument has the wrong shape, type or length, or a value is not finite.

    Examples:
        >>> points = np.array([[0.0], [1.0], [5.0]])
        >>> nearest(points, points, 1, query_keys=[0, 1, 2], gallery_keys=[0, 1, 2]).indices[:, 0]
        array([1, 0, 1])
    """
    blocks = nearest_blocks(
        queries,
        gallery,
        k,
        distance=distance,
        query_keys=query_keys,
        gallery_keys=gallery_keys,
        query_groups=query_groups,
        gallery_groups=gallery_groups,
        block=block,
    )
    found = [_nothing(0, k), *(neighbours for _, neighbours in blocks)]
    return Neighbours(
        np.concatenate([part.distances for part in found]),
        np.concatenate([part.indices for part in found]),
    )


def farthest(
    queries: ArrayLike,
    gallery: ArrayLike,
    k: int,
    *,
    distance: Distance = euclidean,
    query_keys: ArrayLike | None = None,
    gallery_keys: ArrayLike | None = None,
    query_groups: ArrayLike | None = None,
    gallery_groups: ArrayLike | None = None,
    block: int = 1024,
) -> Neighbours:
    """Find the k farthest gallery items of each query, exactly.

    With labels as groups and ids as keys these are the hardest positives. Arguments are those of
    `nearest`.

    Returns:
        `Neighbours` in descending distance, equal distances by lower gallery index; index -1 and
        distance minus infinity where fewer than k items qualify.

    Raises:
        UserError: as `nearest`.

    Examples:
        >>> points, labels, ids = np.array([[0.0], [1.0], [5.0], [9.0]]), [0, 0, 0, 1], range(4)
        >>> farthest(points, points, 1, query_groups=labels, gallery_groups=labels,
        ...          query_keys=ids, gallery_keys=ids).indices[:, 0]
        array([ 2,  2,  0, -1])
    """
    found = nearest(
        queries,
        gallery,
        k,
        distance=lambda left, right: np.negative(distance(left, right)),
        query_keys=query_keys,
        gallery_keys=gallery_keys,
        query_groups=query_groups,
        gallery_groups=gallery_groups,
        block=block,
    )
    return Neighbours(np.negative(found.distances), found.indices)


def nearest_blocks(
    queries: ArrayLike,
    gallery: ArrayLike,
    k: int,
    *,
    distance: Distance = euclidean,
    query_keys: ArrayLike | None = None,
    gallery_keys: ArrayLike | None = None,
    query_groups: ArrayLike | None = None,
    gallery_groups: ArrayLike | None = None,
    block: int = 1024,
) -> Iterator[tuple[slice, Neighbours]]:
    """Yield what `nearest` finds, one block of queries at a time.

    For a k so large that even ``(queries, k)`` should not be held: memory grows with
    ``block * (block + k)``. Arguments are those of `nearest`.

    Returns:
        An iterator over (rows of the queries, their `Neighbours`), rows ascending.

    Raises:
        UserError: as `nearest`; all but an unusable distance before the first block.

    Examples:
        >>> points = np.arange(5.0)[:, None]
        >>> [(rows.start, rows.stop) for rows, _ in nearest_blocks(points, points, 1, block=2)]
        [(0, 2), (2, 4), (4, 5)]
    """
    left, right = as_vectors(queries, "queries"), as_vectors(gallery, "gallery")
    if left.shape[1] != right.shape[1]:
        raise UserError(
            f"queries and gallery: expected the same dimension, got {left.shape} and {right.shape}"
        )
    lengths = (len(left), len(right))
    return _scan(
        left,
        right,
        as_count(k, "k"),
        distance=distance,
        keys=_paired(query_keys, gallery_keys, lengths, "keys"),
        groups=_paired(query_groups, gallery_groups, lengths, "groups"),
        block=as_count(block, "block"),
    )


def as_vectors(values: ArrayLike, name: str) -> NDArray[Any]:
    """Return `values` as a finite ``(items, dim)`` array of numbers; `name` is for the error."""
    vectors = np.asarray(values)
    if vectors.ndim != 2 or vectors.dtype.kind not in "fiub":
        raise UserError(
            f"{name}: expected real numbers of shape (items, dim), "
            f"got {vectors.dtype} of shape {vectors.shape}"
        )
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if bad.size:
        raise UserError(
            f"{name}: expected finite values, got NaN or infinity in {bad.size} of "
            f"{len(vectors)} rows, first in row {bad[0]}"
        )
    return vectors


def as_keys(values: ArrayLike, length: int, name: str) -> NDArray[Any]:
    """Return `values` as ``(length,)`` integers or strings; `name` is for the error."""
    keys = np.asarray(values)
    # Not floats: ids above 2^24 collide in float32.
    if keys.shape != (length,) or (length and keys.dtype.kind not in "iubUS"):
        raise UserError(
            f"{name}: expected integers or strings of shape ({length},), "
            f"got {keys.dtype} of shape {keys.shape}"
        )
    return keys


def as_count(value: int, name: str) -> int:
    """Return `value` as an integer of at least 1; `name` is for the error."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise UserError(f"{name}: expected an integer of at least 1, got {value!r}")
    return int(value)


def shared_codes(
    left: NDArray[Any], right: NDArray[Any], name: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number the distinct keys of two arrays, so that equal keys and only they share a number."""
    filled = [keys for keys in (left, right) if len(keys)]
    joined = np.concatenate(filled) if filled else np.empty(0, np.int64)
    # numpy would join 1 with "1" as text, and int64 with uint64 as rounded floats.
    if joined.dtype.kind == "f" or len({keys.dtype.kind in "US" for keys in filled}) > 1:
        raise UserError(
            f"{name}: expected one kind of integers or strings on both sides, "
            f"got {left.dtype} and {right.dtype}"
        )
    _, codes = np.unique(joined, return_inverse=True)
    return codes[: len(left)].astype(np.int64), codes[len(left) :].astype(np.int64)


_Codes: TypeAlias = tuple[IntArray, IntArray]


def _paired(
    left: ArrayLike | None, right: ArrayLike | None, lengths: tuple[int, int], name: str
) -> _Codes | None:
    if left is None and right is None:
        return None
    if left is None or right is None:
        raise UserError(
            f"{name}: expected query_{name} and gallery_{name} together, "
            f"got only {'gallery' if left is None else 'query'}_{name}"
        )
    return shared_codes(
        as_keys(left, lengths[0], f"query_{name}"),
        as_keys(right, lengths[1], f"gallery_{name}"),
        name,
    )


def _scan(
    queries: NDArray[Any],
    gallery: NDArray[Any],
    k: int,
    *,
    distance: Distance,
    keys: _Codes | None,
    groups: _Codes | None,
    block: int,
) -> Iterator[tuple[slice, Neighbours]]:
    for rows in _slices(len(queries), block):
        best = _nothing(rows.stop - rows.start, k)
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


def _nothing(count: int, k: int) -> Neighbours:
    return Neighbours(
        np.full((count, k), np.inf, np.float32), np.full((count, k), -1, dtype=np.int64)
    )


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
    improved = np.flatnonzero(distances.min(axis=1) < best.distances[:, -1])
    if not improved.size:
        return best
    # The best so far stand first: among equal distances position order is then index order, and
    # the empty places (infinity, -1) win over pairs that were left out (infinity, an index).
    candidates = np.concatenate([best.distances[improved], distances[improved]], axis=1)
    positions = _smallest(candidates, best.distances.shape[1])
    merged = Neighbours(best.distances.astype(candidates.dtype), best.indices.copy())
    merged.distances[improved] = np.take_along_axis(candidates, positions, axis=1)
    merged.indices[improved] = _indices_at(best.indices[improved], positions, offset)
    return merged


def _indices_at(kept: IntArray, positions: IntArray, offset: int) -> IntArray:
    k = kept.shape[1]
    old = np.take_along_axis(kept, np.minimum(positions, k - 1), axis=1)
    return np.where(positions < k, old, positions - k + offset)


def _smallest(values: FloatArray, k: int) -> IntArray:
    """Positions ``(rows, k)`` of each row's k smallest, ascending, ties by position."""
    worst = np.partition(values, k - 1, axis=1)[:, k - 1 : k]
    chosen = values <= worst
    for row in np.flatnonzero(np.count_nonzero(chosen, axis=1) > k):
        tied = np.flatnonzero(values[row] == worst[row])
        surplus = np.count_nonzero(chosen[row]) - k
        chosen[row, tied[-surplus:]] = False
    positions = np.nonzero(chosen)[1].reshape(len(values), k)
    order = np.argsort(np.take_along_axis(values, positions, axis=1), axis=1, kind="stable")
    return np.take_along_axis(positions, order, axis=1)


def _squares(rows: FloatArray) -> FloatArray:
    return np.einsum("ij,ij->i", rows, rows)


def _unit(rows: FloatArray) -> FloatArray:
    # Divided by the largest entry first, so that no square over- or underflows.
    wide = np.asarray(rows, np.float64)
    largest = np.abs(wide).max(axis=1, keepdims=True, initial=0.0)
    scaled = np.divide(wide, largest, out=np.zeros_like(wide), where=largest > 0)
    norm = np.sqrt(_squares(scaled))[:, None]
    return np.divide(scaled, norm, out=scaled, where=norm > 0)


def _result_dtype(queries: FloatArray, gallery: FloatArray) -> np.dtype[Any]:
    return np.result_type(queries, gallery, np.float32)
