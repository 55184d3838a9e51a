"""Mining a corpus through an index, exact or approximate."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn import search
from simlearn._typing import IntArray
from simlearn.errors import UserError

# Anchors searched at once.
_BLOCK = 1024


class IndexTriplets(NamedTuple):
    """Rows of an index: anchor `(t,)`, positive `(t,)`, negatives `(t, k)`, and who was left out.

    `left_out` `(l,)` are the anchors that have a positive but too few negatives within reach.
    """

    anchor: IntArray
    positive: IntArray
    negatives: IntArray
    left_out: IntArray


def mine_index(
    index: search.Index,
    labels: ArrayLike,
    *,
    negatives: int = 5,
    reach: int = 1000,
) -> IndexTriplets:
    """Mine a corpus that is too large to compare all with all, through a search index.

    As `mine_corpus`: each item with its farthest positive and closest negatives, chosen by label
    and row, never by distance. But negatives are looked for among the nearest neighbours alone,
    in more and more of them, until there are enough or `reach` have been seen. An anchor with
    fewer lies deep within its own class, and is left out: its triplets would teach least. With an
    `ExactIndex` and a `reach` of its length the result is that of `mine_corpus`, in float32; with
    an `ApproximateIndex` a closer negative may be missed, and none is ever of the anchor's label.

    Positives are exact: they are searched for within each class, which takes time in proportion to
    the squares of the classes' sizes.

    Args:
        index: the corpus; rows are in the order of `index.ids`.
        labels: integers or strings `(n,)`, one for each row of the index.
        negatives: how many of the hardest negatives (k) to return for each anchor.
        reach: nearest neighbours of an anchor that are looked through at most, at least
            `negatives`; memory grows with 1024 times it.

    Returns:
        IndexTriplets, anchors in ascending order; negatives from closest to farther. To count:
        `len(found.left_out)`.

    Raises:
        UserError: labels do not fit the index, or a number is out of its range.

    Examples:
        >>> index = search.ExactIndex(1)
        >>> index.add([[0.0], [0.1], [0.9], [1.0], [9.0]], ["a", "b", "c", "d", "e"])
        >>> found = mine_index(index, [0, 0, 0, 1, 1], negatives=1, reach=3)
        >>> found.anchor.tolist(), found.negatives[:, 0].tolist(), found.left_out.tolist()
        ([2, 3, 4], [3, 2, 2], [0, 1])
    """
    codes = _codes(labels, len(index))
    k, reach = search.as_count(negatives, "negatives"), search.as_count(reach, "reach")
    if reach < k:
        raise UserError(f"reach: expected at least negatives = {k}, got {reach}")
    vectors = index.vectors(index.ids)
    positive = _farthest_of_class(vectors, codes, index.distance)
    anchors = np.flatnonzero(positive >= 0)
    closest = [np.empty((0, k), np.int64)]
    for start in range(0, len(anchors), _BLOCK):
        block = anchors[start : start + _BLOCK]
        closest.append(_closest_of_others(index, vectors, codes, block, k, reach))
    found = np.concatenate(closest)
    full = found[:, -1] >= 0
    kept = anchors[full]
    return IndexTriplets(kept, positive[kept], found[full], anchors[~full])


def _codes(labels: ArrayLike, count: int) -> NDArray[np.int64]:
    keys = search.as_keys(labels, count, "labels")
    return search.shared_codes(keys, keys, "labels")[0]


def _farthest_of_class(
    vectors: NDArray[np.float32], codes: NDArray[np.int64], distance: search.Distance
) -> NDArray[np.int64]:
    """Row `(n,)` of the farthest other item of the same class; -1 for an only one."""
    found = np.full(len(codes), -1, dtype=np.int64)
    order = np.argsort(codes, kind="stable")
    ends = np.flatnonzero(np.diff(codes[order])) + 1
    for members in np.split(order, ends):
        if len(members) > 1:
            own, places = vectors[members], np.arange(len(members))
            farthest = search.farthest(
                own, own, 1, distance=distance, query_keys=places, gallery_keys=places
            )
            found[members] = members[farthest.indices[:, 0]]
    return found


def _closest_of_others(
    index: search.Index,
    vectors: NDArray[np.float32],
    codes: NDArray[np.int64],
    anchors: NDArray[np.int64],
    k: int,
    reach: int,
) -> NDArray[np.int64]:
    """Rows `(anchors, k)` of the nearest of other classes, -1 where too few are within reach."""
    found = np.full((len(anchors), k), -1, dtype=np.int64)
    lacking, wanted = np.arange(len(anchors)), min(2 * k, reach)
    while len(lacking):
        rows = index.search_rows(vectors[anchors[lacking]], wanted).indices
        usable = (rows >= 0) & (codes[rows] != codes[anchors[lacking], None])
        # Usable ones first, in their order.
        first = np.argsort(~usable, axis=1, kind="stable")[:, :k]
        found[lacking] = np.where(
            np.take_along_axis(usable, first, axis=1),
            np.take_along_axis(rows, first, axis=1),
            -1,
        )
        lacking = lacking[found[lacking, -1] < 0]
        if wanted >= min(reach, len(index)):
            break
        wanted = min(4 * wanted, reach)
    return found
