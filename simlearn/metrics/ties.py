"""How far retrieval scores depend on the order of equal distances."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn import search
from simlearn._typing import BoolArray, FloatArray, IntArray
from simlearn.metrics._task import Task, count_relevant, make_task
from simlearn.metrics.rankings import scores_of

# Places looked at together.
_PLACES = 2**21

Scores = dict[str, NDArray[np.float64]]


class Bounds(NamedTuple):
    """A score over all orders of equal distances: lowest, mean and highest."""

    worst: float
    expected: float
    best: float


def retrieval_bounds(
    embeddings: ArrayLike,
    labels: ArrayLike,
    *,
    ks: Sequence[int] = (1, 5, 10),
    gallery: ArrayLike | None = None,
    gallery_labels: ArrayLike | None = None,
    ids: ArrayLike | None = None,
    gallery_ids: ArrayLike | None = None,
    distance: search.Distance = search.euclidean,
) -> dict[str, Bounds]:
    """Worst, expected and best scores over all orders of items at equal distance.

    `retrieval_scores` lets the lower gallery row win, so that a gallery sorted by label, or all
    embeddings in one point, can score anything. Here every order of equal distances is
    considered: *worst* puts the relevant items last among their equals, *best* puts them first,
    *expected* is the mean over all orders, each as likely, exactly. The three agree where no tie
    between relevant and other items touches the score. Equal means that the distance function
    gives equal numbers, in float32 for float32 vectors.

    Among g equals, r of them relevant, after n items with h hits, with p = 0, 1, ... the place
    among the equals and i = n + p + 1 that in the ranking:

    - ``P(rel(i)) = r / g``, whence R-precision and NDCG, which are linear in rel;
    - ``E[P(i) rel(i)] = r / g (h + 1 + p (r - 1) / (g - 1)) / i``, because given a hit at i, the
      p places before it among the equals hold each of the r - 1 others with equal chance; whence
      MAP@R;
    - ``P(no hit up to i | none before) = (g - r - p) / (g - p)``; their product gives Recall@k,
      its steps the chance that the first hit is at i, whence MRR.

    Whole rankings are sorted, block by block: this is slower than `retrieval_scores`.

    Args:
        embeddings: ``(queries, dim)``, finite.
        labels: ``(queries,)`` integers or strings.
        ks: the k of Recall@k and NDCG@k, each at least 1.
        gallery: ``(gallery, dim)`` to search instead of the embeddings themselves.
        gallery_labels: ``(gallery,)``, given together with `gallery`.
        ids: ``(queries,)`` integers or strings; the row number without a gallery if not given.
        gallery_ids: ``(gallery,)``; with a gallery, given together with `ids` or not at all.
        distance: a function such as `search.euclidean` or `search.cosine`.

    Returns:
        `Bounds` for each mean score that `retrieval_scores` gives, by the same names.

    Raises:
        UserError: as `retrieval_scores`.

    Examples:
        >>> same = np.zeros((4, 2))
        >>> retrieval_bounds(same, [0, 0, 1, 1], ks=(1,))["precision_at_1"]
        Bounds(worst=0.0, expected=0.3333333333333333, best=1.0)

    Reference:
        F. McSherry and M. Najork, Computing Information Retrieval Performance Measures Efficiently
        in the Presence of Tied Scores, ECIR 2008, for the expectations, derived anew above.
    """
    wanted = [search.as_count(k, "ks") for k in ks]
    task = make_task(embeddings, labels, gallery, gallery_labels, ids, gallery_ids)
    relevant = count_relevant(task)
    rows = np.flatnonzero(relevant)
    parts: list[tuple[Scores, Scores, Scores]] = []
    depth = int(max([*wanted, relevant.max()]))
    for part, relevance, distances in _rankings(task.only(rows), depth, distance):
        equals = _equals(relevance, distances)
        counts = relevant[rows[part]]
        worst, best = equals.place >= equals.size - equals.hits, equals.place < equals.hits
        parts.append(
            (
                scores_of(worst, counts, 1 + worst.argmax(axis=1), wanted),
                _expected(equals, counts, wanted),
                scores_of(best, counts, 1 + best.argmax(axis=1), wanted),
            )
        )
    return {
        name: Bounds(*(_mean([part[kind][name] for part in parts]) for kind in range(3)))
        for name in parts[0][0]
    }


def _mean(parts: list[NDArray[np.float64]]) -> float:
    return float(np.concatenate(parts).mean())


class _Equals(NamedTuple):
    """For each place of some rankings, what stands at the same distance; all ``(queries, depth)``.

    Attributes:
        size: how many items.
        hits: how many relevant ones.
        place: which of them this is, from 0.
        before: relevant items that are nearer.
    """

    size: IntArray
    hits: IntArray
    place: IntArray
    before: IntArray


def _rankings(
    task: Task, depth: int, distance: search.Distance
) -> Iterator[tuple[slice, BoolArray, FloatArray]]:
    """Whole rankings, as far as some score of some query can look."""
    length = max(depth, len(task.gallery))
    blocks = search.nearest_blocks(
        task.queries,
        task.gallery,
        length,
        distance=distance,
        query_keys=task.ids,
        gallery_keys=task.gallery_ids,
        block=max(1, _PLACES // length),
    )
    for rows, found in blocks:
        same = task.gallery_labels[found.indices] == task.labels[rows, None]
        relevance = same & (found.indices >= 0)
        # The last equals of the farthest place that counts.
        last = np.maximum(relevance.argmax(axis=1), depth - 1)
        bound = np.take_along_axis(found.distances, last[:, None], axis=1)
        reach = max(depth, int((found.distances <= bound).sum(axis=1).max()))
        yield rows, relevance[:, :reach], found.distances[:, :reach]


def _equals(relevance: BoolArray, distances: FloatArray) -> _Equals:
    count, depth = relevance.shape
    changes = distances[:, 1:] != distances[:, :-1]
    edge = np.ones((count, 1), np.bool_)
    places = np.arange(depth)
    start = np.maximum.accumulate(np.where(np.hstack([edge, changes]), places, 0), axis=1)
    ends = np.where(np.hstack([changes, edge]), places + 1, depth)[:, ::-1]
    stop = np.minimum.accumulate(ends, axis=1)[:, ::-1]
    hits = np.hstack([np.zeros((count, 1), np.int64), np.cumsum(relevance, axis=1)])
    before = np.take_along_axis(hits, start, axis=1)
    among = np.take_along_axis(hits, stop, axis=1) - before
    return _Equals(stop - start, among, places - start, before)


def _expected(equals: _Equals, relevant: IntArray, ks: Sequence[int]) -> Scores:
    size, hits, place, before = equals
    ranks = np.arange(1, size.shape[1] + 1)
    chance = hits / size
    within = ranks <= relevant[:, None]
    # One item alone has no others: 0 / 0 counts as 0.
    others = place * (hits - 1) / np.maximum(size - 1, 1)
    precision = chance * (before + 1 + others) / ranks
    missed = np.cumprod(np.maximum(size - hits - place, 0) / (size - place), axis=1)
    first = -np.diff(missed, axis=1, prepend=1.0)
    scores = {f"recall_at_{k}": 1.0 - missed[:, k - 1] for k in ks}
    scores |= {f"ndcg_at_{k}": _expected_ndcg(chance, relevant, k) for k in ks}
    return scores | {
        "precision_at_1": chance[:, 0],
        "r_precision": (chance * within).sum(axis=1) / relevant,
        "map_at_r": (precision * within).sum(axis=1) / relevant,
        "ndcg_at_r": _expected_ndcg(chance, relevant, relevant),
        "mrr": (first / ranks).sum(axis=1),
    }


def _expected_ndcg(
    chance: FloatArray, relevant: IntArray, k: int | IntArray
) -> NDArray[np.float64]:
    gains = 1.0 / np.log2(np.arange(2, chance.shape[1] + 2))
    depths = np.broadcast_to(np.asarray(k), relevant.shape)
    ideal = np.cumsum(gains)[np.minimum(depths, relevant) - 1]
    within = np.arange(chance.shape[1]) < depths[:, None]
    return np.asarray((chance * within) @ gains / ideal, np.float64)
