"""Retrieval metrics of embeddings: how well do the nearest items of a query share its label?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn import search
from simlearn._typing import IntArray
from simlearn.metrics._places import Ranked
from simlearn.metrics._ranks import rank
from simlearn.metrics._searched import rank_by_search
from simlearn.metrics._task import count_relevant, make_task
from simlearn.metrics.rankings import scores_of
from simlearn.search._products import has_products

# Pairs of query and item below which preparing takes longer than searching.
_FEW = 2**22


def retrieval_scores(
    embeddings: ArrayLike,
    labels: ArrayLike,
    *,
    ks: Sequence[int] = (1, 5, 10),
    gallery: ArrayLike | None = None,
    gallery_labels: ArrayLike | None = None,
    ids: ArrayLike | None = None,
    gallery_ids: ArrayLike | None = None,
    distance: search.Distance = search.euclidean,
    block: int = 1024,
) -> dict[str, float]:
    """Mean scores of the rankings of embeddings, each a query in turn.

    Without a gallery the embeddings are their own, and each is kept from finding itself: by id,
    not by dropping the first hit, which would be a duplicate as easily as the query. Rows that
    share an id (two crops of one picture) do not find each other either. A query without any
    relevant item in the gallery can only fail; it is left out of the means and counted.

    Items at equal distance rank by gallery row. Where many distances are equal, scores therefore
    depend on the order of the gallery; `retrieval_bounds` tells by how much.

    With this module's four distances the gallery is passed over in float32 and whatever is too
    close to call is measured again in float64: the ranking is that of `search.nearest`.

    Args:
        embeddings: ``(queries, dim)``, finite.
        labels: ``(queries,)`` integers or strings.
        ks: the k of Recall@k and NDCG@k, each at least 1.
        gallery: ``(gallery, dim)`` to search instead of the embeddings themselves.
        gallery_labels: ``(gallery,)``, given together with `gallery`.
        ids: ``(queries,)`` integers or strings; the row number without a gallery if not given.
        gallery_ids: ``(gallery,)``; with a gallery, given together with `ids` or not at all.
        distance: a function such as `search.euclidean` or `search.cosine`.
        block: rows of each side measured at once; memory grows with
            ``block * (block + largest class)``, and with a share of ``queries * largest class``.

    Returns:
        Means in 0..1, higher is better: ``recall_at_<k>`` and ``ndcg_at_<k>`` for each k,
        ``precision_at_1``, which is Recall@1 by its other name, ``r_precision``, ``map_at_r``,
        ``ndcg_at_r`` and ``mrr``, over the whole ranking; and the counts ``queries_scored`` and
        ``queries_without_relevant``, which add up to all queries.

    Raises:
        UserError: if an argument has the wrong shape, type or length, a value is not finite, or no
            query has a relevant item.

    Examples:
        >>> points = np.array([[0.0], [1.0], [1.5], [4.0], [9.0]])
        >>> scores = retrieval_scores(points, [0, 0, 1, 1, 2], ks=(1, 2))
        >>> scores["recall_at_1"], scores["recall_at_2"], scores["queries_without_relevant"]
        (0.5, 0.75, 1.0)

    Reference:
        K. Musgrave et al., A Metric Learning Reality Check, ECCV 2020 (R-precision, MAP@R);
        `ndcg_at_k` and `reciprocal_rank` name theirs. Deviation: queries without a relevant item
        are left out of every mean.
    """
    wanted = [search.as_count(k, "ks") for k in ks]
    task = make_task(embeddings, labels, gallery, gallery_labels, ids, gallery_ids)
    rows = search.as_count(block, "block")
    relevant = count_relevant(task)
    depth = int(max([*wanted, relevant.max()]))

    def use(ranked: Ranked) -> dict[str, NDArray[np.float64]]:
        return scores_of(ranked.relevance, relevant[ranked.rows], ranked.first, wanted)

    parts: list[dict[str, NDArray[np.float64]]] = []
    left: IntArray = np.flatnonzero(relevant)
    pairs = len(task.queries) * len(task.gallery)
    if pairs > _FEW and has_products(distance, task.queries, task.gallery):
        parts, left = rank(task, depth, distance, rows, use)
    for found in rank_by_search(task, np.sort(left), depth, distance, rows):
        parts.append(use(found))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    means = {name: float(column.mean()) for name, column in columns.items()}
    scored = np.count_nonzero(relevant)
    return means | {
        "queries_scored": float(scored),
        "queries_without_relevant": float(len(relevant) - scored),
    }
