"""Bounds over the orders of equal distances, beside every order there is."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata
from sklearn.metrics import ndcg_score

from simlearn import search
from simlearn.errors import UserError
from simlearn.metrics import retrieval_bounds, retrieval_scores
from tests.simlearn.metrics.test_retrieval import clustered, naive_scores


def orders(distances):
    """Every ranking of one query's items that sorts their distances."""
    levels = [np.flatnonzero(distances == level) for level in np.unique(distances)]
    for parts in itertools.product(*(itertools.permutations(level) for level in levels)):
        yield [int(item) for part in parts for item in part]


def scores_of_order(hits, ks):
    """`naive_scores` of one query whose items stand in the order of a line."""
    line = [[float(place)] for place in range(1, 1 + len(hits))]
    labels = [0 if hit else 1 for hit in hits]
    names = range(1, 1 + len(hits))
    return naive_scores([[0.0]], [0], line, labels, [0], names, ks)


def enumerated(points, labels, ks):
    """Worst, mean and best of each score by going through all orders of each query."""
    found = []
    for query in range(len(points)):
        others = np.delete(np.arange(len(points)), query)
        relevant = labels[others] == labels[query]
        if not relevant.any():
            continue
        distances = np.array([math.dist(points[query], points[other]) for other in others])
        table = [scores_of_order(relevant[order].tolist(), ks) for order in orders(distances)]
        found.append(table)
    names = [name for name in found[0][0] if not name.startswith("queries")]
    return {
        name: tuple(
            float(np.mean([kind([row[name] for row in table]) for table in found]))
            for kind in (min, np.mean, max)
        )
        for name in names
    }


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_bounds_are_those_of_all_orders(data):
    count = data.draw(st.integers(3, 5))
    places = st.lists(st.integers(0, 2), min_size=count, max_size=count)
    points = np.array(data.draw(places), np.float64)[:, None]
    labels = np.array(data.draw(places))
    labels[1] = labels[0]
    expected = enumerated(points, labels, (1, 3))
    result = retrieval_bounds(points, labels, ks=(1, 3))
    assert result.keys() == expected.keys()
    for name, bounds in result.items():
        assert tuple(bounds) == pytest.approx(expected[name], abs=1e-12), name


def test_without_ties_all_three_are_the_score():
    points, labels = clustered(53, 11, seed=4)
    scores = retrieval_scores(points, labels)
    for name, bounds in retrieval_bounds(points, labels).items():
        assert tuple(bounds) == pytest.approx((scores[name],) * 3, abs=1e-12), name


def test_scores_lie_within_the_bounds_and_the_bounds_apart():
    draw = np.random.default_rng(5)
    points, labels = draw.integers(3, size=(61, 2)).astype(np.float32), draw.integers(7, size=61)
    scores = retrieval_scores(points, labels, ks=(1, 5))
    bounds = retrieval_bounds(points, labels, ks=(1, 5))
    for name, (worst, expected, best) in bounds.items():
        assert worst < expected < best, name
        assert worst <= scores[name] <= best, name


def test_collapsed_embeddings_score_by_chance():
    # Of 11 others 2 are relevant, in any order: each place holds one with chance 2/11.
    bounds = retrieval_bounds(np.ones((12, 3)), np.repeat(range(4), 3), ks=(1,))
    assert tuple(bounds["precision_at_1"]) == pytest.approx((0.0, 2 / 11, 1.0))
    assert tuple(bounds["r_precision"]) == pytest.approx((0.0, 2 / 11, 1.0))


def test_expected_ndcg_is_what_scikit_learn_makes_of_ties():
    # scikit-learn 1.5 or later averages over tied scores too.
    draw = np.random.default_rng(6)
    points, labels = draw.integers(3, size=(31, 2)).astype(np.float64), draw.integers(5, size=31)
    distances = search.squared_euclidean(points, points)
    others = ~np.eye(31, dtype=bool)
    relevance = (labels[:, None] == labels)[others].reshape(31, 30)
    scores = -distances[others].reshape(31, 30)
    some = relevance.any(axis=1)
    relevance, scores = relevance[some], scores[some]
    result = retrieval_bounds(points, labels, ks=(1, 7))
    assert result["ndcg_at_7"].expected == pytest.approx(ndcg_score(relevance, scores, k=7))


def test_best_and_worst_mrr_are_those_of_scipys_ranks():
    # Best: what is as near as the nearest relevant item comes after it; worst: before, but for
    # relevant items themselves, of which each query has one here.
    draw = np.random.default_rng(8)
    points = draw.integers(4, size=(22, 2)).astype(np.float64)
    labels = np.repeat(range(11), 2)
    distances = search.squared_euclidean(points, points)
    first = {"min": [], "max": []}
    for query in range(22):
        others = np.delete(np.arange(22), query)
        partner = others == (query ^ 1)
        for method, ranks in first.items():
            ranks.append(rankdata(distances[query, others], method)[partner].item())
    bounds = retrieval_bounds(points, labels)["mrr"]
    assert bounds.best == pytest.approx(np.mean(1 / np.array(first["min"])))
    assert bounds.worst == pytest.approx(np.mean(1 / np.array(first["max"])))


def test_ids_and_a_separate_gallery_count():
    # The twin of equal id is not there; of the two others at 1, one is relevant.
    bounds = retrieval_bounds(
        [[0.0]],
        [4],
        ks=(1,),
        gallery=[[0.0], [1.0], [-1.0]],
        gallery_labels=[4, 4, 9],
        ids=["a"],
        gallery_ids=["a", "b", "c"],
    )
    assert tuple(bounds["recall_at_1"]) == (0.0, 0.5, 1.0)
    assert tuple(bounds["mrr"]) == pytest.approx((0.5, 0.75, 1.0))


def test_refuses_what_scores_refuse():
    with pytest.raises(UserError, match="got none in 2 queries"):
        retrieval_bounds([[0.0], [1.0]], [0, 1])
