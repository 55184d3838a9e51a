"""More like what somebody liked."""

from collections.abc import Callable, Hashable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn.errors import UserError
from simlearn.search._arguments import as_count
from simlearn.search._distances import Distance, dot, euclidean
from simlearn.search._gallery import as_float32
from simlearn.search._ids import Ids, as_ids
from simlearn.search._index import Found, Index

_Keep: TypeAlias = Callable[[NDArray[np.int64], int], list[int]]


def recommend(
    index: Index,
    k: int,
    *,
    ids: Ids = (),
    vectors: ArrayLike | None = None,
    lambda_: float = 1.0,
    pool: int = 100,
    group_of: Callable[[Any], Hashable] | None = None,
    distinct: bool = False,
) -> Found:
    """Pick k items that are near what was liked and, if asked, unlike each other.

    An item's distance is that to the nearest liked one, so two tastes give items of both and none
    from between. Of the nearest `pool`, maximal marginal relevance takes one after another:

        argmax_{D_i not in S} lambda Sim(D_i, Q) - (1 - lambda) max_{D_j in S} Sim(D_i, D_j)

    where S are those taken already and Q is what was liked; Sim is the negated distance. What was
    liked is never among them.

    Args:
        index: of either kind.
        k: items wanted, at least 1.
        ids: of liked items in the index.
        vectors: ``(liked, dim)`` of liked items that need not be in it; with `ids`, both count.
        lambda_: 0..1; 1 ranks by distance alone, 0 looks for the first at the nearest and then
            for diversity alone.
        pool: items to choose from, at least k.
        group_of: from an id, as `index.ids` has them, to the group of the item: at most one item
            of each group, its nearest, and none of the groups of liked ids.
        distinct: leave out items that are at distance 0 from a liked item, or from one that is
            as near or nearer (for `dot`: have the same vector).

    Returns:
        `Found` with distances ``(k,)`` to the nearest liked item, and ids ``(k,)``, in the order
        they were taken; infinity and -1 or the empty string where there are fewer than k.

    Raises:
        UserError: nothing is liked, an id is not in the index, a number is out of its range, or an
            argument has the wrong shape or type.

    Examples:
        >>> from simlearn.search import ExactIndex
        >>> index = ExactIndex(1)
        >>> index.add([[0.0], [1.0], [1.1], [3.0]], ["liked", "near", "nearly it", "other"])
        >>> recommend(index, 2, ids=["liked"]).ids.tolist()
        ['near', 'nearly it']
        >>> recommend(index, 2, ids=["liked"], lambda_=0.4).ids.tolist()
        ['near', 'other']

    Reference:
        Carbonell, Goldstein 1998, "The Use of MMR, Diversity-Based Reranking for Reordering
        Documents and Producing Summaries". Deviations: Sim1 and Sim2 are the same negated
        distance, for cosine the paper's similarity less 1; of equals the nearer item is taken,
        then the one that was added earlier.
    """
    k, pool = as_count(k, "k"), as_count(pool, "pool")
    if not 0.0 <= lambda_ <= 1.0:
        raise UserError(f"lambda_: expected a number from 0 to 1, got {lambda_!r}")
    if pool < k:
        raise UserError(f"pool: expected at least k = {k}, got {pool}")
    liked_rows, liked = _liked(index, ids, vectors)
    rows, distances = _eligible(
        index, liked_rows, liked, pool, _filter(index, liked_rows, liked, group_of, distinct)
    )
    taken = _marginal_relevance(index, rows, distances, k, lambda_)
    missing = (0, k - len(taken))
    return Found(
        np.pad(distances[taken], missing, constant_values=np.inf),
        index.gallery.ids_at(np.pad(rows[taken], missing, constant_values=-1)),
    )


def _liked(
    index: Index, ids: Ids, vectors: ArrayLike | None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    names = as_ids(ids, "ids")
    rows = index.gallery.rows_of(names)
    parts = [index.gallery.vectors[rows]]
    if vectors is not None:
        parts.append(as_float32(vectors, index.dim, "vectors"))
    liked = np.concatenate(parts)
    if not len(liked):
        raise UserError("ids and vectors: expected at least one liked item, got none")
    return rows, liked


def _filter(
    index: Index,
    liked_rows: NDArray[np.int64],
    liked: NDArray[np.float32],
    group_of: Callable[[Any], Hashable] | None,
    distinct: bool,
) -> _Keep:
    """From rows, nearest first, to the places of the first so many that may be recommended."""
    gallery = index.gallery
    same: Distance = euclidean if index.distance is dot else index.distance
    liked_ids = gallery.ids_at(liked_rows).tolist()

    def keep(rows: NDArray[np.int64], most: int) -> list[int]:
        kept: list[int] = []
        known = liked
        groups = {group_of(one) for one in liked_ids} if group_of else set()
        for place, (row, one) in enumerate(zip(rows, gallery.ids_at(rows).tolist(), strict=True)):
            if len(kept) == most:
                break
            if row in liked_rows or (group_of and group_of(one) in groups):
                continue
            if distinct:
                vector = gallery.vectors[row][None]
                if not same(vector, known).all():
                    continue
                known = np.concatenate([known, vector])
            if group_of:
                groups.add(group_of(one))
            kept.append(place)
        return kept

    return keep


def _eligible(
    index: Index,
    liked_rows: NDArray[np.int64],
    liked: NDArray[np.float32],
    pool: int,
    keep: _Keep,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows and distances of the `pool` nearest that `keep` lets through, nearest first."""
    wanted = pool + len(liked_rows)
    while True:
        found = index.search_rows(liked, min(wanted, max(len(index), 1)))
        there = found.indices >= 0
        rows, distances = found.indices[there], found.distances[there]
        order = np.lexsort((rows, distances))
        # Each row at its nearest; and of all lists together only so many as each is long: behind
        # them, rows may be missing that no list goes on to.
        _, first = np.unique(rows[order], return_index=True)
        order = order[np.sort(first)][:wanted]
        kept = keep(rows[order], pool)
        if len(kept) == pool or wanted >= len(index):
            return rows[order][kept], distances[order][kept]
        wanted *= 2


def _marginal_relevance(
    index: Index,
    rows: NDArray[np.int64],
    distances: NDArray[np.float32],
    k: int,
    lambda_: float,
) -> list[int]:
    """Places in `rows`, in the order in which marginal relevance takes them."""
    vectors = index.gallery.vectors[rows]
    relevance = -lambda_ * distances.astype(np.float64)
    # The first is the nearest, also at lambda 0, where all are equally relevant.
    taken = [0] if len(rows) else []
    redundancy = np.full(len(rows), -np.inf)
    while 0 < len(taken) < min(k, len(rows)):
        last = index.distance(vectors, vectors[taken[-1]][None])[:, 0]
        redundancy = np.maximum(redundancy, -last.astype(np.float64))
        score = relevance - (1.0 - lambda_) * redundancy
        score[taken] = -np.inf
        taken.append(int(np.argmax(score)))
    return taken
