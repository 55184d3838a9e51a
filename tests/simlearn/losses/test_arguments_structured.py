"""What the structured losses refuse, and in which words."""

import math

import keras
import numpy as np
import pytest

from simlearn import losses
from simlearn.errors import UserError

ROWS = np.random.default_rng(0).normal(size=(5, 3))
SETS = np.eye(5, dtype="int64")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.AngularLoss(alpha=0.0), r"alpha in \(0.0, 1.57\d*\), received 0.0"),
        (lambda: losses.AngularLoss(alpha=math.pi / 2), "alpha in .*, received 1.57"),
        (lambda: losses.AngularLoss(alpha=40.0), "alpha in .*, received 40.0"),
        (lambda: losses.CircleLoss(margin=1.0), r"margin in \(-1.0, 1.0\), received 1.0"),
        (lambda: losses.CircleLoss(margin=-1.0), "margin in .*, received -1.0"),
        (lambda: losses.CircleLoss(gamma=0.0), "gamma in .*, received 0.0"),
        (lambda: losses.GeneralizedLiftedStructureLoss(margin=0.0), "margin in .*, received 0.0"),
        (lambda: losses.LiftedStructureLoss(margin=-1.0), "margin in .*, received -1.0"),
        (lambda: losses.MarginLoss(margin=0.0), "margin in .*, received 0.0"),
        (lambda: losses.MarginLoss(beta=math.nan), "beta in .*, received nan"),
        (lambda: losses.QuadrupletLoss(alpha1=0.0), "alpha1 in .*, received 0.0"),
        (lambda: losses.QuadrupletLoss(alpha2=-0.5), "alpha2 in .*, received -0.5"),
        (lambda: losses.TupletMarginLoss(margin=-0.1), r"margin in \[0.0, 3.14\d*\), received"),
        (lambda: losses.TupletMarginLoss(margin=5.73), "margin in .*, received 5.73"),
        (lambda: losses.TupletMarginLoss(scale=0.0), "scale in .*, received 0.0"),
    ],
)
def test_hyperparameters_out_of_range_are_refused(make, message):
    with pytest.raises(UserError, match=message):
        make()


@pytest.mark.parametrize(
    "loss",
    [
        losses.GeneralizedLiftedStructureLoss,
        losses.LiftedStructureLoss,
        losses.MarginLoss,
        losses.QuadrupletLoss,
        losses.TripletSoftMarginLoss,
    ],
)
def test_the_name_of_a_distance_is_refused(loss):
    with pytest.raises(UserError, match="expected distance as a function, received 'cosine'"):
        loss(distance="cosine")


@pytest.mark.parametrize("loss", [losses.MarginLoss, losses.TripletSoftMarginLoss])
def test_the_name_of_a_miner_is_refused(loss):
    with pytest.raises(UserError, match="expected miner as a function, received 'hard'"):
        loss(miner="hard")


def test_a_margin_loss_has_one_boundary():
    with pytest.raises(UserError, match=r"expected one number as beta, received shape \(3,\)"):
        losses.MarginLoss(beta=keras.Variable(np.ones(3)))


def test_boundaries_are_one_an_anchor():
    with pytest.raises(UserError, match="expected beta for 5 items, received 4"):
        losses.margin_loss(np.arange(5), ROWS, beta=np.ones(4))
    with pytest.raises(UserError, match=r"expected one number or one an anchor as beta, .*\(5, 1"):
        losses.margin_loss(np.arange(5), ROWS, beta=np.ones((5, 1)))


def test_quadruplets_of_the_wrong_shape_are_refused():
    with pytest.raises(UserError, match=r"stacked as \(batch, 4, dim\), received \(5, 3, 3\)"):
        losses.QuadrupletLoss()(np.zeros(5), np.stack([ROWS] * 3, axis=1))
    with pytest.raises(UserError, match="as many rows in both sets, received 1 and 5"):
        losses.quadruplet_loss(ROWS, ROWS, ROWS, ROWS[:1])


@pytest.mark.parametrize(
    ("labels", "rows", "weights", "message"),
    [
        (np.arange(5), ROWS, None, r"shape \(batch, classes\), received \(5,\)"),
        (SETS[:4], ROWS, None, "expected labels for 5 items, received 4"),
        (SETS, ROWS[:, 0], None, r"expected rows of shape \(batch, dim\), received \(5,\)"),
        (SETS, ROWS, np.ones(4), "expected sample_weight for 5 items, received 4"),
    ],
)
def test_sets_of_the_wrong_shape_are_refused(labels, rows, weights, message):
    for loss in (losses.MultilabelNPairsLoss(), losses.multilabel_n_pairs_loss):
        with pytest.raises(UserError, match=message):
            loss(labels, rows, sample_weight=weights)
