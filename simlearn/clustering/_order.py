"""Clusters that depend on the items alone, not on their order."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn import search
from simlearn._typing import IntArray

NOISE = -1


def clustered(
    embeddings: ArrayLike, cluster: Callable[[NDArray[Any]], IntArray]
) -> NDArray[np.int64]:
    """Cluster the items in an order of their own, and number the clusters by size.

    Args:
        embeddings: ``(items, dim)``, finite.
        cluster: from items ``(items, dim)``, floats, to any integers ``(items,)`` with -1 for
            noise; called with one item at least.

    Returns:
        int64 ``(items,)``; equal sizes are numbered by their first item in that order.

    Raises:
        UserError: if `embeddings` are no finite matrix.
    """
    vectors = search.as_vectors(embeddings, "embeddings")
    floats = vectors if vectors.dtype.kind == "f" else vectors.astype(np.float64)
    if not len(floats):
        return np.empty(0, np.int64)
    order = _by_value(floats)
    labels = np.empty(len(floats), np.int64)
    labels[order] = _numbered(np.asarray(cluster(floats[order])))
    return labels


def _by_value(vectors: NDArray[Any]) -> IntArray:
    """The lexicographic order of the rows; equal rows are neighbours in it."""
    if not vectors.shape[1]:
        return np.arange(len(vectors))
    return np.lexsort(vectors.T[::-1])


def _numbered(labels: IntArray) -> IntArray:
    found, first, codes, counts = np.unique(
        labels, return_index=True, return_inverse=True, return_counts=True
    )
    # Noise last: it is no cluster, and gets no number.
    ranked = np.lexsort((first, -counts, found == NOISE))
    numbers = np.empty(len(found), np.int64)
    numbers[ranked] = np.arange(len(found))
    numbers[found == NOISE] = NOISE
    return numbers[codes]
