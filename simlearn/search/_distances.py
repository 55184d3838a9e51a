"""Distances between the rows of two arrays: smaller is more similar."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simlearn._typing import FloatArray

Distance: TypeAlias = Callable[[FloatArray, FloatArray], FloatArray]
"""``(queries, dim), (gallery, dim) -> (queries, gallery)``, finite, smaller is more similar."""

# Where |q - g|^2 is this small a share of |q|^2 + |g|^2, the expanded square has lost more than six
# of its sixteen digits, and the difference is taken first instead.
_CANCELLATION = 1e-6
# Pairs whose differences are taken at once.
_PAIRS = 4096


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
    places = np.flatnonzero(close)
    for start in range(0, len(places), _PAIRS):
        pair = np.divmod(places[start : start + _PAIRS], len(wide_gallery))
        squared[pair] = _squares(wide_gallery[pair[1]] - wide_queries[pair[0]])
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
    unit_queries, unit_gallery = unit_rows(queries), unit_rows(gallery)
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


def paired(distance: Distance, left: FloatArray, right: FloatArray) -> FloatArray:
    """Distance of each row to the row beside it, ``(pairs,)``: equal pairs, equal distances.

    Args:
        distance: `euclidean`, `squared_euclidean`, `cosine` or `dot`.
        left: ``(pairs, dim)``.
        right: ``(pairs, dim)``.
    """
    wide_left, wide_right = np.asarray(left, np.float64), np.asarray(right, np.float64)
    result: FloatArray
    if distance is dot:
        result = -np.einsum("ij,ij->i", wide_left, wide_right)
    elif distance is cosine:
        wide_left, wide_right = unit_rows(wide_left), unit_rows(wide_right)
        result = _squares(wide_left - wide_right) / 2.0
        result[~(wide_left.any(axis=1) & wide_right.any(axis=1))] = 1.0
    else:
        result = _squares(wide_left - wide_right)
    result = np.sqrt(result) if distance is euclidean else result
    return np.asarray(result.astype(_result_dtype(left, right), copy=False))


def _squares(rows: FloatArray) -> FloatArray:
    return np.einsum("ij,ij->i", rows, rows)


def unit_rows(rows: FloatArray) -> NDArray[np.float64]:
    """Rows of length 1, in float64; zero rows stay zero."""
    # Divided by the largest entry first, so that no square over- or underflows.
    wide = np.asarray(rows, np.float64)
    largest = np.abs(wide).max(axis=1, keepdims=True, initial=0.0)
    scaled = np.divide(wide, largest, out=np.zeros_like(wide), where=largest > 0)
    norm = np.sqrt(_squares(scaled))[:, None]
    return np.divide(scaled, norm, out=scaled, where=norm > 0)


def _result_dtype(queries: FloatArray, gallery: FloatArray) -> np.dtype[Any]:
    return np.result_type(queries, gallery, np.float32)
