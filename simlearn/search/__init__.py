"""Exact nearest and farthest neighbours in blocks, in numpy and without Keras.

No array of queries times gallery is ever held. Two kinds of integers or strings say which pairs
count: a pair with equal *keys* is left out (ids: a query never finds itself; labels: only items of
other classes are found), and a pair with unequal *groups* is left out (labels: only items of the
same class are found).
"""

from simlearn.search._arguments import as_count, as_keys, as_vectors, shared_codes
from simlearn.search._distances import Distance, cosine, dot, euclidean, squared_euclidean
from simlearn.search._exact import farthest, nearest, nearest_blocks
from simlearn.search._scan import Neighbours

__all__ = [
    "Distance",
    "Neighbours",
    "as_count",
    "as_keys",
    "as_vectors",
    "cosine",
    "dot",
    "euclidean",
    "farthest",
    "nearest",
    "nearest_blocks",
    "shared_codes",
    "squared_euclidean",
]
