"""Scores of rankings that are already there: which of the nearest items are relevant?

``relevance`` holds one row a query, nearest item first; each function gives one value a query,
and the mean over the queries is the score that papers quote.
"""

from collections.abc import Sequence

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


def precision_at_k(relevance: ArrayLike, k: int) -> NDArray[np.float64]:
    """Share of relevant items among the k nearest, ``sum_{i <= k} rel(i) / k``, per query.

    With fewer than k relevant items in the gallery not even a perfect ranking reaches 1.

    Args:
        relevance: ``(queries, depth)`` booleans, nearest first, ``depth >= k``.
        k: how many items count, at least 1.

    Returns:
        ``(queries,)`` in 0..1; for k = 1 the same as `recall_at_k`.

    Raises:
        UserError: if `relevance` is not a boolean matrix of at least k columns.

    Examples:
        >>> precision_at_k([[True, True, False], [False, False, True]], 2)
        array([1., 0.])
    """
    ranked = _ranked(relevance, search.as_count(k, "k"))
    return np.asarray(ranked[:, :k].mean(axis=1), np.float64)


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
    # The n-th hit, at place i, adds n / i.
    share = np.cumsum(hits, axis=1, dtype=np.int32) / np.arange(1, hits.shape[1] + 1)
    return share.sum(axis=1, where=hits) / counts


def ndcg_at_k(relevance: ArrayLike, relevant: ArrayLike, k: ArrayLike) -> NDArray[np.float64]:
    """Normalised discounted cumulative gain of the k nearest, with gain 1 or 0, per query.

    ``NDCG@k = sum_{i <= k} rel(i) / log2(1 + i)  /  sum_{i <= min(k, R)} 1 / log2(1 + i)``: what
    the hits gain, over what they would have gained in a perfect ranking.

    Args:
        relevance: ``(queries, depth)`` booleans, nearest first, ``depth >= max(k)``.
        relevant: ``(queries,)`` integers: R, how many relevant items the gallery holds, at least 1.
        k: how many items count: one integer, or ``(queries,)`` of them (R itself gives NDCG@R),
            at least 1.

    Returns:
        ``(queries,)`` in 0..1.

    Raises:
        UserError: if a shape or type is wrong, an R or k is below 1, or the ranking is too short.

    Examples:
        >>> ndcg_at_k([[False, True, True], [True, False, False]], [2, 1], 3)
        array([0.6934264, 1.       ])

    Reference:
        K. Järvelin and J. Kekäläinen, Cumulated Gain-Based Evaluation of IR Techniques, ACM
        Transactions on Information Systems 20(4), 2002; deviation: the discount is
        ``log2(1 + i)`` as is usual since, where theirs is ``log_b(i)`` from place b on and none
        before, which with b = 2 discounts the first two places alike.
    """
    counts = _counts(relevant)
    depths = _counts(np.full(len(counts), k) if np.ndim(k) == 0 else k, "k")
    if len(depths) != len(counts):
        raise UserError(
            f"k: expected one integer or one for each query, got {len(depths)} "
            f"for {len(counts)} queries"
        )
    hits = _hits_within(relevance, depths, counts)
    gains = 1.0 / np.log2(np.arange(2, hits.shape[1] + 2))
    ideal = np.concatenate([[0.0], np.cumsum(gains)])[np.minimum(depths, counts)]
    # Added in the order of the ideal: a perfect ranking gives exactly 1.
    gained = np.cumsum(np.where(hits, gains, 0.0), axis=1)
    return np.asarray(gained[:, -1:].sum(axis=1) / ideal)


def reciprocal_rank(first: ArrayLike) -> NDArray[np.float64]:
    """One over the place of the first relevant item, per query; its mean is MRR.

    The place is that in the whole ranking, however far down: it is a number rather than a
    ranking, because the nearest relevant item can be told without sorting what lies behind it.

    Args:
        first: ``(queries,)`` integers: place of the first relevant item, from 1.

    Returns:
        ``(queries,)`` in 0..1.

    Raises:
        UserError: if shape or type is wrong, or a place is below 1.

    Examples:
        >>> reciprocal_rank([1, 4])
        array([1.  , 0.25])

    Reference:
        E. Voorhees, The TREC-8 Question Answering Track Report, 1999; deviation: no cut-off, where
        TREC-8 looked at five answers and gave 0 beyond.
    """
    return 1.0 / _counts(first, "first")


def scores_of(
    relevance: BoolArray, relevant: IntArray, first: IntArray, ks: Sequence[int]
) -> dict[str, NDArray[np.float64]]:
    """Every score of `retrieval_scores`, by its name there, per query."""
    scores = {f"recall_at_{k}": recall_at_k(relevance, k) for k in ks}
    scores |= {f"ndcg_at_{k}": ndcg_at_k(relevance, relevant, k) for k in ks}
    return scores | {
        "precision_at_1": precision_at_k(relevance, 1),
        "r_precision": r_precision(relevance, relevant),
        "map_at_r": average_precision_at_r(relevance, relevant),
        "ndcg_at_r": ndcg_at_k(relevance, relevant, relevant),
        "mrr": reciprocal_rank(first),
    }


def _ranked(relevance: ArrayLike, depth: int) -> BoolArray:
    ranked = np.asarray(relevance)
    if ranked.ndim != 2 or ranked.dtype != np.bool_ or ranked.shape[1] < depth:
        raise UserError(
            f"relevance: expected booleans of shape (queries, at least {depth}), "
            f"got {ranked.dtype} of shape {ranked.shape}"
        )
    return ranked


def _counts(relevant: ArrayLike, name: str = "relevant") -> IntArray:
    counts = np.asarray(relevant)
    if counts.ndim != 1 or (counts.size and counts.dtype.kind not in "iu"):
        raise UserError(
            f"{name}: expected integers of shape (queries,), "
            f"got {counts.dtype} of shape {counts.shape}"
        )
    if counts.min(initial=1) < 1:
        raise UserError(f"{name}: expected at least 1 for each query, got {counts.min()}")
    return counts.astype(np.int64)


def _hits_within(
    relevance: ArrayLike, depths: IntArray, counts: IntArray | None = None
) -> BoolArray:
    counts = depths if counts is None else counts
    depth = int(depths.max(initial=0))
    ranked = _ranked(relevance, depth)
    if len(ranked) != len(counts):
        raise UserError(
            f"relevance and relevant: expected the same length, got {len(ranked)} and {len(counts)}"
        )
    return ranked[:, :depth] & (np.arange(depth) < depths[:, None])
