"""Ranking losses against what they smooth, and against values by hand."""

import functools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import average_precision_score, roc_auc_score

from simlearn import distances, losses
from tests.simlearn.losses import oracle, table
from tests.simlearn.losses.backend import compiled, value_and_gradient
from tests.simlearn.losses.families import ranking

LABELS, ROWS = table.CASES["random"]
UNIT = ROWS / np.linalg.norm(ROWS, axis=1, keepdims=True)


def levels_of(labels):
    """Fine classes 1 and 3, and 7 and 9, share a coarse one; the fine numbers occur in both."""
    return np.stack([labels > 4, labels % 4, np.arange(len(labels)) % 2], axis=1).astype("int64")


def mean_precision(scores):
    """Average precision of each anchor that has a positive, from an independent library."""
    found = []
    for a, label in enumerate(LABELS):
        others = np.delete(np.arange(len(LABELS)), a)
        relevant = LABELS[others] == label
        if relevant.any():
            found.append(average_precision_score(relevant, scores[a, others]))
    return np.mean(found)


def test_smooth_ap_tends_to_average_precision():
    exact = 1.0 - mean_precision(UNIT @ UNIT.T)
    gaps = [
        abs(float(losses.smooth_ap_loss(LABELS, ROWS, temperature=t)) - exact)
        for t in (1e-1, 1e-2, 1e-5)
    ]
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 1e-9


def test_fast_ap_tends_to_average_precision():
    # Not all the way: at the lower of its two nodes a positive does not yet count in full.
    exact = 1.0 - mean_precision(UNIT @ UNIT.T)
    fine, coarse = (float(losses.fast_ap_loss(LABELS, ROWS, bins=bins)) for bins in (100000, 5))
    assert abs(fine - exact) < abs(coarse - exact)
    assert fine == pytest.approx(exact, abs=0.05)


def test_fast_ap_is_average_precision_where_distances_are_nodes():
    # Squared distances from (1, 0): 0 to itself, 2 to (0, 1), 4 to (-1, 0). With two bins these
    # are the nodes. Anchor 0 has its positive behind the negative: 1/2. Anchor 2, (-1, 0), has the
    # negative at 2 and the positive at 4 as well: 1/2. The anchor in the middle has no positive.
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    assert float(losses.fast_ap_loss(np.array([0, 1, 0]), rows, bins=2)) == pytest.approx(0.5)
    # Its positive in front, with one bin (nodes 0 and 4): of the positive at 2, half is at 0.
    # h+ = (1/2, 1/2), H+ = (1/2, 1), H = (1/2, 2) for anchor 0: 1/2 + 1/4. For anchor 1, the
    # negative is as far as the positive: H = (1, 2), so 1/4 + 1/4.
    labels = np.array([0, 0, 1])
    value = float(losses.fast_ap_loss(labels, rows, bins=1))
    assert value == pytest.approx(1.0 - (0.75 + 0.5) / 2.0)


def test_histogram_tends_to_the_area_over_the_curve_of_all_pairs():
    pairs = np.triu_indices(len(LABELS), 1)
    same = LABELS[pairs[0]] == LABELS[pairs[1]]
    area = roc_auc_score(same, (UNIT @ UNIT.T)[pairs])
    value = float(losses.histogram_loss(LABELS, ROWS, bins=50000))
    assert value == pytest.approx(1.0 - area, abs=1e-3)


def test_histogram_by_hand():
    # Cosines: the positive pair 0; the negative ones 0.6 and 0.8. Two bins, nodes -1, 0, 1:
    # h+ = (0, 1, 0), so its sum is (0, 1, 1); of h-, nothing is at -1: the loss is 1.
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    assert float(losses.histogram_loss(np.array([0, 0, 1]), rows, bins=2)) == pytest.approx(1.0)
    # Positive 0.6; negative 0 and 0.8. h+ = (0, 0.4, 0.6), summed (0, 0.4, 1); h- = (0, 1, 0)
    # and (0, 0.2, 0.8), together (0, 0.6, 0.4): 0.6 x 0.4 + 0.4.
    value = float(losses.histogram_loss(np.array([0, 1, 0]), rows, bins=2))
    assert value == pytest.approx(0.64)


def test_weights_of_the_histogram_leave_items_out_and_scale():
    # Weight 0 for every anchor of two classes: what is left is what the others say.
    value, twice = (
        float(losses.histogram_loss(LABELS, ROWS, sample_weight=np.full(11, w))) for w in (1, 2)
    )
    assert twice == pytest.approx(2.0 * value)
    weights = (LABELS != 3).astype("float64")
    kept = float(losses.histogram_loss(LABELS, ROWS, sample_weight=weights))
    expected = ranking.histogram(LABELS, ROWS, weights, bins=100)
    assert kept == pytest.approx(expected, rel=1e-4)
    assert float(losses.histogram_loss(LABELS, ROWS, sample_weight=np.zeros(11))) == 0.0


def test_nca_by_hand_and_far_away():
    # Anchor 0: d to its positive 1, to the negative 4; anchor 1: 1 and 9. T = 2.
    rows = np.array([[0.0], [1.0], [-2.0]])
    each = [math.log1p(math.exp(-1.5)), math.log1p(math.exp(-4.0))]
    value = float(losses.nca_loss(np.array([0, 0, 1]), rows, temperature=2.0))
    assert value == pytest.approx(sum(each) / 2.0)
    # The chance of the positive is exp(-1e6), which no float holds; its logarithm is wanted.
    rows = np.array([[0.0], [1000.0], [0.0]], "float32")
    loss = losses.NCALoss()
    value, gradient, _ = value_and_gradient(lambda y, x, _: loss(y, x), np.array([0, 0, 1]), rows)
    assert value == pytest.approx((1e6 + math.log(2.0)) / 2.0, rel=1e-6)
    assert np.isfinite(gradient).all()
    assert gradient[0, 0] < 0.0 < gradient[1, 0]


def test_ranked_list_by_hand():
    # Unit circle at 0, 90 and 180 degrees: the positive pair is sqrt(2) apart, 0.6142 beyond 0.8;
    # the negative of anchor 1 also sqrt(2), that of anchor 0 is 2, both beyond 1.2.
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    labels, pull = np.array([0, 0, 1]), math.sqrt(2.0) - 0.8
    value = functools.partial(losses.ranked_list_loss, labels, rows)
    assert float(value()) == pytest.approx(0.5 * pull * 2 / 3)
    assert float(value(balance=1.0)) == 0.0
    # alpha 1.5: negatives of anchors 1 and 2 lack 1.5 - sqrt(2); the third is at 2.
    lack = 1.5 - math.sqrt(2.0)
    assert float(value(alpha=1.5, balance=1.0)) == pytest.approx(2.0 * lack / 3.0)


def test_the_pull_of_a_negative_is_its_weight():
    # Anchor 0 (the only one with weight) at 0 degrees, negatives at 20 and 40: the slope of the
    # loss in each angle is minus half the weight times d(2 sin(t / 2))/dt = cos(t / 2), over the
    # three anchors. With gradients through the weights, the farther would be pulled closer.
    angles = np.deg2rad([0.0, 20.0, 40.0])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    chords = 2.0 * np.sin(angles[1:] / 2.0)
    weights = np.exp(-10.0 * chords) / np.exp(-10.0 * chords).sum()
    loss = losses.RankedListLoss()
    part = (np.array([0, 1, 2]), rows, np.array([1.0, 0.0, 0.0]))
    _, gradient, _ = value_and_gradient(lambda *a: loss(*a), *part)
    tangents = np.stack([-np.sin(angles), np.cos(angles)], axis=1)
    slopes = np.sum(gradient * tangents, axis=1)[1:]
    np.testing.assert_allclose(slopes, -0.5 * weights * np.cos(angles[1:] / 2.0) / 3.0, rtol=1e-5)


@pytest.mark.parametrize("case", ["random", "lattice", "singletons", "collapsed", "two_alike"])
@pytest.mark.parametrize("weighted", [False, True])
def test_deep_ranking_of_several_levels_is_the_oracles(case, weighted):
    labels, rows = table.CASES[case]
    labels = levels_of(labels)
    weights = table.weights_for(rows) if weighted else None
    settings = {"gap": 0.7, "distance": oracle.squared_euclidean}
    expect = functools.partial(
        ranking.deep_ranking, weights=np.ones(len(rows)) if weights is None else weights, **settings
    )
    loss = losses.DeepRankingLoss(gap=0.7)
    value, gradient, _ = value_and_gradient(
        lambda *part: loss(*part[:2], sample_weight=part[2]), labels, rows, weights
    )
    assert float(value) == pytest.approx(expect(labels, rows), rel=1e-6)
    if case == "random":
        for index in [(0, 0), (3, 2), (8, 4)]:
            step = np.zeros_like(rows)
            step[index] = 1e-6
            slope = (expect(labels, rows + step) - expect(labels, rows - step)) / 2e-6
            assert gradient[index] == pytest.approx(slope, rel=1e-5, abs=1e-7)


def test_deep_ranking_of_one_level_is_the_batch_all_triplet_loss():
    value = losses.DeepRankingLoss(gap=0.3)(LABELS, ROWS)
    triplets = losses.TripletBatchAllLoss(margin=0.3, distance=distances.squared_euclidean)
    assert float(value) == pytest.approx(float(triplets(LABELS, ROWS)))


def test_deep_ranking_by_hand():
    # On a line, squared distances, gap 1. Items 0 and 1 share make and model, 2 only the make.
    # From 0: the order 1, 2, 3 at distances 16, 1, 4. 1 over 2: 1 + 16 - 1 = 16; 1 over 3: 13;
    # 2 over 3: 1 + 1 - 4 < 0. From 1 (at 4): 0, 2, 3 at 16, 9, 4: 8, 13 and 6. From 2 (at 1):
    # 0 and 1 over 3 (at 1): 1 + 1 - 1 = 1 and 1 + 9 - 1 = 9. From 3 nobody is relevant.
    labels = np.array([[5, 0], [5, 0], [5, 1], [6, 0]])
    rows = np.array([[0.0], [4.0], [1.0], [2.0]])
    expected = (16 + 13 + 0 + 8 + 13 + 6 + 1 + 9) / 8.0
    assert float(losses.DeepRankingLoss()(labels, rows)) == pytest.approx(expected)


def test_deep_ranking_of_several_levels_compiles():
    loss = losses.DeepRankingLoss()
    part = [tf.constant(levels_of(LABELS)), tf.constant(ROWS, "float32"), None]
    eager = value_and_gradient(lambda y, x, _: loss(y, x), *part)
    for way in compiled(lambda y, x, _: loss(y, x)).values():
        for one, other in zip(eager[:2], value_and_gradient(way, *part)[:2], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_deep_ranking_of_several_levels_trains():
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(2)
    fine = np.arange(48) % 12
    features = rng.normal(size=(12, 6))[fine] + 0.1 * rng.normal(size=(48, 6))
    labels = np.stack([fine // 3, fine], axis=1) + 2**31
    model = keras.Sequential([keras.layers.Dense(4)])
    model.compile(optimizer=keras.optimizers.Adam(0.05), loss=losses.DeepRankingLoss())
    history = model.fit(features, labels, batch_size=48, epochs=20, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]
    embedded = model.predict(features, verbose=0).astype("float64")
    expected = ranking.deep_ranking(
        labels, embedded, np.ones(48), gap=1.0, distance=oracle.squared_euclidean
    )
    assert model.evaluate(features, labels, batch_size=48, verbose=0) == pytest.approx(
        expected, rel=1e-3
    )


@pytest.mark.parametrize("loss", [losses.SmoothAPLoss(), losses.FastAPLoss(), losses.NCALoss()])
def test_streamed_ones_compile(loss):
    streamed = losses.StreamedLoss(loss, chunk=4)
    part = [tf.constant(LABELS), tf.constant(ROWS, "float32"), None]
    whole = value_and_gradient(lambda y, x, _: loss(y, x), *part)
    for way in compiled(lambda y, x, _: streamed(y, x)).values():
        for one, other in zip(whole[:2], value_and_gradient(way, *part)[:2], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
