"""Agglomerative clusters, up to a threshold."""

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn import metrics, search
from simlearn._typing import IntArray
from simlearn.clustering._order import clustered
from simlearn.errors import UserError


def threshold_clusters(
    embeddings: ArrayLike,
    threshold: float | metrics.Threshold,
    *,
    linkage: Literal["average", "complete"] = "average",
    distance: search.Distance | None = None,
) -> NDArray[np.int64]:
    """Join the two nearest clusters, again and again, while they are within a threshold.

    The distance of two clusters is that of their items on average, or with ``"complete"`` that of
    the farthest two: then no two items of a cluster are farther apart than the threshold.

    Holds the distances of all pairs, ``4 * items^2`` bytes and some copies: beyond ten thousand
    items or so use `graph_clusters`.

    Args:
        embeddings: ``(items, dim)``, finite.
        threshold: join where the distance is at most this; or a `metrics.Threshold` that
            verification chose, with its distance.
        linkage: the distance of clusters. Where distances are exactly equal, which two are joined
            first is arbitrary, but does not depend on the order of the items.
        distance: a symmetric function such as `search.cosine`; by default that of a
            `metrics.Threshold`, and `search.euclidean` for a number.

    Returns:
        Cluster of each item, int64 ``(items,)``, by falling size; no item gives no cluster.

    Raises:
        UserError: if a value is not finite, `linkage` is neither, or `distance` is not the one that
            the threshold was chosen for.

    Examples:
        >>> threshold_clusters([[0.0], [1.0], [5.0], [1.5]], 2.0)
        array([0, 0, 1, 0])

    Reference:
        R. R. Sokal, C. D. Michener, A statistical method for evaluating systematic relationships,
        University of Kansas Science Bulletin 38, 1958 (average linkage); computed by SciPy.
    """
    if linkage not in ("average", "complete"):
        raise UserError(f"linkage: expected 'average' or 'complete', got {linkage!r}")
    value, measure = resolved(threshold, distance)

    def cluster(vectors: NDArray[Any]) -> IntArray:
        from scipy.cluster import hierarchy

        if len(vectors) == 1:
            return np.zeros(1, np.int64)
        # All pairs as (0, 1), (0, 2), ..., (1, 2), ...: SciPy's order too.
        condensed, _ = metrics.pair_distances(
            vectors, np.zeros(len(vectors), np.int64), distance=measure
        )
        tree = hierarchy.linkage(condensed.astype(np.float64), linkage)
        return hierarchy.fcluster(tree, value, "distance")

    return clustered(embeddings, cluster)


def resolved(
    threshold: float | metrics.Threshold, distance: search.Distance | None
) -> tuple[float, search.Distance]:
    """The value of a threshold, and the distance that it is a threshold of."""
    if not isinstance(threshold, metrics.Threshold):
        if np.isnan(threshold):
            raise UserError("threshold: expected a number, got NaN")
        return float(threshold), search.euclidean if distance is None else distance
    name = threshold.distance if distance is None else getattr(distance, "__name__", repr(distance))
    if name != threshold.distance:
        raise UserError(
            f"distance: expected {threshold.distance}, for which the threshold was chosen, "
            f"got {name}"
        )
    return threshold.value, threshold.distance_function() if distance is None else distance
