"""Clusters as regions that are denser than their surroundings."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn import search
from simlearn._typing import IntArray
from simlearn.clustering._order import NOISE, clustered
from simlearn.errors import UserError


def density_clusters(embeddings: ArrayLike, *, smallest: int = 4) -> NDArray[np.int64]:
    """Find clusters by density alone: neither their number nor a threshold is given.

    Distances are Euclidean; for embeddings compared by cosine scale them to unit length first.

    Args:
        embeddings: ``(items, dim)``, finite.
        smallest: items that make a cluster, at least 2. Fewer are noise.

    Returns:
        Cluster of each item, int64 ``(items,)``, by falling size, -1 for noise; no item gives no
        cluster. There is never exactly one cluster: where nothing is denser than its surroundings,
        all is noise.

    Raises:
        UserError: if a value is not finite or `smallest` is out of range.

    Examples:
        >>> density_clusters([[0.0], [0.1], [0.2], [0.3], [9.0], [9.1], [9.2], [50.0]], smallest=3)
        array([ 0,  0,  0,  0,  1,  1,  1, -1])

    Reference:
        R. J. G. B. Campello, D. Moulavi, J. Sander, Density-based clustering based on hierarchical
        density estimates, PAKDD 2013; computed by scikit-learn.
    """
    least = search.as_count(smallest, "smallest")
    if least < 2:
        raise UserError(f"smallest: expected at least 2, got {least}")

    def cluster(vectors: NDArray[Any]) -> IntArray:
        from sklearn.cluster import HDBSCAN

        if len(vectors) < least:
            return np.full(len(vectors), NOISE)
        return HDBSCAN(min_cluster_size=least, copy=True).fit_predict(vectors)

    return clustered(embeddings, cluster)
