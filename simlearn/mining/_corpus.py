"""Mining a whole corpus offline, in blocks."""

from typing import Any, NamedTuple

import numpy as np

from simlearn import search
from simlearn._typing import FloatArray, IntArray
from simlearn.errors import UserError


class CorpusTriplets(NamedTuple):
    """Row numbers of a corpus: anchor `(t,)`, positive `(t,)`, negatives `(t, k)`."""

    anchor: IntArray
    positive: IntArray
    negatives: IntArray


def mine_corpus(
    embeddings: FloatArray,
    labels: IntArray,
    *,
    negatives: int = 5,
    distance: search.Distance = search.euclidean,
    block: int = 1024,
) -> CorpusTriplets:
    """Mine a whole corpus offline: each item with its farthest positive and closest negatives.

    Searches in blocks: memory is O(block^2 + n k), never O(n^2). Items whose class has no second
    item are anchors of nothing. Negatives are chosen by label, so that duplicates of the anchor
    (whatever their distance) are never among them.

    Args:
        embeddings: `(n, dim)`, finite.
        labels: integers or strings `(n,)`.
        negatives: how many of the hardest negatives (k) to return for each anchor.
        distance: one of simlearn.search's functions, numpy to numpy.
        block: rows compared at a time.

    Returns:
        CorpusTriplets, anchors in ascending order; negatives from closest to farther.

    Raises:
        UserError: shapes do not fit, an embedding is not finite, or some anchor has fewer than
            `negatives` items of other classes.
    """
    rows = np.arange(len(embeddings))
    labels = np.asarray(labels)
    closest = search.nearest(
        embeddings,
        embeddings,
        negatives,
        distance=distance,
        query_keys=labels,
        gallery_keys=labels,
        block=block,
    ).indices
    if np.any(closest < 0):
        label, size = _largest_class(labels)
        raise UserError(
            f"expected {negatives} items outside every class, received {len(labels)} items "
            f"of which {size} have label {label}"
        )
    positive = search.farthest(
        embeddings,
        embeddings,
        1,
        distance=distance,
        query_keys=rows,
        gallery_keys=rows,
        query_groups=labels,
        gallery_groups=labels,
        block=block,
    ).indices[:, 0]
    anchor = rows[positive >= 0]
    return CorpusTriplets(anchor, positive[anchor], closest[anchor])


def _largest_class(labels: IntArray) -> tuple[Any, int]:
    values, counts = np.unique(labels, return_counts=True)
    return values[np.argmax(counts)], int(counts.max())
