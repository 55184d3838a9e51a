import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from simlearn import search
from simlearn.errors import UserError
from simlearn.metrics import (
    accuracy_at,
    auc,
    best_accuracy_threshold,
    equal_error_rate,
    pair_distances,
    roc,
    tar_at_far,
)


def noisy(count=101, seed=0, levels=None):
    """Distances of pairs of which about a third are the same and those somewhat nearer."""
    rng = np.random.default_rng(seed)
    same = rng.random(count) < 0.35
    distances = rng.gamma(3.0, size=count) + 1.5 * ~same
    return (distances if levels is None else np.floor(distances * levels) / levels), same


def rates(distances, same, threshold):
    """FAR and TAR of one threshold by counting."""
    pairs = list(zip(distances, same, strict=True))
    others, sames = [d for d, s in pairs if not s], [d for d, s in pairs if s]
    return (
        sum(d <= threshold for d in others) / len(others),
        sum(d <= threshold for d in sames) / len(sames),
    )


mixed_pairs = st.lists(
    st.tuples(st.integers(0, 7).map(lambda n: n / 3), st.booleans()), min_size=2, max_size=23
).filter(lambda pairs: len({same for _, same in pairs}) == 2)


@pytest.mark.parametrize("block", [1, 3, 5, 256])
def test_every_unordered_pair_once(block):
    points = np.random.default_rng(0).normal(size=(13, 3))
    labels = np.arange(13) % 3
    pairs = list(itertools.combinations(range(13), 2))
    distances, same = pair_distances(points, labels, block=block)
    assert distances.shape == (13 * 12 // 2,)
    np.testing.assert_allclose(distances, [math.dist(points[i], points[j]) for i, j in pairs])
    np.testing.assert_array_equal(same, [labels[i] == labels[j] for i, j in pairs])


@pytest.mark.parametrize("block", [2, 256])
def test_items_of_one_id_form_no_pair(block):
    points = np.random.default_rng(0).normal(size=(11, 3))
    labels = np.array(list("aabbcabcabc"))
    ids = np.array(["x", "y", "x", "z", "u", "u", "x", "v", "v", "w", "x"])
    pairs = [(i, j) for i, j in itertools.combinations(range(11), 2) if ids[i] != ids[j]]
    distances, same = pair_distances(points, labels, ids, distance=search.cosine, block=block)
    whole = search.cosine(points, points)
    np.testing.assert_allclose(distances, [whole[i, j] for i, j in pairs])
    np.testing.assert_array_equal(same, [labels[i] == labels[j] for i, j in pairs])


def test_no_items_give_no_pairs():
    distances, same = pair_distances(np.empty((0, 3)), [])
    assert distances.shape == same.shape == (0,)


@pytest.mark.parametrize("levels", [None, 2], ids=["distinct", "ties"])
def test_roc_and_auc_agree_with_scikit_learn(levels):
    distances, same = noisy(levels=levels)
    far, tar, thresholds = roc_curve(same, -distances, drop_intermediate=False)
    curve = roc(distances, same)
    np.testing.assert_allclose(curve.far, far, rtol=1e-15)
    np.testing.assert_allclose(curve.tar, tar, rtol=1e-15)
    np.testing.assert_array_equal(curve.thresholds[1:], -thresholds[1:])
    assert auc(distances, same) == pytest.approx(roc_auc_score(same, -distances), rel=1e-12)


@given(mixed_pairs)
def test_each_operating_point_is_what_its_threshold_does(pairs):
    distances, same = map(np.array, zip(*pairs, strict=True))
    curve = roc(distances, same)
    assert (curve.far[0], curve.tar[0], curve.thresholds[0]) == (0.0, 0.0, -math.inf)
    assert (curve.far[-1], curve.tar[-1]) == (1.0, 1.0)
    assert list(curve.thresholds[1:]) == sorted(set(distances))
    for point in zip(curve.thresholds, curve.far, curve.tar, strict=True):
        assert rates(distances, same, point[0]) == point[1:]


@given(mixed_pairs)
def test_auc_is_the_chance_of_ranking_a_pair_of_pairs_rightly(pairs):
    others = [d for d, same in pairs if not same]
    sames = [d for d, same in pairs if same]
    wins = sum((s < o) + (s == o) / 2 for s in sames for o in others)
    expected = wins / (len(sames) * len(others))
    assert auc(*zip(*pairs, strict=True)) == pytest.approx(expected, abs=1e-12)


def test_equal_error_rate_between_two_points():
    # Same at 1, 3, 5; other at 2, 4, 6, 7, 8. FAR, FRR at 3: 1/5, 1/3; at 4: 2/5, 1/3. FAR - FRR
    # goes from -2/15 to 1/15, so crosses 2/3 of the way: FAR = 1/5 + 2/3 * 1/5 = 1/3. The second
    # point is nearer.
    distances, same = np.arange(1, 9), np.array([1, 0, 1, 0, 1, 0, 0, 0])
    rate, threshold = equal_error_rate(distances, same)
    assert rate == pytest.approx(1 / 3)
    assert threshold == 4


def test_equal_error_rate_names_the_nearer_point_even_when_it_comes_first():
    # Same at 1 (x3), 3 (x2); other at 2, 3 (x4). FAR, FRR at 2: 1/5, 2/5; at 3: 1, 0. The
    # difference goes from -1/5 to 1, crossing at a sixth: FAR = 1/5 + 1/6 * 4/5 = 1/3.
    distances = [1, 1, 1, 3, 3, 2, 3, 3, 3, 3]
    rate, threshold = equal_error_rate(distances, [1] * 5 + [0] * 5)
    assert rate == pytest.approx(1 / 3)
    assert threshold == 2


def test_equal_error_rate_where_nothing_or_everything_is_separable():
    assert equal_error_rate([1.0, 1.0, 1.0], [True, False, True]) == (0.5, 1.0)
    assert equal_error_rate([1.0, 2.0, 3.0], [True, True, False]) == (0.0, 2.0)
    assert equal_error_rate([1.0, 2.0, 3.0], [False, True, True]) == (1.0, 1.0)


@given(mixed_pairs)
def test_equal_error_rate_lies_on_the_curve_of_scikit_learn(pairs):
    distances, same = map(np.array, zip(*pairs, strict=True))
    far, tar, _ = roc_curve(same, -distances, drop_intermediate=False)
    # Bisection along the curve: FAR - FRR ascends with the arc parameter.
    low, high = 0.0, len(far) - 1.0
    for _ in range(60):
        middle = (low + high) / 2
        at = [np.interp(middle, np.arange(len(far)), column) for column in (far, tar)]
        low, high = (middle, high) if at[0] < 1 - at[1] else (low, middle)
    expected = np.interp(low, np.arange(len(far)), far)
    assert equal_error_rate(distances, same).rate == pytest.approx(expected, abs=1e-9)


@given(mixed_pairs, st.sampled_from([0.05, 0.1, 0.2, 0.25, 1 / 3, 0.5, 0.9]))
def test_tar_at_far_is_the_best_threshold_allowed(pairs, target):
    distances, same = map(np.array, zip(*pairs, strict=True))
    negatives = int((~same).sum())
    if 1 / negatives > target:
        with pytest.raises(UserError, match=f"with {negatives} different pairs"):
            tar_at_far(distances, same, target)
        return
    allowed = [-math.inf, *sorted(set(distances))]
    threshold = max(t for t in allowed if rates(distances, same, t)[0] <= target)
    far, tar = rates(distances, same, threshold)
    assert tar_at_far(distances, same, target) == (tar, far, threshold)


def test_measured_far_is_reported_where_ties_keep_it_down():
    # Of four others three tie at 2, so a FAR of 1/2 cannot be had, only 0 or 3/4.
    point = tar_at_far([1.0, 2.0, 2.0, 2.0, 2.0, 5.0], [1, 1, 0, 0, 0, 0], 0.5)
    assert point == (0.5, 0.0, 1.0)


@pytest.mark.parametrize("negatives", [49, 300, 1000])
def test_far_needs_one_over_far_negatives(negatives):
    distances = np.arange(negatives + 1.0)
    same = distances == 0
    assert tar_at_far(distances, same, 1 / negatives).far == 1 / negatives
    with pytest.raises(UserError, match=f"with {negatives - 1} different pairs"):
        tar_at_far(distances[:-1], same[:-1], 1 / negatives)


@given(mixed_pairs)
def test_best_accuracy_is_the_best_of_all_thresholds(pairs):
    distances, same = zip(*pairs, strict=True)

    def right(threshold):
        return sum((d <= threshold) == s for d, s in pairs)

    thresholds = [-math.inf, *sorted(set(distances))]
    best = max(map(right, thresholds))
    first = next(t for t in thresholds if right(t) == best)
    assert best_accuracy_threshold(distances, same) == (first, best / len(pairs))
    for threshold in thresholds:
        assert accuracy_at(distances, same, threshold) == right(threshold) / len(pairs)


@pytest.mark.parametrize("width", [np.float16, np.float32])
def test_a_threshold_is_not_rounded_to_the_distances(width):
    # It lies between two adjacent distances, nearer the larger, to which rounding would raise it.
    near = width(0.1)
    far = np.nextafter(near, width(1))
    threshold = 0.25 * float(near) + 0.75 * float(far)
    assert accuracy_at(np.array([near, far]), [True, False], threshold) == 1.0


@pytest.mark.parametrize(
    "function",
    [
        roc,
        auc,
        equal_error_rate,
        best_accuracy_threshold,
        lambda distances, same: tar_at_far(distances, same, 0.9),
        lambda distances, same: accuracy_at(distances, same, 0.5),
    ],
)
@pytest.mark.parametrize(
    ("distances", "same", "message"),
    [
        ([0.1, np.nan, 0.3], [1, 0, 1], "expected finite values, got nan for pair 1"),
        ([0.1, 0.2, -np.inf], [1, 0, 1], "expected finite values, got -inf for pair 2"),
        ([0.1, 0.2], [1, 1], "both kinds, got 2 same and 0 different"),
        ([0.1, 0.2], [False, False], "both kinds, got 0 same and 2 different"),
        ([], [], "both kinds, got 0 same and 0 different"),
        ([0.1, 0.2], [1, 0, 1], r"got \(2,\) and \(3,\)"),
        ([[0.1, 0.2]], [[1, 0]], r"got \(1, 2\) and \(1, 2\)"),
        ([0.1, 0.2, 0.3], [0, 1, 2], "booleans, or integers 0 and 1, got int64 from 0 to 2"),
        ([0.1, 0.2], [0.0, 1.0], "booleans, or integers 0 and 1, got float64"),
        ([True, False], [True, False], "distances: expected real numbers, got bool"),
    ],
)
def test_refuses_what_it_cannot_use(function, distances, same, message):
    with pytest.raises(UserError, match=message):
        function(distances, same)


@pytest.mark.parametrize("far", [0.0, 1.0, -0.1, math.nan])
def test_refuses_a_far_outside_its_range(far):
    with pytest.raises(UserError, match="far: expected a rate between 0 and 1"):
        tar_at_far([0.1, 0.2], [1, 0], far)


def test_refuses_a_threshold_that_is_no_number():
    with pytest.raises(UserError, match="threshold: expected a number, got NaN"):
        accuracy_at([0.1, 0.2], [1, 0], math.nan)
