"""Distances told apart by one matrix product in float32, and how far it may err.

A product of prepared rows gives a *key* of the distance of each pair: an increasing function of
it. In float32 that costs half of what float64 does; the order of two distances is settled
wherever their keys are farther apart than the errors allow, and only the other pairs have to be
measured in float64, one by one.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simlearn._typing import FloatArray, IntArray
from simlearn.search._distances import (
    Distance,
    cosine,
    dot,
    euclidean,
    paired,
    squared_euclidean,
    unit_rows,
)

Change: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]

# Unit roundoff of float32 and float64.
_SINGLE, _DOUBLE = 2.0**-24, 2.0**-53
# Rows prepared, and pairs measured, at once: what is in between stays in the cache.
_ROWS = 2048
# Norms whose squares are far from the ends of float32, in which the distances may come.
_SMALLEST, _LARGEST = 1e-15, 1e15


class Products(NamedTuple):
    """Rows whose product is the key of a distance.

    Attributes:
        left: ``(queries, depth)`` float32.
        right: ``(gallery, depth)`` float32.
        error: ``(queries,)`` by how much ``left @ right.T`` may differ from `key_of` the distance
            that the distance function gives.
        noise: ``(queries,)`` by how much the keys of a distance as `pair_distances` and as the
            distance function give it may differ.
        key_of: distances in float64 to keys; no key is farther than 4 from 0.
    """

    left: NDArray[np.float32]
    right: NDArray[np.float32]
    error: NDArray[np.float64]
    noise: NDArray[np.float64]
    key_of: Change


def has_products(distance: Distance, queries: NDArray[Any], gallery: NDArray[Any]) -> bool:
    """Whether `products` knows this distance and can scale these rows."""
    known = distance in (euclidean, squared_euclidean, cosine, dot)
    return known and bool(_SMALLEST < _largest_norm(queries, gallery) < _LARGEST)


def products(distance: Distance, queries: NDArray[Any], gallery: NDArray[Any]) -> Products:
    """Prepare both sides.

    With ``u = 2^-24`` an inner product of K terms in float32, in any order and with or without
    fused operations, is off by at most ``K u / (1 - K u)`` times the sum of the terms' absolute
    values (N. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., 2002, section 3.1).
    For ``|q|^2 + |g|^2 - 2 q.g`` that sum is at most ``(|q| + |g|)^2``, for ``-q.g`` at most
    ``|q| |g|``. Rounding the entries to float32 adds at most 3 u of it, rounding the distance
    itself 2 u; 8 u cover both and what is of second order. To these comes the error of the
    distance function, the same in float64 but of vectors that were not centred.

    Args:
        distance: one of `has_products`.
        queries: ``(queries, dim)``, finite.
        gallery: ``(gallery, dim)``, finite.

    Returns:
        `Products`.
    """
    if distance is cosine:
        return _of_dots(queries, gallery, unit_rows, lambda values: values - 1.0)
    # The largest norm becomes at most 1, by a power of two: exact, and nothing overflows.
    scale = 2.0 ** -np.ceil(np.log2(_largest_norm(queries, gallery)))
    if distance is dot:
        return _of_dots(queries, gallery, lambda rows: rows * scale, lambda v: v * scale**2)
    power = 2 if distance is euclidean else 1
    return _of_differences(queries, gallery, scale, lambda v: v**power * scale**2)


def pair_distances(
    distance: Distance,
    queries: NDArray[Any],
    gallery: NDArray[Any],
    rows: IntArray,
    columns: IntArray,
) -> FloatArray:
    """Distance of ``queries[rows[i]]`` and ``gallery[columns[i]]``, for each i.

    Equal pairs have equal distances, wherever they stand.
    """
    parts = [
        paired(distance, queries[rows[part]], gallery[columns[part]]) for part in _parts(len(rows))
    ]
    return np.concatenate([paired(distance, queries[:0], gallery[:0]), *parts])


def _of_dots(
    queries: NDArray[Any],
    gallery: NDArray[Any],
    change: Change,
    key_of: Change,
) -> Products:
    """Key ``-q.g`` of changed rows."""
    left, left_norms = _prepared(queries, change, -1.0)
    right, right_norms = _prepared(gallery, change, 1.0)
    size = left_norms * right_norms.max(initial=0.0)
    return Products(left, right, *_errors(left.shape[1], size), key_of)


def _of_differences(
    queries: NDArray[Any],
    gallery: NDArray[Any],
    scale: float,
    key_of: Change,
) -> Products:
    """Key ``|q - g|^2`` as ``[-2 q, |q|^2, 1] . [g, 1, |g|^2]``, of centred and scaled rows.

    Distances do not change with the origin, and the error is smallest where the norms are.
    """
    centre = np.asarray(gallery.mean(axis=0, dtype=np.float64) * scale)

    # Centred, norms may double.
    def change(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return (rows * scale - centre) / 2.0

    left, left_norms = _prepared(queries, change, -2.0, extra=2)
    right, right_norms = _prepared(gallery, change, 1.0, extra=2)
    left[:, -2], left[:, -1] = left_norms**2, 1.0
    right[:, -2], right[:, -1] = 1.0, right_norms**2
    size = (left_norms + right_norms.max(initial=0.0)) ** 2
    errors = _errors(left.shape[1], size)
    return Products(left, right, *errors, lambda values: key_of(values) / 4.0)


def _errors(terms: int, size: FloatArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Error and noise of keys whose terms' absolute values sum to `size` at most."""
    rounding = (terms + 8) * _SINGLE
    # Scaled and not centred, no |q| + |g| is above 2, and keys are a quarter of its square.
    double = (terms + 8) * _DOUBLE
    # The smallest float32 is 2^-149: what underflows is below the last addend.
    error = rounding / (1.0 - rounding) * size + double + terms * 2.0**-140
    return np.asarray(error), np.asarray(8 * _SINGLE * size + 2.0 * double)


def _prepared(
    vectors: NDArray[Any],
    change: Change,
    factor: float,
    extra: int = 0,
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Changed rows times a factor, in float32 with room for more columns, and their norms."""
    count, dim = vectors.shape
    prepared = np.empty((count, dim + extra), np.float32)
    norms = np.empty(count)
    for part in _parts(count):
        rows = change(vectors[part].astype(np.float64))
        norms[part] = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        prepared[part, :dim] = factor * rows
    return prepared, norms


def _largest_norm(*sides: NDArray[Any]) -> float:
    ends = [float(end) for side in sides for end in (side.min(initial=0), side.max(initial=0))]
    return max(map(abs, ends)) * float(np.sqrt(sides[0].shape[1]))


def _parts(count: int) -> Iterator[slice]:
    return (slice(start, start + _ROWS) for start in range(0, count, _ROWS))
