"""Retrieval metrics: how well do the nearest items of a query share its label?

The functions on ``relevance`` score rankings that are already there, one value a query;
`retrieval_scores` ranks embeddings in blocks and takes the means.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn import search
from simlearn._typing import BoolArray, IntArray
from simlearn.errors import UserError


def recall_at_k(relevance: ArrayLike, k: int) -> NDArray[np.float64]:
    """Whether any of the k nearest items is relevant, ``max_{i <= k} rel(i)``, per query.

    This is the recall of metric learning, 0 or 1 for each query; information retrieval's share
    of the relevant items found is another quantity.

    Args:
        relevance: ``(queries, depth)`` booleans, nearest first, ``depth >= k``.
        k: how many items count, at least 1.

    Returns:
        ``(queries,)`` of 0 or 1.

    Raises:
        UserError: if `relevance` is not a boolean matrix of at least k columns.

    Examples:
        >>> recall_at_k([[False, True, False], [False, False, True]], 2)
        array([1., 0.])

    Reference:
        H. Oh Song et al., Deep Metric Learning via Lifted Structured Feature Embedding, CVPR 2016,
        the Recall@K of its retrieval experiments.
    """
    ranked = _ranked(relevance, search.as_count(k, "k"))
    return np.asarray(ranked[:, :k].any(axis=1), np.float64)


def r_precision(relevance: ArrayLike, relevant: ArrayLike) -> NDArray[np.float64]:
    """Share of relevant items among the R nearest, ``sum_{i <= R} rel(i) / R``, per query.

    Args:
        relevance: ``(queries, depth)`` booleans, nearest first, ``depth >= max(R)``.
        relevant: ``(queries,)`` integers: R, how many relevant items the gallery holds, at least 1.

    Returns:
        ``(queries,)`` in 0..1.

    Raises:
        UserError: if a shape or type is wrong, an R is below 1, or the ranking is too short.

    Examples:
        >>> r_precision([[True, False, True], [True, True, False]], [3, 1])
        array([0.66666667, 1.        ])

    Reference:
        K. Musgrave et al., A Metric Learning Reality Check, ECCV 2020, where R-precision is defined
        beside MAP@R.
    """
    counts = _counts(relevant)
    hits = _hits_within(relevance, counts)
    return hits.sum(axis=1) / counts


def average_precision_at_r(relevance: ArrayLike, relevant: ArrayLike) -> NDArray[np.float64]:
    """Average precision over the R nearest, per query; its mean over the queries is MAP@R.

    ``AP@R = 1/R sum_{i <= R} P(i) rel(i)``, with P(i) the share of relevant items among the first
    i: a later hit counts for less, and a relevant item beyond place R counts nothing.

    Args:
        relevance: ``(queries, depth)`` booleans, nearest first, ``depth >= max(R)``.
        relevant: ``(queries,)`` integers: R, how many relevant items the gallery holds, at least 1.

    Returns:
        ``(queries,)`` in 0..1.

    Raises:
        UserError: if a shape or type is wrong, an R is below 1, or the ranking is too short.

    Examples:
        >>> average_precision_at_r([[True, False, True], [False, True, True]], [3, 2])
        array([0.55555556, 0.25      ])

    Reference:
        K. Musgrave et al., A Metric Learning Reality Check, ECCV 2020, the definition of MAP@R.
    """
    counts = _counts(relevant)
    hits = _hits_within(relevance, counts)
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    return np.where(hits, precision, 0.0).sum(axis=1) / counts


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
    """Mean Recall@k, R-precision and MAP@R of embeddings, each a query in turn.

    Without a gallery the embeddings are their own, and each is kept from finding itself: by id,
    not by dropping the first hit, which would be a duplicate as easily as the query. Rows that
    share an id (two crops of one picture) do not find each other either. A query without any
    relevant item in the gallery can only fail; it is left out of the means and counted.

    Items at equal distance rank by gallery row. Where many distances are equal, scores therefore
    depend on the order of the gallery.

    Args:
        embeddings: ``(queries, dim)``, finite.
        labels: ``(queries,)`` integers or strings.
        ks: the k of Recall@k, each at least 1.
        gallery: ``(gallery, dim)`` to search instead of the embeddings themselves.
        gallery_labels: ``(gallery,)``, given together with `gallery`.
        ids: ``(queries,)`` integers or strings; the row number without a gallery if not given.
        gallery_ids: ``(gallery,)``; with a gallery, given together with `ids` or not at all.
        distance: a function such as `search.euclidean` or `search.cosine`.
        block: rows of each side measured at once; memory grows with
            ``block * (block + largest class)``.

    Returns:
        ``recall_at_<k>`` for each k, ``r_precision`` and ``map_at_r``, in 0..1, higher is better;
        ``queries_scored`` and ``queries_without_relevant``, which add up to all queries.

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
        deviation: queries without a relevant item are left out of every mean.
    """
    wanted = [search.as_count(k, "ks") for k in ks]
    task = _task(embeddings, labels, gallery, gallery_labels, ids, gallery_ids)
    relevant = _count_relevant(task)
    scored = relevant > 0
    if not scored.any():
        raise UserError(
            f"labels: expected a query with another item of its label in the gallery, "
            f"got none in {len(relevant)} queries"
        )
    parts: dict[str, list[NDArray[np.float64]]] = {}
    for rows, relevance in _rankings(task, max([*wanted, relevant.max()]), distance, block):
        keep = scored[rows]
        hits, counts = relevance[keep], relevant[rows][keep]
        for k in wanted:
            parts.setdefault(f"recall_at_{k}", []).append(recall_at_k(hits, k))
        parts.setdefault("r_precision", []).append(r_precision(hits, counts))
        parts.setdefault("map_at_r", []).append(average_precision_at_r(hits, counts))
    means = {name: float(np.concatenate(values).mean()) for name, values in parts.items()}
    return means | {
        "queries_scored": float(scored.sum()),
        "queries_without_relevant": float((~scored).sum()),
    }


class _Task(NamedTuple):
    queries: NDArray[Any]
    gallery: NDArray[Any]
    labels: IntArray
    gallery_labels: IntArray
    ids: IntArray | None
    gallery_ids: IntArray | None


def _task(
    embeddings: ArrayLike,
    labels: ArrayLike,
    gallery: ArrayLike | None,
    gallery_labels: ArrayLike | None,
    ids: ArrayLike | None,
    gallery_ids: ArrayLike | None,
) -> _Task:
    queries = search.as_vectors(embeddings, "embeddings")
    if gallery is None:
        if gallery_labels is not None or gallery_ids is not None:
            raise UserError("gallery: expected with gallery_labels and gallery_ids, got None")
        ids = np.arange(len(queries)) if ids is None else ids
        gallery, gallery_labels, gallery_ids = queries, labels, ids
    if gallery_labels is None:
        raise UserError("gallery_labels: expected together with gallery, got None")
    if (ids is None) != (gallery_ids is None):
        missing = "ids" if ids is None else "gallery_ids"
        raise UserError(f"{missing}: expected ids and gallery_ids together, got None")
    items = search.as_vectors(gallery, "gallery")
    sizes = (len(queries), len(items))
    codes = _codes(labels, gallery_labels, sizes, "labels")
    if ids is None or gallery_ids is None:
        return _Task(queries, items, *codes, None, None)
    return _Task(queries, items, *codes, *_codes(ids, gallery_ids, sizes, "ids"))


def _codes(
    own: ArrayLike, others: ArrayLike, sizes: tuple[int, int], name: str
) -> tuple[IntArray, IntArray]:
    return search.shared_codes(
        search.as_keys(own, sizes[0], name),
        search.as_keys(others, sizes[1], f"gallery_{name}"),
        name,
    )


def _count_relevant(task: _Task) -> IntArray:
    same_label = _occurrences(task.labels, task.gallery_labels)
    if task.ids is None or task.gallery_ids is None:
        return same_label
    # Of the items with the query's label, those with its id as well are left out.
    width = 1 + max(task.ids.max(initial=0), task.gallery_ids.max(initial=0))
    both = _occurrences(
        task.labels * width + task.ids, task.gallery_labels * width + task.gallery_ids
    )
    return same_label - both


def _occurrences(codes: IntArray, among: IntArray) -> IntArray:
    left, right = search.shared_codes(codes, among, "codes")
    return np.bincount(right, minlength=1 + left.max(initial=0))[left]


def _rankings(
    task: _Task, depth: int, distance: search.Distance, block: int
) -> Iterator[tuple[slice, BoolArray]]:
    blocks = search.nearest_blocks(
        task.queries,
        task.gallery,
        depth,
        distance=distance,
        query_keys=task.ids,
        gallery_keys=task.gallery_ids,
        block=block,
    )
    for rows, found in blocks:
        # Index -1 would pick the last label: an empty place is never relevant.
        same = task.gallery_labels[found.indices] == task.labels[rows, None]
        yield rows, same & (found.indices >= 0)


def _ranked(relevance: ArrayLike, depth: int) -> BoolArray:
    ranked = np.asarray(relevance)
    if ranked.ndim != 2 or ranked.dtype != np.bool_ or ranked.shape[1] < depth:
        raise UserError(
            f"relevance: expected booleans of shape (queries, at least {depth}), "
            f"got {ranked.dtype} of shape {ranked.shape}"
        )
    return ranked


def _counts(relevant: ArrayLike) -> IntArray:
    counts = np.asarray(relevant)
    if counts.ndim != 1 or (counts.size and counts.dtype.kind not in "iu"):
        raise UserError(
            f"relevant: expected integers of shape (queries,), "
            f"got {counts.dtype} of shape {counts.shape}"
        )
    if counts.min(initial=1) < 1:
        raise UserError(f"relevant: expected at least 1 for each query, got {counts.min()}")
    return counts


def _hits_within(relevance: ArrayLike, counts: IntArray) -> BoolArray:
    ranked = _ranked(relevance, int(counts.max(initial=0)))
    if len(ranked) != len(counts):
        raise UserError(
            f"relevance and relevant: expected the same length, got {len(ranked)} and {len(counts)}"
        )
    return ranked & (np.arange(ranked.shape[1]) < counts[:, None])
