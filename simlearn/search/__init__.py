"""Nearest neighbours, exact and approximate, and recommendation: numpy, without Keras.

`nearest` and `farthest` search in blocks; no array of queries times gallery is ever held. Two kinds
of integers or strings say which pairs count: a pair with equal *keys* is left out (ids: a query
never finds itself; labels: only items of other classes are found), and a pair with unequal *groups*
is left out (labels: only items of the same class are found).

`ExactIndex` and `ApproximateIndex` are galleries to keep: items with ids come and go, are searched,
and lie in a file. `recommend` picks from either.
"""

from simlearn.search._approximate import ApproximateIndex
from simlearn.search._arguments import as_count, as_keys, as_vectors, shared_codes
from simlearn.search._distances import Distance, cosine, dot, euclidean, squared_euclidean
from simlearn.search._exact import farthest, nearest, nearest_blocks
from simlearn.search._exact_index import ExactIndex
from simlearn.search._index import Found, Index
from simlearn.search._recommend import recommend
from simlearn.search._scan import Neighbours

__all__ = [
    "ApproximateIndex",
    "Distance",
    "ExactIndex",
    "Found",
    "Index",
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
    "recommend",
    "shared_codes",
    "squared_euclidean",
]
