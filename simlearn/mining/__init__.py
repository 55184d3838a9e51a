"""Mining: of all the pairs and triplets in a batch or a corpus, which ones count.

In a batch a miner is a function `(distances, positives, negatives) -> selection` on an `(n, m)`
distance matrix and its two masks (simlearn.pairs). Selections have static shapes (a mask says
what is real), so every miner compiles under XLA; no gradient flows through the choice. Over a
whole corpus, `mine_corpus` searches in blocks and returns indices; `mine_index` does it through an
index of simlearn.search, which may be approximate.

Examples:
    >>> import numpy as np
    >>> from simlearn import distances, mining, pairs
    >>> x = np.array([[0.0], [1.0], [3.0]], "float32")
    >>> labels = np.array([0, 0, 1])
    >>> positives, negatives = pairs.positive_pairs(labels), pairs.negative_pairs(labels)
    >>> chosen = mining.batch_hard(distances.euclidean(x, x), positives, negatives)
    >>> print(np.asarray(chosen.positive)[:2, 0], np.asarray(chosen.negative)[:2, 0])
    [1 0] [2 2]
    >>> print(np.asarray(chosen.valid)[:, 0])
    [ True  True False]
"""

from simlearn.mining._active import active_semi_hard, batch_all
from simlearn.mining._corpus import CorpusTriplets, mine_corpus
from simlearn.mining._distance_weighted import DistanceWeighted
from simlearn.mining._indexed import IndexTriplets, mine_index
from simlearn.mining._pairs import multi_similarity
from simlearn.mining._selection import ActiveTriplets, Pairs, TripletMiner, Triplets
from simlearn.mining._triplets import batch_hard, easy_positive, semi_hard

__all__ = [
    "ActiveTriplets",
    "CorpusTriplets",
    "DistanceWeighted",
    "IndexTriplets",
    "Pairs",
    "TripletMiner",
    "Triplets",
    "active_semi_hard",
    "batch_all",
    "batch_hard",
    "easy_positive",
    "mine_corpus",
    "mine_index",
    "multi_similarity",
    "semi_hard",
]
