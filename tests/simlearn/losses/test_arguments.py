"""What a loss refuses, and in which words."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from simlearn import distances, losses, mining
from simlearn.errors import UserError
from tests.simlearn.losses import table

BATCH = [row for row in table.TABLE if row.kind in ("batch", "proxies", "normed")]
LABELS, ROWS = table.CASES["all_distinct"]

WRONG = {
    "float labels": (
        LABELS.astype("float32"),
        ROWS,
        r"expected integer labels, received float32; convert them where they are loaded",
    ),
    "float one-hot labels": (np.eye(5), ROWS, "expected integer labels, received float64"),
    "one-hot labels": (
        np.eye(5, dtype="int32"),
        ROWS,
        r"expected one integer label an item, shape \(batch,\), received \(5, 5\)",
    ),
    "a single label": (
        np.int64(3),
        ROWS,
        r"expected one integer label an item, shape \(batch,\), received \(\)",
    ),
    "rank 3 rows": (
        LABELS,
        ROWS[:, None, :],
        r"expected rows of shape \(batch, dim\), received \(5, 1, 3\)",
    ),
    "rank 1 rows": (
        LABELS,
        ROWS[:, 0],
        r"expected rows of shape \(batch, dim\), received \(5,\)",
    ),
    "too few labels": (LABELS[:4], ROWS, "expected labels for 5 items, received 4"),
    "a label for all": (LABELS[:1], ROWS, "expected labels for 5 items, received 1"),
}


@pytest.mark.parametrize("row", BATCH, ids=lambda row: row.loss.__name__)
@pytest.mark.parametrize("mistake", WRONG)
def test_wrong_batches_are_refused(row, mistake):
    if row.levels and mistake == "one-hot labels":
        pytest.skip("columns are levels there")
    labels, rows, message = WRONG[mistake]
    with pytest.raises(UserError, match=message):
        row.make()(labels, rows)
    with pytest.raises(UserError, match=message):
        row.pure(labels, rows)


@pytest.mark.parametrize("row", BATCH, ids=lambda row: row.loss.__name__)
def test_weights_must_be_one_an_item(row):
    with pytest.raises(UserError, match="expected sample_weight for 5 items, received 4"):
        row.make()(LABELS % 3, np.tanh(ROWS), sample_weight=np.ones(4))


def test_pairs_and_triplets_of_the_wrong_shape_are_refused():
    with pytest.raises(UserError, match=r"one number a pair in distances.*received \(5, 3\)"):
        losses.contrastive_loss(np.ones(5), ROWS)
    with pytest.raises(UserError, match=r"one number a pair in same.*received \(5, 5\)"):
        losses.contrastive_loss(np.eye(5), ROWS[:, 0])
    with pytest.raises(UserError, match=r"stacked as \(batch, 3, dim\), received \(5, 2, 3\)"):
        losses.TripletLoss()(np.zeros(5), np.stack([ROWS, ROWS], axis=1))
    with pytest.raises(UserError, match=r"with one dim, received shapes \(5, 1, 3\) and"):
        losses.triplet_loss(ROWS, ROWS[:, :2], ROWS)


def test_explicit_pairs_may_be_columns():
    same, apart = np.array([1, 0, 0]), np.array([0.5, 0.2, 3.0])
    # By hand, margin 1: 0.25 / 2, (1 - 0.2)^2 / 2, 0.
    for form in ((same, apart), (same[:, None], apart[:, None]), (same[:, None], apart)):
        np.testing.assert_allclose(losses.contrastive_loss(*form), [0.125, 0.32, 0.0])
    loss = losses.ContrastiveLoss(reduction="sum")
    assert float(loss(same, apart[:, None])) == pytest.approx(0.445)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.ContrastiveLoss(margin=0.0), r"margin in \(0.0, inf\), received 0.0"),
        (lambda: losses.ContrastiveLoss(margin=math.inf), "margin in .*, received inf"),
        (lambda: losses.BatchContrastiveLoss(margin=-1.0), "margin in .*, received -1.0"),
        (lambda: losses.TripletLoss(margin=math.nan), "margin in .*, received nan"),
        (lambda: losses.TripletHardLoss(margin=0.0), "margin in .*, received 0.0"),
        (lambda: losses.TripletBatchAllLoss(margin=-0.1), "margin in .*, received -0.1"),
        (lambda: losses.MinedTripletLoss(miner=mining.semi_hard, margin=0.0), "margin in"),
        (lambda: losses.NTXentLoss(temperature=0.0), "temperature in .*, received 0.0"),
        (lambda: losses.SupConLoss(temperature=-1.0), "temperature in .*, received -1.0"),
        (lambda: losses.MultiSimilarityLoss(alpha=0.0), "alpha in .*, received 0.0"),
        (lambda: losses.MultiSimilarityLoss(beta=-2.0), "beta in .*, received -2.0"),
        (lambda: losses.ArcFaceLoss(margin=math.pi), r"margin in \[0.0, 3.14\d*\), received 3.14"),
        (lambda: losses.ArcFaceLoss(margin=-0.1), "margin in .*, received -0.1"),
        (lambda: losses.MultiSimilarityLoss(base=9), r"base in \[-1.0, 1.0\], received 9"),
        (lambda: losses.MultiSimilarityLoss(epsilon=math.inf), "epsilon in .*, received inf"),
        (lambda: losses.ArcFaceLoss(scale=0.0), "scale in .*, received 0.0"),
        (lambda: losses.TripletDistanceWeightedLoss(dim=1), "dim of 2 or more, received 1"),
    ],
)
def test_hyperparameters_out_of_range_are_refused(make, message):
    with pytest.raises(UserError, match=message):
        make()


@pytest.mark.parametrize("row", table.TABLE, ids=lambda row: row.loss.__name__)
def test_the_functions_refuse_them_too(row):
    labels, rows = table.batch_for(row, "random")
    numbers = [name for name, value in row.arguments().items() if isinstance(value, float)]
    without = (
        losses.CenterLoss,
        losses.FastAPLoss,
        losses.MultilabelNPairsLoss,
        losses.TripletSoftMarginLoss,
        losses.HistogramLoss,
        losses.NPairsLoss,
        losses.SimSiamLoss,
    )
    assert numbers or row.loss in without
    for name in numbers:
        for value in (math.nan, math.inf, -math.inf):
            settings = {**row.arguments(), name: value}
            several = {"triplets": 3, "quadruplets": 4, "views": 2}.get(row.kind, 0)
            arguments = (rows[:, 0],) * several if several else (labels, rows)
            with pytest.raises(UserError, match=rf"expected {name} in .*, received {value}"):
                row.function(*arguments, **settings)


def test_the_ends_of_a_range_and_learned_arguments_are_taken():
    rows = ROWS.astype("float32")
    for base in (-1.0, 1.0):
        assert losses.MultiSimilarityLoss(base=base).base == base
    assert losses.ArcFaceLoss(margin=0.0).margin == 0.0
    for learned in (tf.constant(0.5), tf.Variable(0.5), keras.Variable(0.5)):
        value = tf.function(losses.supcon_loss)(LABELS % 2, rows, temperature=learned)
        plain = losses.supcon_loss(LABELS % 2, rows, temperature=0.5)
        assert float(value) == pytest.approx(float(plain), rel=1e-6)


def test_explicit_items_are_not_broadcast():
    with pytest.raises(UserError, match="expected same for 1 items, received 3"):
        losses.contrastive_loss(np.array([1.0, 0.0, 1.0]), np.array([1.0]))
    with pytest.raises(UserError, match="as many rows in both sets, received 5 and 1"):
        losses.triplet_loss(ROWS, ROWS, ROWS[:1])


def test_margin_and_distance_are_in_one_unit():
    # On a line: anchor 0, positive 3, negative 4. Squared, 9 - 16 + 8 = 1 and (for the anchor
    # at 3, negative at distance 1) 9 - 1 + 8 = 16; plain, 3 - 4 + 8 = 7 and 3 - 1 + 8 = 10.
    labels, rows = np.array([0, 0, 1]), np.array([[0.0], [3.0], [4.0]])
    for distance, expected in ((distances.squared_euclidean, 8.5), (distances.euclidean, 8.5)):
        value = losses.TripletHardLoss(margin=8.0, distance=distance)(labels, rows)
        assert float(value) == pytest.approx(expected)


@pytest.mark.parametrize(
    "make",
    [
        lambda: losses.TripletHardLoss(distance="cosine"),
        lambda: losses.TripletLoss(distance="cosine"),
        lambda: losses.BatchContrastiveLoss(distance="cosine"),
    ],
)
def test_the_name_of_a_distance_is_refused(make):
    with pytest.raises(UserError, match="expected distance as a function, received 'cosine'"):
        make()


def test_the_name_of_a_miner_is_refused():
    with pytest.raises(UserError, match="expected miner as a function, received 'hard'"):
        losses.MinedTripletLoss(miner="hard")
