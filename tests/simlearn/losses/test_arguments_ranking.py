"""What the ranking losses refuse, and in which words."""

import math

import numpy as np
import pytest

from simlearn import losses
from simlearn.errors import UserError

LABELS, ROWS = np.array([0, 1, 0, 1]), np.random.default_rng(0).normal(size=(4, 3))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.NCALoss(temperature=0.0), r"temperature in \(0.0, inf\), received 0.0"),
        (lambda: losses.SmoothAPLoss(temperature=-0.1), "temperature in .*, received -0.1"),
        (lambda: losses.FastAPLoss(bins=0), "bins as a whole number of 1 or more, received 0"),
        (lambda: losses.FastAPLoss(bins=9.5), "bins as a whole number .*, received 9.5"),
        (lambda: losses.FastAPLoss(bins=math.nan), "bins as a whole number .*, received nan"),
        (lambda: losses.HistogramLoss(bins=-1), "bins as a whole number .*, received -1"),
        (lambda: losses.RankedListLoss(alpha=2.0), r"alpha in \(0.0, 2.0\), received 2.0"),
        (lambda: losses.RankedListLoss(margin=0.0), r"margin in \(0.0, inf\), received 0.0"),
        (lambda: losses.RankedListLoss(margin=1.3), "margin of at most alpha, 1.2, received 1.3"),
        (lambda: losses.RankedListLoss(temperature=-1.0), r"temperature in \[0.0, inf\)"),
        (lambda: losses.RankedListLoss(balance=1.1), r"balance in \[0.0, 1.0\], received 1.1"),
        (lambda: losses.DeepRankingLoss(gap=0.0), r"gap in \(0.0, inf\), received 0.0"),
        (lambda: losses.DeepRankingLoss(distance="cosine"), "distance as a function, received"),
    ],
)
def test_hyperparameters_out_of_range_are_refused(make, message):
    with pytest.raises(UserError, match=f"expected {message}"):
        make()


@pytest.mark.parametrize("function", [losses.fast_ap_loss, losses.histogram_loss])
@pytest.mark.parametrize("bins", [0, 2.5, math.inf])
def test_the_functions_refuse_a_number_of_bins_too(function, bins):
    with pytest.raises(UserError, match=f"whole number of 1 or more, received {bins}"):
        function(LABELS, ROWS, bins=bins)


def test_the_ends_of_a_range_are_taken():
    for settings in ({"balance": 0.0}, {"balance": 1.0}, {"temperature": 0.0}, {"margin": 1.2}):
        assert np.isfinite(float(losses.RankedListLoss(**settings)(LABELS, ROWS)))
    for make in (losses.FastAPLoss, losses.HistogramLoss):
        assert 0.0 <= float(make(bins=np.int64(1))(LABELS, ROWS)) <= 1.0


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((4, 2)), "expected integer labels, received float64"),
        (np.zeros((3, 2), "int64"), "expected labels for 4 items, received 3"),
        (np.zeros((4, 2, 1), "int64"), r"shape \(batch,\), received \(4, 2, 1\)"),
        (np.zeros((4, 0), "int64"), r"shape \(batch,\), received \(4, 0\)"),
    ],
)
def test_levels_of_labels_that_do_not_fit_are_refused(labels, message):
    for compute in (losses.deep_ranking_loss, losses.DeepRankingLoss()):
        with pytest.raises(UserError, match=message):
            compute(labels, ROWS)
