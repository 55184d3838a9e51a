import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from simlearn import search
from simlearn.errors import UserError
from simlearn.metrics import (
    average_precision_at_r,
    ndcg_at_k,
    precision_at_k,
    r_precision,
    recall_at_k,
    reciprocal_rank,
    retrieval_scores,
)


def naive_scores(queries, labels, gallery, gallery_labels, ids, gallery_ids, ks):
    """Rank each query's gallery in plain Python and count."""
    recall = {k: [] for k in ks}
    gains = {k: [] for k in (*ks, "r")}
    precisions, averages, reciprocals, without = [], [], [], 0
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
        reciprocals.append(1 / (1 + hits.index(True)))
        for k in gains:
            depth = relevant if k == "r" else k
            gained = sum(1 / math.log2(2 + place) for place, hit in enumerate(hits[:depth]) if hit)
            ideal = sum(1 / math.log2(2 + place) for place in range(min(depth, relevant)))
            gains[k].append(gained / ideal)
    scores = {f"recall_at_{k}": float(np.mean(recall[k])) for k in ks}
    scores |= {f"ndcg_at_{k}": float(np.mean(gains[k])) for k in gains}
    return scores | {
        "precision_at_1": float(np.mean(recall[1])),
        "mrr": float(np.mean(reciprocals)),
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


@settings(deadline=None)
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
    assert result.pop("queries_scored") == 2.0
    assert result.pop("queries_without_relevant") == 1.0
    assert set(result.values()) == {1.0}


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


def test_ndcg_by_hand():
    # Gains 1, 1/log2(3), 1/2, ... by place. Hits at 2 and 3 of R = 2: (1/log2(3) + 1/2) over
    # (1 + 1/log2(3)) for k = 3, 1/log2(3) over the same for k = 2, and nothing for k = 1.
    relevance, second = [[False, True, True]], 1 / math.log2(3)
    assert ndcg_at_k(relevance, [2], 3) == pytest.approx((second + 0.5) / (1 + second))
    assert ndcg_at_k(relevance, [2], 2) == pytest.approx(second / (1 + second))
    assert ndcg_at_k(relevance, [2], 1) == 0.0
    # R = 1 can gain no more than the first place does.
    assert ndcg_at_k([[True, False]], [1], 2) == 1.0


def test_ndcg_takes_a_depth_for_each_query():
    relevance = [[False, True, True], [False, True, True]]
    each = [ndcg_at_k(relevance[:1], [2], k)[0] for k in (2, 3)]
    np.testing.assert_array_equal(ndcg_at_k(relevance, [2, 2], [2, 3]), each)


@pytest.mark.parametrize("k", [1, 3, 10, 40])
def test_ndcg_agrees_with_scikit_learn(k):
    # scikit-learn 1.5 or later; gains of 0 and 1, no ties.
    draw = np.random.default_rng(7)
    relevance, scores = draw.random((23, 41)) < 0.2, draw.random((23, 41))
    ordered = np.take_along_axis(relevance, np.argsort(-scores, axis=1), axis=1)
    result = ndcg_at_k(ordered, relevance.sum(axis=1), k)
    assert 0.1 < result.mean() < 0.9
    assert result.mean() == pytest.approx(ndcg_score(relevance, scores, k=k))


def test_precision_counts_all_hits():
    np.testing.assert_array_equal(precision_at_k([[True, False, True, True]], 4), [0.75])
    np.testing.assert_array_equal(precision_at_k([[True, False, True, True]], 2), [0.5])


def test_mrr_looks_as_far_as_it_has_to():
    # From 0 the only relevant item is the last of nine: beyond every k and every R.
    points, labels = np.arange(10.0)[:, None], [0, *range(1, 9), 0]
    scores = retrieval_scores(points, labels, ks=(1,))
    assert scores["queries_scored"] == 2.0
    assert scores["mrr"] == pytest.approx(1 / 9)
    assert scores["recall_at_1"] == 0.0


def test_one_class_alone_scores_perfectly():
    # Nothing else can be found: a score of 1 says nothing about the embedding.
    scores = retrieval_scores(np.random.default_rng(0).normal(size=(7, 3)), [5] * 7, ks=(1, 3))
    assert scores.pop("queries_scored") == 7.0
    assert scores.pop("queries_without_relevant") == 0.0
    assert set(scores.values()) == {1.0}


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
        ({"embeddings": np.zeros((0, 3)), "labels": []}, "got none in 0 queries"),
        ({"embeddings": np.zeros((0, 3)), "labels": np.zeros(0, np.int64)}, "none in 0 queries"),
        ({"gallery": np.zeros((0, 1)), "gallery_labels": []}, "got none in 3 queries"),
        (
            {"gallery": np.zeros((3, 2)), "gallery_labels": [0, 0, 1]},
            r"embeddings and gallery: .*same dimension, got \(3, 1\) and \(3, 2\)",
        ),
        ({"gallery": [[np.inf]], "gallery_labels": [0]}, "gallery: .*first in row 0"),
        ({"block": 0}, "block: expected an integer of at least 1, got 0"),
    ],
)
def test_scores_refuse_what_they_cannot_use(options, message):
    arguments = {"embeddings": POINTS, "labels": [0, 0, 1]} | options
    with pytest.raises(UserError, match=message):
        retrieval_scores(**arguments)


def ndcg_at_r(relevance, relevant):
    return ndcg_at_k(relevance, relevant, relevant)


@pytest.mark.parametrize("function", [r_precision, average_precision_at_r, ndcg_at_r])
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


def test_ndcg_refuses_depths_it_cannot_use():
    with pytest.raises(UserError, match="k: expected one integer or one for each query, got 2"):
        ndcg_at_k([[True]], [1], [1, 1])
    with pytest.raises(UserError, match="k: expected at least 1 for each query, got 0"):
        ndcg_at_k([[True]], [1], 0)


def test_reciprocal_rank_refuses_places_below_one():
    with pytest.raises(UserError, match="first: expected at least 1 for each query, got 0"):
        reciprocal_rank([1, 0])


def test_precision_refuses_a_ranking_too_short():
    with pytest.raises(UserError, match=r"at least 3\), got bool"):
        precision_at_k([[True, False]], 3)
