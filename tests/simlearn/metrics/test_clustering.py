import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    adjusted_mutual_info_score,
    adjusted_rand_score,
    normalized_mutual_info_score,
)
from sklearn.metrics.cluster import pair_confusion_matrix

from simlearn.errors import UserError
from simlearn.metrics import (
    adjusted_mutual_information,
    adjusted_rand_index,
    b_cubed,
    clustering_scores,
    normalized_mutual_information,
    pairwise_agreement,
)

# scikit-learn 1.9: the library that ours stand on, so that these show that the arguments arrive in
# order and noise is taken apart.
PEERS = {
    normalized_mutual_information: normalized_mutual_info_score,
    adjusted_mutual_information: adjusted_mutual_info_score,
    adjusted_rand_index: adjusted_rand_score,
}

partitions = st.lists(
    st.tuples(st.integers(0, 4), st.integers(-1, 4)), min_size=1, max_size=19
).map(lambda pairs: tuple(map(list, zip(*pairs, strict=True))))


def items(count=97, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(7, size=count)
    clusters = np.where(rng.random(count) < 0.6, labels + 3, rng.integers(11, size=count))
    return labels, clusters


def taken_apart(clusters):
    """Each item of noise in a cluster of its own."""
    return [100 + place if c == -1 else c for place, c in enumerate(clusters)]


def harmonic(precision, recall):
    return 2 / (1 / precision + 1 / recall) if precision and recall else 0.0


@pytest.mark.parametrize("function", PEERS)
# scikit-learn checks its arguments at length, and a busy machine takes its time.
@settings(deadline=None)
@given(partitions)
def test_agree_with_scikit_learn(function, pair):
    labels, clusters = pair
    expected = PEERS[function](labels, taken_apart(clusters))
    assert function(labels, clusters) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None)
@given(partitions)
def test_b_cubed_is_that_of_a_loop(pair):
    labels, clusters = pair[0], taken_apart(pair[1])
    places = range(len(labels))
    precisions, recalls = [], []
    for i in places:
        together = [j for j in places if clusters[j] == clusters[i]]
        alike = [j for j in places if labels[j] == labels[i]]
        both = len(set(together) & set(alike))
        precisions.append(both / len(together))
        recalls.append(both / len(alike))
    precision, recall = np.mean(precisions), np.mean(recalls)
    expected = (precision, recall, harmonic(precision, recall))
    assert b_cubed(*pair) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None)
@given(partitions)
def test_pairwise_is_that_of_a_loop(pair):
    labels, clusters = pair[0], taken_apart(pair[1])
    pairs = list(itertools.combinations(range(len(labels)), 2))
    found = [clusters[i] == clusters[j] for i, j in pairs]
    true = [labels[i] == labels[j] for i, j in pairs]
    both = sum(f and t for f, t in zip(found, true, strict=True))
    precision = both / sum(found) if any(found) else 1.0
    recall = both / sum(true) if any(true) else 1.0
    expected = (precision, recall, harmonic(precision, recall))
    assert pairwise_agreement(*pair) == pytest.approx(expected, abs=1e-12)


def test_pairwise_agrees_with_the_pair_confusion_matrix():
    labels, clusters = items(401)
    # scikit-learn 1.9 counts ordered pairs: [[neither, clusters only], [labels only, both]].
    (_, only_found), (only_true, both) = pair_confusion_matrix(labels, clusters)
    found = pairwise_agreement(labels, clusters)
    assert found.precision == pytest.approx(both / (both + only_found), rel=1e-14)
    assert found.recall == pytest.approx(both / (both + only_true), rel=1e-14)


SCORES = [*PEERS, b_cubed, pairwise_agreement]


def values(function, labels, clusters):
    return np.atleast_1d(function(labels, clusters))


@pytest.mark.parametrize("function", SCORES)
def test_names_and_order_do_not_matter(function):
    labels, clusters = items()
    rng = np.random.default_rng(1)
    order = rng.permutation(len(labels))
    plain = values(function, labels, clusters)
    np.testing.assert_allclose(values(function, labels[order], clusters[order]), plain, rtol=1e-12)
    names = np.array([f"class {i}" for i in rng.permutation(7)])
    numbers = rng.permutation(1000)[:14]
    np.testing.assert_allclose(
        values(function, names[labels], numbers[clusters]), plain, rtol=1e-12
    )


@pytest.mark.parametrize("function", SCORES)
def test_sides_change_places(function):
    labels, clusters = items()
    there, back = values(function, labels, clusters), values(function, clusters, labels)
    # Precision becomes recall; the symmetric scores stay.
    np.testing.assert_allclose(back, there[[1, 0, 2]] if len(there) == 3 else there, rtol=1e-9)


@pytest.mark.parametrize("function", SCORES)
@pytest.mark.parametrize("classes", [[0], [5, 5, 5], [3, 1, 2, 4], [0, 1, 0, 2, 2, 2]])
def test_agreement_is_one(function, classes):
    np.testing.assert_allclose(values(function, classes, classes), 1.0, rtol=1e-12)
    shifted = [c + 7 for c in classes]
    np.testing.assert_allclose(values(function, classes, shifted), 1.0, rtol=1e-12)


def test_chance_is_zero_where_corrected():
    rng = np.random.default_rng(0)
    labels, clusters = rng.integers(5, size=307), rng.integers(60, size=307)
    assert abs(adjusted_mutual_information(labels, clusters)) < 0.05
    assert abs(adjusted_rand_index(labels, clusters)) < 0.01
    assert normalized_mutual_information(labels, clusters) > 0.1


def test_noise_is_each_a_cluster_of_its_own():
    labels = [0, 0, 0, 1, 1, 2]
    noisy, apart = [4, 4, -1, -1, -1, 9], [4, 4, 5, 6, 7, 9]
    for function in SCORES:
        np.testing.assert_array_equal(
            values(function, labels, noisy), values(function, labels, apart)
        )
    together = [4, 4, 5, 5, 5, 9]
    assert b_cubed(labels, noisy).precision > b_cubed(labels, together).precision
    assert b_cubed(labels, noisy).recall < b_cubed(labels, together).recall
    scores = clustering_scores(labels, noisy)
    assert (scores["classes"], scores["clusters"], scores["noise"]) == (3.0, 2.0, 3.0)


def test_all_noise_and_all_in_one():
    labels = [0, 0, 1, 1, 1]
    assert b_cubed(labels, [-1] * 5)[:2] == pytest.approx((1.0, 2 / 5))
    assert pairwise_agreement(labels, [-1] * 5) == (1.0, 0.0, 0.0)
    # One cluster: precision (2/5 * 2 + 3/5 * 3) / 5 = 13/25; of 10 pairs 1 + 3 are alike.
    assert b_cubed(labels, [0] * 5)[:2] == pytest.approx((13 / 25, 1.0))
    assert pairwise_agreement(labels, [0] * 5)[:2] == pytest.approx((0.4, 1.0))


def test_all_scores_at_once():
    labels, clusters = items()
    scores = clustering_scores(labels, clusters)
    assert scores["nmi"] == normalized_mutual_information(labels, clusters)
    assert scores["ami"] == adjusted_mutual_information(labels, clusters)
    assert scores["ari"] == adjusted_rand_index(labels, clusters)
    assert tuple(scores[f"b_cubed_{p}"] for p in ("precision", "recall", "f")) == b_cubed(
        labels, clusters
    )
    assert tuple(
        scores[f"pairwise_{p}"] for p in ("precision", "recall", "f")
    ) == pairwise_agreement(labels, clusters)
    assert (scores["classes"], scores["noise"]) == (7.0, 0.0)
    assert scores["clusters"] == len(set(clusters.tolist()))
    strings = clustering_scores(labels, np.array([f"-{c}" for c in clusters]))
    assert strings == pytest.approx(scores, rel=1e-9)


def test_memory_is_that_of_the_items():
    # A table of classes and clusters would take 8 * 40,000 * 30,000 bytes, 10 GB.
    count = 200_000
    rng = np.random.default_rng(0)
    labels, clusters = rng.integers(40_000, size=count), rng.integers(30_000, size=count)
    tracemalloc.start()
    b_cubed(labels, clusters)
    pairwise_agreement(labels, clusters)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200 * count


@pytest.mark.parametrize("function", [*SCORES, clustering_scores])
@pytest.mark.parametrize(
    ("labels", "clusters", "message"),
    [
        ([], [], r"labels: expected shape \(items,\) with at least 1 item, got \(0,\)"),
        ([[0, 1]], [[0, 1]], r"labels: expected shape \(items,\)"),
        ([0, 1], [0], r"clusters: expected integers or strings of shape \(2,\)"),
        ([0.0, 1.0], [0, 1], "labels: expected integers or strings"),
        ([0, 1], [0.0, np.nan], "clusters: expected integers or strings"),
        ([0, 1], [0, -2], "clusters: expected numbers from 0, or -1 for noise, got -2"),
    ],
)
def test_refuses_what_it_cannot_use(function, labels, clusters, message):
    with pytest.raises(UserError, match=message):
        function(labels, clusters)
