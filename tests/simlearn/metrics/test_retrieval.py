import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn import search
from simlearn.errors import UserError
from simlearn.metrics import (
    average_precision_at_r,
    r_precision,
    recall_at_k,
    retrieval_scores,
)


def naive_scores(queries, labels, gallery, gallery_labels, ids, gallery_ids, ks):
    """Rank each query's gallery in plain Python and count."""
    recall = {k: [] for k in ks}
    precisions, averages, without = [], [], 0
    for query, label, own in zip(queries, labels, ids, strict=True):
        ranking = sorted(
            (math.dist(query, item), place, other)
            for place, (item, other, name) in enumerate(
                zip(gallery, gallery_labels, gallery_ids, strict=True)
            )
            if name != own
        )
        hits = [other == label for _, _, other in ranking]
        relevant = sum(hits)
        if relevant == 0:
            without += 1
            continue
        for k in ks:
            recall[k].append(any(hits[:k]))
        precisions.append(sum(hits[:relevant]) / relevant)
        total = 0.0
        for place in range(relevant):
            if hits[place]:
                total += sum(hits[: place + 1]) / (place + 1)
        averages.append(total / relevant)
    scores = {f"recall_at_{k}": float(np.mean(recall[k])) for k in ks}
    return scores | {
        "r_precision": float(np.mean(precisions)),
        "map_at_r": float(np.mean(averages)),
        "queries_scored": float(len(averages)),
        "queries_without_relevant": float(without),
    }


def clustered(count, classes, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=count)
    return rng.normal(size=(count, 3)) + 0.7 * rng.normal(size=(classes, 3))[labels], labels


@pytest.mark.parametrize("block", [1, 7, 1024])
def test_own_gallery_agrees_with_the_naive_loop(block):
    points, labels = clustered(53, 11, seed=0)
    ids = range(53)
    expected = naive_scores(points, labels, points, labels, ids, ids, (1, 2, 5))
    assert 0.1 < expected["map_at_r"] < 0.9
    assert retrieval_scores(points, labels, ks=(1, 2, 5), block=block) == pytest.approx(expected)


def test_shared_ids_and_a_query_without_relevant_items_agree_with_the_naive_loop():
    points, labels = clustered(53, 29, seed=1)
    ids = np.arange(53) // 3
    expected = naive_scores(points, labels, points, labels, ids, ids, (1, 3))
    assert expected["queries_without_relevant"] > 0
    assert retrieval_scores(points, labels, ids=ids, ks=(1, 3)) == pytest.approx(expected)


@pytest.mark.parametrize("text", [False, True], ids=["integers", "strings"])
def test_a_separate_gallery_agrees_with_the_naive_loop(text):
    queries, labels = clustered(17, 5, seed=2)
    gallery, gallery_labels = clustered(43, 5, seed=3)
    ids, gallery_ids = np.arange(17), np.arange(43) % 19
    expected = naive_scores(queries, labels, gallery, gallery_labels, ids, gallery_ids, (1, 5))
    if text:
        labels, gallery_labels, ids, gallery_ids = (
            np.array([f"name {key}" for key in keys])
            for keys in (labels, gallery_labels, ids, gallery_ids)
        )
    result = retrieval_scores(
        queries,
        labels,
        ks=(1, 5),
        gallery=gallery,
        gallery_labels=gallery_labels,
        ids=ids,
        gallery_ids=gallery_ids,
    )
    assert result == pytest.approx(expected)


def test_a_separate_gallery_without_ids_leaves_nothing_out():
    # The query's twin in the gallery is a find, not itself.
    result = retrieval_scores(
        [[0.0], [5.0]], [0, 1], ks=(1,), gallery=[[0.0], [5.0]], gallery_labels=[0, 1]
    )
    assert result["recall_at_1"] == 1.0


@given(st.data())
def test_ties_rank_by_gallery_row(data):
    count = data.draw(st.integers(2, 13))
    points = np.array(
        data.draw(st.lists(st.integers(0, 2), min_size=count, max_size=count)), np.float64
    )[:, None]
    labels = np.array(data.draw(st.lists(st.integers(0, 2), min_size=count, max_size=count)))
    labels[1] = labels[0]
    ids = range(count)
    expected = naive_scores(points, labels, points, labels, ids, ids, (1, 3))
    result = retrieval_scores(points, labels, ks=(1, 3), block=data.draw(st.integers(1, 14)))
    assert result == pytest.approx(expected)


def test_excludes_by_id_where_dropping_the_first_hit_would_drop_the_duplicate():
    # Rows 0 and 1 coincide. From row 1 the first hit at distance 0 is row 0, its only match; after
    # dropping it, the query itself would come first and count as a find at rank 1, or row 2 would
    # and count as a miss.
    result = retrieval_scores([[0.0], [0.0], [1.0]], [4, 4, 9], ks=(1,))
    assert result == {
        "recall_at_1": 1.0,
        "r_precision": 1.0,
        "map_at_r": 1.0,
        "queries_scored": 2.0,
        "queries_without_relevant": 1.0,
    }


def test_map_at_r_by_hand_rewards_early_hits():
    # R = 10, only the first item right: R-precision 1/10, MAP@R 1/10 * 1. The first and the tenth
    # right: 2/10 and 1/10 * (1 + 2/10). The first two: 2/10 and 1/10 * (1 + 1).
    relevance = np.zeros((3, 10), np.bool_)
    relevance[0, 0] = relevance[1, [0, 9]] = relevance[2, :2] = True
    relevant = np.array([10, 10, 10])
    np.testing.assert_allclose(r_precision(relevance, relevant), [0.1, 0.2, 0.2])
    np.testing.assert_allclose(average_precision_at_r(relevance, relevant), [0.1, 0.12, 0.2])


def test_items_beyond_place_r_count_nothing():
    relevance = np.array([[False, False, True], [True, False, True]])
    np.testing.assert_array_equal(r_precision(relevance, [2, 1]), [0.0, 1.0])
    np.testing.assert_array_equal(average_precision_at_r(relevance, [2, 1]), [0.0, 1.0])


def test_recall_beyond_the_gallery_is_recall_of_all_of_it():
    assert retrieval_scores([[0.0], [2.0], [1.0]], [0, 0, 1], ks=(7,))["recall_at_7"] == 1.0


def test_distance_is_the_callers():
    # By angle the pairs are (0, 1) and (2, 3); by distance (0, 2) and (1, 3).
    points = np.array([[1.0, 0.0], [9.0, 0.1], [1.0, 0.5], [9.0, 4.4]])
    by_angle = retrieval_scores(points, [0, 0, 1, 1], ks=(1,), distance=search.cosine)
    by_distance = retrieval_scores(points, [0, 0, 1, 1], ks=(1,))
    assert by_angle["recall_at_1"] == 1.0
    assert by_distance["recall_at_1"] == 0.0


POINTS = np.array([[0.0], [1.0], [2.0]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": [0, 1, 2]}, "got none in 3 queries"),
        ({"labels": [0, 0]}, r"labels: expected .*shape \(3,\)"),
        ({"labels": [0.0, 0.0, 1.0]}, "labels: expected integers or strings"),
        ({"ks": (1, 0)}, "ks: expected an integer of at least 1, got 0"),
        ({"gallery": POINTS}, "gallery_labels: expected together"),
        ({"gallery_labels": [0, 0, 1]}, "gallery: expected with"),
        ({"gallery_ids": [0, 1, 2]}, "gallery: expected with"),
        (
            {"gallery": POINTS, "gallery_labels": [0, 0, 1], "ids": [0, 1, 2]},
            "gallery_ids: expected ids and gallery_ids together",
        ),
        (
            {"gallery": POINTS, "gallery_labels": [0, 0, 1], "gallery_ids": [0, 1, 2]},
            "ids: expected ids and gallery_ids together",
        ),
        (
            {"gallery": POINTS, "gallery_labels": ["a", "a", "b"]},
            "labels: expected one kind",
        ),
        ({"embeddings": [[0.0], [np.nan], [1.0]]}, "embeddings: .*first in row 1"),
    ],
)
def test_scores_refuse_what_they_cannot_use(options, message):
    arguments = {"embeddings": POINTS, "labels": [0, 0, 1]} | options
    with pytest.raises(UserError, match=message):
        retrieval_scores(**arguments)


@pytest.mark.parametrize("function", [r_precision, average_precision_at_r])
@pytest.mark.parametrize(
    ("relevance", "relevant", "message"),
    [
        ([[True, False]], [3], r"at least 3\), got bool of shape \(1, 2\)"),
        ([[1, 0]], [1], "expected booleans"),
        ([[True, False]], [0], "at least 1 for each query, got 0"),
        ([[True, False]], [1.0], "expected integers"),
        ([[True, False]], [1, 1], "same length, got 1 and 2"),
    ],
)
def test_rankings_refuse_what_they_cannot_use(function, relevance, relevant, message):
    with pytest.raises(UserError, match=message):
        function(relevance, relevant)


def test_recall_refuses_a_ranking_too_short():
    with pytest.raises(UserError, match=r"at least 3\), got bool"):
        recall_at_k([[True, False]], 3)
