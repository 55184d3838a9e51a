"""Distances of each query to candidates of its own."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlearn.search._distances import Distance, cosine, dot, euclidean


def paired_distances(
    distance: Distance, queries: NDArray[np.float32], candidates: NDArray[Any]
) -> NDArray[np.float32]:
    """Distances ``(queries, c)`` of each query ``(queries, dim)`` to its own ``(queries, c, dim)``.

    From differences in float64, so that they agree with the functions of `_distances`.
    """
    left, right = queries.astype(np.float64)[:, None], candidates.astype(np.float64)
    if distance is dot:
        return np.negative((left * right).sum(axis=-1)).astype(np.float32)
    if distance is cosine:
        left, right = _unit(left), _unit(right)
    squared = np.square(left - right).sum(axis=-1)
    if distance is cosine:
        directed = left.any(axis=-1) & right.any(axis=-1)
        squared = np.where(directed, squared / 2.0, 1.0)
    if distance is euclidean:
        squared = np.sqrt(squared)
    return squared.astype(np.float32)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    norms = np.sqrt(np.square(vectors).sum(axis=-1, keepdims=True))
    return np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)
