"""k-means, for a known number of clusters."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn import search
from simlearn._typing import IntArray
from simlearn.clustering._order import clustered
from simlearn.errors import UserError


def k_means(
    embeddings: ArrayLike, k: int, *, seed: int = 0, restarts: int = 10
) -> NDArray[np.int64]:
    """Cut the items into k clusters around their means.

    Minimises ``sum_i |x_i - mean of x_i's cluster|^2`` by Lloyd's iterations from the best of
    `restarts` starts. For embeddings compared by cosine scale them to unit length first: squared
    distances are then twice the cosine distances.

    Args:
        embeddings: ``(items, dim)``, finite.
        k: number of clusters, at least 1 and at most the number of distinct items.
        seed: 0 to 2^32 - 1, of the starts (k-means++).
        restarts: how many starts, at least 1.

    Returns:
        Cluster of each item, int64 ``(items,)``, all of 0 to k - 1 occurring, by falling size.

    Raises:
        UserError: if a value is not finite, an argument is out of range, or there are fewer
            distinct items than clusters.

    Examples:
        >>> k_means([[0.0], [9.0], [1.0], [10.0], [0.5]], 2)
        array([0, 1, 0, 1, 0])

    Reference:
        S. P. Lloyd, Least squares quantization in PCM, IEEE Transactions on Information Theory 28,
        1982; starts by D. Arthur, S. Vassilvitskii, k-means++: the advantages of careful seeding,
        SODA 2007; computed by scikit-learn.
    """
    wanted, starts = search.as_count(k, "k"), search.as_count(restarts, "restarts")
    if not 0 <= seed < 2**32:
        raise UserError(f"seed: expected 0 to 2^32 - 1, got {seed}")

    def cluster(vectors: NDArray[Any]) -> IntArray:
        from sklearn.cluster import KMeans

        # Items are in order here, so that equal ones are neighbours.
        distinct = 1 + int((vectors[1:] != vectors[:-1]).any(axis=1).sum())
        _require(wanted, distinct)
        means = KMeans(wanted, n_init=starts, random_state=seed, copy_x=True)
        return means.fit_predict(vectors)

    if not len(search.as_vectors(embeddings, "embeddings")):
        _require(wanted, 0)
    return clustered(embeddings, cluster)


def _require(wanted: int, distinct: int) -> None:
    if distinct < wanted:
        raise UserError(
            f"k: expected at most the number of distinct items, {distinct}, got {wanted}"
        )
