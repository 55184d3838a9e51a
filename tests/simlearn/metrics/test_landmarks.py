"""Scores of landmarks and attributes, beside loops, derivations and scikit-learn."""

import math

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from simlearn import metrics
from simlearn.errors import UserError


def faces(count=13, points=5, seed=0):
    random = np.random.default_rng(seed)
    true = random.normal(0, 10, (count, points, 2))
    return true, true + random.normal(0, 2, true.shape), random.random((count, points)) < 0.8


def test_errors_are_those_of_the_loop():
    true, predicted, visible = faces()
    true[3, 1] = true[3, 4]  # No distance, no scale.
    errors = metrics.landmark_errors(true, predicted, visible=visible, left=1, right=4)
    for i in range(13):
        scale = math.dist(true[i, 1], true[i, 4])
        scaled = visible[i, 1] and visible[i, 4] and scale > 0
        for j in range(5):
            if scaled and visible[i, j]:
                expected = math.dist(true[i, j], predicted[i, j]) / scale
                assert errors[i, j] == pytest.approx(expected)
            else:
                assert np.isnan(errors[i, j])
    assert np.isnan(errors[3]).all()


def test_missing_points_may_be_anything():
    true, predicted, visible = faces()
    broken = np.where(visible[..., None], true, np.nan)
    np.testing.assert_array_equal(
        metrics.landmark_errors(true, predicted, visible=visible),
        metrics.landmark_errors(broken, predicted, visible=visible),
    )


def test_scores_are_means_of_pictures():
    errors = [[0.02, 0.06], [0.3, np.nan], [np.nan, np.nan], [0.1, 0.1]]
    scores = metrics.landmark_scores(errors)
    # Means 0.04, 0.3, 0.1; a mean of exactly the limit is no failure; areas 0.06, 0 and 0 of 0.1.
    assert scores.mean_error == pytest.approx((0.04 + 0.3 + 0.1) / 3)
    assert scores.failure_rate == pytest.approx(1 / 3)
    assert scores.area == pytest.approx(0.6 / 3)
    assert scores.pictures == 3


def test_the_area_is_that_under_the_curve():
    true, predicted, visible = faces(count=200)
    errors = metrics.landmark_errors(true, predicted, visible=visible) / 3
    for limit in (0.08, 0.3):
        x, share = metrics.cumulative_errors(errors, limit=limit)
        means = np.nanmean(errors[~np.isnan(errors).all(axis=1)], axis=1)
        # Shares by counting, at many places; their mean is the area over the limit.
        places = (np.arange(20000) + 0.5) / 20000 * limit
        counted = (means[:, None] <= places).mean(axis=0)
        assert metrics.landmark_scores(errors, limit=limit).area == pytest.approx(
            counted.mean(), abs=1e-4
        )
        staircase = share[np.searchsorted(x, places, side="right") - 1]
        np.testing.assert_allclose(staircase, counted)
        assert share[-1] == pytest.approx(
            1 - metrics.landmark_scores(errors, limit=limit).failure_rate
        )


def test_a_constant_offset_is_found_on_other_pictures():
    true, _, visible = faces(count=17)
    random = np.random.default_rng(1)
    offset = np.array([1.5, -0.5])
    noisy = true + offset + random.choice([-0.1, 0.1], true.shape)
    corrected = metrics.cross_fitted_offset(true, noisy, visible=visible, folds=4)
    assert np.abs(corrected - true).max() < 0.25
    # A picture that lies far off has no say in its own correction.
    noisy[5] += 100.0
    again = metrics.cross_fitted_offset(true, noisy, visible=visible, folds=4)
    np.testing.assert_allclose(again[5] - 100.0, corrected[5], atol=1e-9)


def test_each_picture_is_corrected_by_the_median_of_the_other_folds():
    true, predicted, _ = faces(count=7)
    corrected = metrics.cross_fitted_offset(true, predicted, folds=7, seed=3)
    for i in range(7):
        others = np.delete(predicted - true, i, axis=0).reshape(-1, 2)
        np.testing.assert_allclose(corrected[i], predicted[i] - np.median(others, axis=0))


def test_what_cannot_be_scored_is_refused():
    true, predicted, visible = faces()
    for call, message in (
        (lambda: metrics.landmark_errors(true, predicted[:3]), "of one shape"),
        (lambda: metrics.landmark_errors(true, predicted, visible=visible[:2]), "as booleans"),
        (lambda: metrics.landmark_errors(true, predicted * np.nan), "as finite numbers"),
        (lambda: metrics.landmark_errors(true * np.inf, predicted), "known points as finite"),
        (lambda: metrics.landmark_errors(true, predicted, left=5), "two positions"),
        (lambda: metrics.landmark_scores(np.full((2, 3), np.nan)), "got none"),
        (lambda: metrics.landmark_scores([0.1]), "errors"),
        (lambda: metrics.landmark_scores([[0.1]], limit=0.0), "limit above 0"),
        (lambda: metrics.cross_fitted_offset(true, predicted, folds=1), "folds from 2"),
        (
            lambda: metrics.cross_fitted_offset(true, predicted, visible=np.zeros((13, 5), bool)),
            "known point in the other folds",
        ),
    ):
        with pytest.raises(UserError, match=message):
            call()


def test_attributes_agree_with_scikit_learn():
    random = np.random.default_rng(2)
    true, told = random.integers(-1, 4, 200), random.integers(0, 4, 200)
    scores = metrics.attribute_scores(true, told, 4)
    known = true >= 0
    wanted, given = true[known], told[known]
    assert scores.accuracy == pytest.approx(sklearn_metrics.accuracy_score(wanted, given))
    assert scores.balanced_accuracy == pytest.approx(
        sklearn_metrics.balanced_accuracy_score(wanted, given)
    )
    np.testing.assert_array_equal(
        scores.confusion, sklearn_metrics.confusion_matrix(wanted, given, labels=range(4))
    )
    assert scores.majority_accuracy == np.bincount(wanted).max() / len(wanted)


def test_values_that_do_not_occur_do_not_count():
    scores = metrics.attribute_scores([0, 0, 2], [0, 1, 2], 5)
    assert scores.balanced_accuracy == pytest.approx((0.5 + 1.0) / 2)


def test_attributes_that_cannot_be_scored_are_refused():
    for true, told, values, message in (
        ([0, 1], [0], 2, "a told value for each"),
        ([0, 2], [0, 1], 2, r"true in \[-1, 2\)"),
        ([0, 1], [0, -1], 2, r"told in \[0, 2\)"),
        ([-1, -1], [0, 1], 2, "at least one known"),
        ([0.5], [0], 2, "as integers"),
        ([0], [0], 1, "at least 2 values"),
    ):
        with pytest.raises(UserError, match=message):
            metrics.attribute_scores(true, told, values)
