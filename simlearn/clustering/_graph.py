"""Clusters in a graph of near neighbours, for many items."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn import metrics, search
from simlearn._typing import BoolArray, IntArray
from simlearn.clustering._order import clustered
from simlearn.clustering._threshold import resolved
from simlearn.errors import UserError

_EDGES_AT_ONCE = 1 << 16


def graph_clusters(
    embeddings: ArrayLike,
    threshold: float | metrics.Threshold,
    *,
    neighbours: int = 10,
    overlap: float = 0.3,
    distance: search.Distance | None = None,
    block: int = 1024,
) -> NDArray[np.int64]:
    """Join items that are among each other's neighbours and have neighbours in common.

    The neighbourhood N(i) is the item itself and those of its nearest `neighbours` that are within
    the threshold. Items i and j are joined where each is in the other's and
    ``|N(i) & N(j)| >= overlap |N(i) | N(j)|``; a cluster is what is joined directly or through
    others. The threshold alone would let a single pair join two clusters; `overlap` asks their
    neighbours too.

    Takes time of ``items^2 dim`` for the exact search and memory of ``items * neighbours``. Equal
    rows count as one item and always share a cluster.

    Args:
        embeddings: ``(items, dim)``, finite.
        threshold: neighbours are at most this far; or a `metrics.Threshold` that verification
            chose, with its distance.
        neighbours: how many neighbours an item may have, at least 1.
        overlap: the share of neighbours in common, in 0..1; 0 asks for none.
        distance: a symmetric function such as `search.cosine`; by default that of a
            `metrics.Threshold`, and `search.euclidean` for a number.
        block: items measured at once against as many others.

    Returns:
        Cluster of each item, int64 ``(items,)``, by falling size; no item gives no cluster.

    Raises:
        UserError: if a value is not finite, an argument is out of range, or `distance` is not the
            one that the threshold was chosen for.

    Examples:
        >>> graph_clusters([[0.0], [1.0], [5.0], [1.5], [5.5]], 2.0)
        array([0, 0, 1, 0, 1])

    Reference:
        R. A. Jarvis, E. A. Patrick, Clustering using a similarity measure based on shared near
        neighbors, IEEE Transactions on Computers C-22, 1973; deviations: neighbours are within a
        threshold, and those in common are counted as a share, not as a number.
    """
    value, measure = resolved(threshold, distance)
    count = search.as_count(neighbours, "neighbours")
    if not 0.0 <= overlap <= 1.0:
        raise UserError(f"overlap: expected a share in 0..1, got {overlap!r}")

    def cluster(vectors: NDArray[Any]) -> IntArray:
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        # Items are in order here, so that equal ones are neighbours.
        new = np.append(True, (vectors[1:] != vectors[:-1]).any(axis=1))
        distinct = vectors[new]
        rows = np.arange(len(distinct))
        found = search.nearest(
            distinct,
            distinct,
            min(count, max(len(distinct) - 1, 1)),
            distance=measure,
            query_keys=rows,
            gallery_keys=rows,
            block=block,
        )
        # In float64: the threshold must not be rounded to the distances' type.
        near = (found.indices >= 0) & (found.distances.astype(np.float64) <= value)
        left, right = _joined(found.indices, near, overlap)
        edges = coo_array((np.ones(len(left), np.bool_), (left, right)), shape=(len(rows),) * 2)
        _, labels = connected_components(edges, directed=False)
        return labels[np.cumsum(new) - 1]

    return clustered(embeddings, cluster)


def _joined(indices: IntArray, near: BoolArray, overlap: float) -> tuple[IntArray, IntArray]:
    """Both ends of the edges, each once, between items that are joined."""
    from scipy.sparse import csr_array, eye_array

    items = len(indices)
    starts = np.append(0, np.cumsum(near.sum(axis=1)))
    graph = csr_array(
        (np.ones(int(starts[-1]), np.int32), indices[near], starts), shape=(items, items)
    )
    mutual = graph.multiply(graph.T).tocoo()
    once = mutual.row < mutual.col
    left, right = mutual.row[once], mutual.col[once]
    closed = (graph + eye_array(items, dtype=np.int32, format="csr")).tocsr()
    sizes = closed.sum(axis=1)
    kept = np.zeros(len(left), np.bool_)
    for start in range(0, len(left), _EDGES_AT_ONCE):
        part = slice(start, start + _EDGES_AT_ONCE)
        shared = closed[left[part]].multiply(closed[right[part]]).sum(axis=1)
        either = sizes[left[part]] + sizes[right[part]] - shared
        kept[part] = shared >= overlap * either
    return left[kept], right[kept]
