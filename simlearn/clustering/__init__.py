"""Clustering of embeddings: which items belong together, when nobody has said so?

With the number of clusters known, `k_means`. With it unknown, `threshold_clusters` and
`graph_clusters` for a threshold on the distance of two items, as verification chooses it, and
`density_clusters` without one.

Every function returns a cluster number for each item, int64 ``(items,)``: 0 for the largest
cluster, then 1, and so on. Neither clusters nor their numbers depend on the order of the items.
"""

from simlearn.clustering._density import density_clusters
from simlearn.clustering._graph import graph_clusters
from simlearn.clustering._k_means import k_means
from simlearn.clustering._threshold import threshold_clusters

__all__ = ["density_clusters", "graph_clusters", "k_means", "threshold_clusters"]
