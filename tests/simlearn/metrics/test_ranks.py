"""The passage in float32: the same places as the search in float64, wherever it dares to tell."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn import search
from simlearn.metrics import _ranks, _sorted, retrieval, retrieval_scores
from simlearn.metrics._searched import rank_by_search
from simlearn.metrics._task import count_relevant, make_task
from simlearn.search._products import has_products, pair_distances, products
from tests.simlearn.metrics.test_retrieval import clustered, naive_scores

DISTANCES = [search.euclidean, search.squared_euclidean, search.cosine, search.dot]
by_distance = pytest.mark.parametrize("distance", DISTANCES, ids=lambda d: d.__name__)


def rows_of(found):
    """Relevance and first place by query."""
    return {
        int(row): (ranked.relevance[i].tolist(), int(ranked.first[i]))
        for ranked in found
        for i, row in enumerate(ranked.rows)
    }


def both(task, depth, distance, block):
    """What the passage finds, which queries it leaves, and what the search finds for all."""
    relevant = count_relevant(task)
    depth = max(depth, int(relevant.max()))
    found, left = _ranks.rank(task, depth, distance, block, lambda ranked: ranked)
    searched = rank_by_search(task, np.flatnonzero(relevant), depth, distance, 64)
    found, searched = rows_of(found), rows_of(searched)
    assert sorted([*found, *left]) == sorted(searched)
    for row, places in found.items():
        assert places == searched[row], row
    return found, left


@by_distance
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_places_are_those_of_the_search(distance, dtype, monkeypatch):
    # Bounds from every ninth item, and classes that overlap, so that many a first relevant item
    # is beyond the depth.
    monkeypatch.setattr(_ranks, "_SAMPLE", 128)
    draw = np.random.default_rng(11)
    labels = draw.integers(101, size=1201)
    vectors = draw.normal(size=(1201, 7)) + 0.8 * draw.normal(size=(101, 7))[labels]
    vectors = (1000 * vectors).astype(dtype)
    found, left = both(make_task(vectors, labels, None, None, None, None), 5, distance, 509)
    assert len(found) > 1150
    assert len(left) < 50
    assert np.mean([first > 40 for _, first in found.values()]) > 0.1


@by_distance
def test_a_separate_gallery_with_ids_across_labels(distance):
    queries, labels = clustered(301, 13, seed=12)
    gallery, gallery_labels = clustered(1213, 17, seed=13)
    ids, gallery_ids = np.arange(301) % 97, np.arange(1213) % 101
    task = make_task(queries, labels, gallery, gallery_labels, ids, gallery_ids)
    found, _ = both(task, 3, distance, 128)
    assert len(found) == 301


def test_labels_that_the_gallery_lacks():
    queries, labels = clustered(101, 13, seed=19)
    gallery, gallery_labels = clustered(211, 13, seed=20)
    gallery_labels = 2 * (gallery_labels // 2)
    task = make_task(queries, labels, gallery, gallery_labels, None, None)
    found, _ = both(task, 3, search.euclidean, 32)
    assert 30 < len(found) < 71


def test_classes_of_very_different_sizes():
    draw = np.random.default_rng(14)
    labels = np.repeat([3, 1, 2, 0], [1, 2, 300, 598])
    vectors = draw.normal(size=(len(labels), 5)).astype(np.float32)
    order = draw.permutation(len(labels))
    task = make_task(vectors[order], labels[order], None, None, None, None)
    found, left = both(task, 1, search.euclidean, 256)
    # The only one of its class has nothing to find.
    assert len(found) + len(left) == len(labels) - 1
    assert len(found) > 850


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_ties_rank_by_gallery_row_here_too(data):
    count = data.draw(st.integers(4, 17))
    places = st.lists(st.integers(0, 3), min_size=count, max_size=count)
    points = np.array(data.draw(places), np.float32)[:, None]
    labels, ids = np.array(data.draw(places)), np.array(data.draw(places)) + np.arange(count) // 3
    labels[1], ids[1] = labels[0], ids[0] + 1
    if not points.any():
        points[0] = 1.0
    task = make_task(points, labels, None, None, ids, None)
    both(task, data.draw(st.integers(1, 20)), search.euclidean, data.draw(st.integers(1, 18)))


def test_scores_by_the_passage_are_those_of_the_naive_loop(monkeypatch):
    monkeypatch.setattr(retrieval, "_FEW", 0)
    points, labels = clustered(53, 11, seed=0)
    ids = np.arange(53) // 2
    expected = naive_scores(points, labels, points, labels, ids, ids, (1, 2, 5))
    result = retrieval_scores(points, labels, ids=ids, ks=(1, 2, 5), block=17)
    assert result == pytest.approx(expected)


def test_what_float32_cannot_tell_apart_is_measured_again(monkeypatch):
    # Around the query, at distances 1 + n 1e-9 in turns of label: float32 sees them all at 1.
    count = 40
    turns = np.random.default_rng(15).permutation(count)
    angles = np.linspace(0.1, 6.0, count)
    radius = 1.0 + 1e-9 * turns
    gallery = np.stack([radius * np.cos(angles), radius * np.sin(angles)], axis=1)
    labels = np.arange(count) % 2
    measured = []

    def recording(*arguments):
        measured.append(len(arguments[3]))
        return pair_distances(*arguments)

    monkeypatch.setattr(_sorted, "pair_distances", recording)
    task = make_task([[0.0, 0.0]], [1], gallery, labels, None, None)
    found, left = both(task, 1, search.euclidean, 16)
    assert not len(left)
    # The candidates, and, as their keys still differ by less than may be noise, all of them.
    assert measured == [20, 40]
    hits = (labels[np.argsort(turns)] == 1).tolist()
    assert found[0] == (hits[:20], 1 + hits.index(True))


def test_collapsed_embeddings_are_left_to_the_search(monkeypatch):
    monkeypatch.setattr(_ranks, "_MOST", 16)
    monkeypatch.setattr(_ranks, "_TIMES", 2)
    task = make_task(np.ones((331, 3)), np.arange(331) % 37, None, None, None, None)
    found, left = both(task, 1, search.euclidean, 100)
    assert not found
    assert len(left) == 331


def test_a_bound_that_was_too_low_is_noticed(monkeypatch):
    # The eight near items are the sample of every fourth, and no relevant one is among them. Below
    # the seventh of them, the bound for a depth of 7 (by 7/4 + 3 sqrt(7/4) + 1), are 6 items; below
    # the fifth, that for 4, there are 4.
    monkeypatch.setattr(_ranks, "_SAMPLE", 8)
    gallery, labels = np.arange(50.0, 82.0)[:, None], [*range(27), 27, 27, 27, 28, 29]
    gallery[2::4, 0] = 1.0 + np.arange(8) / 8
    task = make_task([[0.0]], [27], gallery, labels, None, None)
    assert not len(both(task, 4, search.euclidean, 9)[1])
    assert both(task, 7, search.euclidean, 9)[1].tolist() == [0]


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
@by_distance
def test_keys_err_by_no_more_than_they_say(distance, scale):
    draw = np.random.default_rng(16)
    queries = scale * (draw.normal(size=(37, 19)) * draw.exponential(size=(37, 1)) + 3.0)
    gallery = scale * (draw.normal(size=(101, 19)) + 3.0)
    assert has_products(distance, queries, gallery)
    prepared = products(distance, queries, gallery)
    keys = prepared.key_of(distance(queries, gallery).astype(np.float64))
    error = np.abs(prepared.left @ prepared.right.T - keys)
    assert (error <= prepared.error[:, None]).all()
    # And by no less than a hundredth of it somewhere: the bound is worth something.
    assert (error > prepared.error[:, None] / 100).any()
    assert np.abs(keys).max() < 4.0


@by_distance
def test_pairs_are_measured_as_blocks_are(distance):
    queries, gallery = clustered(11, 3, seed=17)[0], clustered(13, 3, seed=18)[0]
    queries[3], gallery[[2, 7]] = 0.0, queries[5]
    rows, columns = np.divmod(np.arange(11 * 13), 13)
    expected = distance(queries, gallery)
    result = pair_distances(distance, queries, gallery, rows, columns).reshape(11, 13)
    np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(result[:, 2], result[:, 7])


def test_other_distances_and_sizes_are_left_to_the_search():
    ones = np.ones((3, 2))
    assert not has_products(lambda left, right: left @ right.T, ones, ones)
    assert not has_products(search.euclidean, 1e30 * ones, ones)
    assert not has_products(search.euclidean, 0 * ones, 0 * ones)
