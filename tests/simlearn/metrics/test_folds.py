import math
import statistics

import numpy as np
import pytest

from simlearn.errors import UserError
from simlearn.metrics import fold_scores


def official(folds=5, per_kind=7, seed=0):
    """Pairs in folds of equal size, same ones first in each, as LFW lists them.

    Zero lies where the kinds meet, so that a missing pair cannot hide there.
    """
    rng = np.random.default_rng(seed)
    same = np.tile(np.repeat([True, False], per_kind), folds)
    distances = rng.gamma(3.0, size=len(same)) + 2.0 * ~same
    return distances - 4.0, same, np.arange(len(same)) // (2 * per_kind)


def best_threshold(pairs):
    """Smallest of the best thresholds, by trying all."""
    candidates = [-math.inf, *sorted(d for d, _ in pairs)]
    return max(candidates, key=lambda t: (sum((d <= t) == s for d, s in pairs), -t))


def by_hand(distances, same, folds, missing):
    rows = [r for r in zip(distances, same, folds, missing, strict=True) if not r[3]]
    accuracies, thresholds = [], []
    for fold in sorted(set(folds)):
        threshold = best_threshold([(d, s) for d, s, f, _ in rows if f != fold])
        held_out = [(d <= threshold) == s for d, s, f, _ in rows if f == fold]
        thresholds.append(threshold)
        accuracies.append(sum(held_out) / len(held_out))
    return accuracies, thresholds


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share_missing", [0.0, 0.15])
def test_threshold_of_all_other_folds(seed, share_missing):
    distances, same, folds = official(seed=seed)
    missing = np.random.default_rng(seed + 50).random(len(same)) < share_missing
    scores = fold_scores(distances, same, folds, missing=missing)
    accuracies, thresholds = by_hand(distances, same, folds, missing)
    np.testing.assert_allclose(scores.accuracies, accuracies, rtol=1e-15)
    np.testing.assert_array_equal(scores.thresholds, thresholds)
    assert scores.mean == pytest.approx(statistics.mean(accuracies), rel=1e-14)
    # statistics.stdev divides by k - 1.
    expected = statistics.stdev(accuracies) / math.sqrt(len(accuracies))
    assert scores.standard_error == pytest.approx(expected, rel=1e-12)
    np.testing.assert_array_equal(scores.scored + scores.dropped, 14)
    np.testing.assert_array_equal(scores.dropped, np.bincount(folds[missing], minlength=5))


def test_a_missing_pair_does_not_shift_the_folds():
    distances, same, folds = official()
    gone = 3
    whole = fold_scores(distances, same, folds)
    missing = np.arange(len(same)) == gone
    scores = fold_scores(np.where(missing, np.nan, distances), same, folds, missing=missing)
    kept = ~missing
    np.testing.assert_array_equal(
        scores.accuracies, fold_scores(distances[kept], same[kept], folds[kept]).accuracies
    )
    assert scores.dropped.tolist() == [1, 0, 0, 0, 0]
    # Cutting the list that is left into equal pieces again would move a pair over each border.
    shifted = fold_scores(distances[kept], same[kept], np.arange(kept.sum()) // 14)
    assert shifted.accuracies.tolist() != scores.accuracies.tolist()
    assert whole.dropped.sum() == 0


def test_pairs_in_any_order_and_folds_of_any_number():
    distances, same, folds = official(seed=3)
    order = np.random.default_rng(1).permutation(len(same))
    names = np.array([40, 7, 300, 5, 11])
    plain = fold_scores(distances, same, folds)
    other = fold_scores(distances[order], same[order], names[folds[order]])
    assert other.folds.tolist() == [5, 7, 11, 40, 300]
    np.testing.assert_array_equal(other.accuracies, plain.accuracies[[3, 1, 4, 0, 2]])
    assert other.mean == pytest.approx(plain.mean, rel=1e-15)


def test_the_mean_is_of_folds_not_of_pairs():
    # Fold 0 is decided rightly by fold 1's threshold 0.2 (2 of 2); fold 1 by fold 0's, 0.1: of
    # its four pairs 0.2 is refused, the others are right, so 3/4. Pairs would give 5/6.
    distances, same = [0.1, 0.9, 0.2, 0.7, 0.8, 0.9], [1, 0, 1, 0, 0, 0]
    scores = fold_scores(distances, same, [0, 0, 1, 1, 1, 1])
    assert scores.accuracies.tolist() == [1.0, 0.75]
    assert scores.mean == 0.875
    assert scores.standard_error == pytest.approx(0.125)


def test_a_held_out_fold_may_hold_one_kind():
    scores = fold_scores([0.1, 0.9, 0.3, 0.2, 0.8], [1, 0, 1, 1, 0], [0, 0, 1, 2, 2])
    assert scores.accuracies.tolist()[1] == 0.0
    assert scores.scored.tolist() == [2, 1, 2]


def test_distances_of_half_precision_are_compared_exactly():
    distances = np.array([0.1, 0.9, 0.2, 0.8], np.float16)
    scores = fold_scores(distances, [1, 0, 1, 0], [0, 0, 1, 1])
    assert scores.thresholds.tolist() == [float(np.float16(0.2)), float(np.float16(0.1))]


FOUR = ([0.1, 0.9, 0.2, 0.8], [1, 0, 1, 0], [0, 0, 1, 1])


@pytest.mark.parametrize(
    ("arguments", "missing", "message"),
    [
        ((FOUR[0], FOUR[1], [0, 0, 0, 0]), None, "expected at least 2 different numbers, got 1"),
        ((FOUR[0], FOUR[1], [0, 0, 1]), None, r"folds: expected integers or strings of shape \(4,"),
        ((FOUR[0], FOUR[1], list("abcd")), None, "folds: expected integers, got <U1"),
        ((FOUR[0], FOUR[1][:3], FOUR[2]), None, r"got \(4,\) and \(3,\)"),
        (([FOUR[0]], *FOUR[1:]), None, r"distances: expected shape \(pairs,\), got \(1, 4\)"),
        (([0.1, np.nan, 0.2, 0.8], *FOUR[1:]), None, "nan for pair 1 .*; missing= says which"),
        (FOUR, [True, True, False, False], "left in fold 0, got all 2 of them missing"),
        (FOUR, [0, 1, 0, 0], "missing: expected booleans"),
        (FOUR, [False], r"missing: expected booleans of shape \(4,\)"),
        ((FOUR[0], [1, 0, 1, 1], FOUR[2]), None, "both kinds outside fold 0.*2 same and 0 diff"),
        (FOUR, [False, True, False, False], "both kinds outside fold 1.*1 same and 0 different"),
    ],
)
def test_refuses_what_it_cannot_use(arguments, missing, message):
    with pytest.raises(UserError, match=message):
        fold_scores(*arguments, missing=missing)


def test_another_pair_is_named_by_its_row_in_the_list():
    distances = [np.nan, 0.9, 0.2, np.inf]
    with pytest.raises(UserError, match="got inf for pair 3"):
        fold_scores(distances, *FOUR[1:], missing=[True, False, False, False])
