"""The index that compares with everything."""

import numpy as np
from numpy.typing import NDArray

from simlearn.search._exact import nearest
from simlearn.search._index import Index
from simlearn.search._scan import Neighbours


class ExactIndex(Index):
    """An index that compares each query with every vector: `nearest`, with ids and a file.

    Finds exactly what `nearest` finds among the same vectors in float32. Takes
    ``4 dim + about 150`` bytes an item.

    Args:
        dim: numbers in a vector.
        distance: `euclidean`, `squared_euclidean`, `cosine` or `dot`.
        model: fingerprint of the model that makes the vectors; see `Index`.

    Raises:
        UserError: an argument is not one of these.

    Examples:
        >>> index = ExactIndex(2)
        >>> index.add([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]], ["a", "b", "c"])
        >>> index.search([[0.0, 0.0]], 2, exclude=["a"])
        Found(distances=array([[1., 5.]], dtype=float32), ids=array([['c', 'b']], dtype='<U1'))
        >>> index.remove(["c"])
        >>> index.search([[0.0, 0.0]], 3).ids.tolist()
        [['a', 'b', '']]
    """

    kind = "exact"

    def _nearest(self, queries: NDArray[np.float32], k: int) -> Neighbours:
        return nearest(queries, self.gallery.vectors, k, distance=self.distance)
