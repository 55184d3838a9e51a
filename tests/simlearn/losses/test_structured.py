"""What the structured losses do beside what every loss must do."""

import math

import keras
import numpy as np
import pytest
from keras import ops

from simlearn import distances, losses, mining
from tests.simlearn.losses import oracle, table
from tests.simlearn.losses.backend import tolerance, value_and_gradient
from tests.simlearn.losses.families import structured

LABELS, ROWS = table.CASES["random"]
ON_A_LINE = np.array([0, 0, 1]), np.array([[0.0], [1.0], [3.0]])


def approx(value):
    return pytest.approx(value, rel=tolerance(1e-9, 1e-5))


def test_lifted_structure_by_hand():
    # Pairs (0, 1) and (1, 0): J = 1 + log(exp(1 - 3) + exp(1 - 2)).
    structure = 1.0 + math.log(math.exp(-2.0) + math.exp(-1.0))
    assert float(losses.lifted_structure_loss(*ON_A_LINE)) == approx(structure**2 / 2.0)
    # Of the generalised one, anchor 0: 1 + 1 - 3 < 0; anchor 1: 1 + 1 - 2 = 0; with margin 2: 0, 1.
    value = losses.generalized_lifted_structure_loss(*ON_A_LINE, margin=2.0)
    assert float(value) == approx(0.5)


def test_a_hinge_at_zero_has_no_slope():
    # Anchor 1 lies at 1 + 1 - 2 = 0 exactly, anchor 0 below.
    value, gradient, _ = value_and_gradient(losses.GeneralizedLiftedStructureLoss(), *ON_A_LINE)
    assert float(value) == 0.0
    assert not np.any(gradient)


def test_circle_is_keras_own():
    # Where every anchor has a positive; Keras wants unit vectors, and averages over all.
    labels = LABELS[LABELS != 9]
    rows = np.stack([structured.unit(row) for row in ROWS[LABELS != 9]])
    theirs = keras.losses.Circle(gamma=31.0, margin=0.2)(labels, rows.astype("float32"))
    value = losses.circle_loss(labels, rows, margin=0.2, gamma=31.0)
    assert float(value) == pytest.approx(float(theirs), rel=1e-4)


def test_pairs_beyond_both_weights_of_circle_do_not_count():
    # cos(a, n) = -1 is below -m: its weight is 0, and so is its exponent, whatever gamma.
    labels, rows = np.array([0, 0, 1]), np.array([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    # The positive: (1 + m - 1) (1 - 1 + m) gamma = m^2 gamma.
    for gamma in (1.0, 9.0):
        value = losses.circle_loss(labels, rows, margin=0.5, gamma=gamma)
        assert float(value) == approx(math.log1p(math.exp(-0.25 * gamma)))


def test_angular_by_hand():
    # Unit vectors at 0, 90 and 180 degrees; alpha 45: 4 (a + p).n - 4 a.p. Pairs (0, 1), (1, 0):
    # 4 (-1 + 0) - 0 = -4.
    labels, rows = np.array([0, 0, 1]), np.array([[2.0, 0.0], [0.0, 5.0], [-3.0, 0.0]])
    assert float(losses.angular_loss(labels, rows)) == approx(math.log1p(math.exp(-4.0)))


def test_angular_of_classes_of_very_different_sizes():
    labels = np.array([4] * 7 + [2] + [9] * 2 + [1] * 3)[np.random.default_rng(3).permutation(13)]
    rows = np.random.default_rng(4).normal(size=(13, 5))
    expected = structured.angular(labels, rows, np.ones(13), alpha=0.7)
    assert float(losses.angular_loss(labels, rows, alpha=0.7)) == approx(expected)


def test_the_slack_of_tuplet_margin_spares_close_pairs():
    # A positive at exactly the slack's angle has the best similarity there is.
    turned = [[math.cos(0.1), math.sin(0.1)]]
    labels, rows = np.array([0, 0, 1]), np.array([[1.0, 0.0], *turned, [0.0, 1.0]])
    # Anchor 0 has its negative at 90 degrees, anchor 1 at 90 degrees less 0.1.
    over = (math.exp(3.0 * (0.0 - 1.0)), math.exp(3.0 * (math.sin(0.1) - 1.0)))
    value = losses.tuplet_margin_loss(labels, rows, margin=0.1, scale=3.0)
    assert float(value) == approx(sum(map(math.log1p, over)) / 2.0)


@pytest.mark.parametrize("case", ["random", "lattice", "singletons", "one_class", "two_unlike"])
def test_margin_of_all_pairs(case):
    labels, rows = table.CASES[case]
    weights = table.weights_for(rows)
    settings = {"margin": 0.25, "beta": 1.5, "miner": None}
    expected = structured.margin_of_pairs(
        labels, rows, weights, **settings, distance=oracle.squared_euclidean
    )
    loss = losses.MarginLoss(**settings, distance=distances.squared_euclidean)
    assert float(loss(labels, rows, sample_weight=weights)) == approx(expected)
    streamed = losses.StreamedLoss(loss, chunk=4)
    whole = value_and_gradient(loss, labels, rows, weights)
    parts = value_and_gradient(streamed, labels, rows, weights)
    assert float(parts[0]) == approx(float(whole[0]))
    np.testing.assert_allclose(parts[1], whole[1], rtol=tolerance(1e-7, 1e-4), atol=1e-6)


def test_margin_of_pairs_on_a_line_by_hand():
    # Distances 1 (positive), 3 and 2 (negative). Beta 1.5, margin 0.7: 0.7 + 1 - 1.5 = 0.2 twice,
    # 0.7 + 1.5 - 2 = 0.2 twice; 3 is far enough.
    value, gradient, _ = value_and_gradient(losses.MarginLoss(margin=0.7, beta=1.5), *ON_A_LINE)
    assert float(value) == approx(0.2)
    # Each pair counts twice among four terms.
    np.testing.assert_allclose(gradient, [[-0.5], [1.0], [-0.5]], rtol=1e-6)


def test_a_boundary_for_each_anchor():
    boundaries = np.linspace(0.5, 2.5, len(ROWS))
    terms = []
    for a, label in enumerate(LABELS):
        for j in range(len(ROWS)):
            kind = 1.0 if label == LABELS[j] else -1.0
            beyond = oracle.euclidean(ROWS[a], ROWS[j]) - boundaries[a]
            terms += [max(0.0, 0.3 + kind * beyond)] if j != a else []
    active = [term for term in terms if term > 0.0]
    value = losses.margin_loss(LABELS, ROWS, margin=0.3, beta=ops.convert_to_tensor(boundaries))
    assert float(value) == pytest.approx(sum(active) / len(active), rel=1e-6)


def test_a_boundary_is_learned_in_fit_and_saved_as_a_number(tmp_path):
    class Boundary(keras.layers.Layer):
        def build(self, shape):
            self.beta = self.add_weight(shape=(), initializer=keras.initializers.Constant(1.2))

        def call(self, inputs):
            return inputs

    layer = Boundary()
    layer.build((None, 5))
    model = keras.Sequential([keras.Input((5,)), keras.layers.UnitNormalization(), layer])
    loss = losses.MarginLoss(beta=layer.beta)
    model.compile(optimizer=keras.optimizers.SGD(0.01), loss=loss)
    model.fit(ROWS.astype("float32"), LABELS, batch_size=11, epochs=3, verbose=0)
    learned = float(ops.convert_to_numpy(layer.beta))
    assert learned != pytest.approx(1.2, abs=1e-4)
    assert loss.get_config()["beta"] == pytest.approx(learned)
    assert losses.MarginLoss.from_config(loss.get_config()).beta == pytest.approx(learned)


def test_margin_loss_draws_anew_each_time():
    loss = losses.MarginLoss(miner=mining.DistanceWeighted(dim=5, seed=3))
    rows = np.stack([structured.unit(row) for row in ROWS])
    assert len({float(loss(LABELS, rows)) for _ in range(5)}) > 1
    assert loss.seed_generators == [loss.miner.seed_generator]
    assert losses.MarginLoss().seed_generators == []


def test_soft_margin_draws_anew_each_time():
    loss = losses.TripletSoftMarginLoss(miner=mining.DistanceWeighted(dim=5, seed=3))
    rows = np.stack([structured.unit(row) for row in ROWS])
    assert len({float(loss(LABELS, rows)) for _ in range(5)}) > 1
    assert loss.seed_generators == [loss.miner.seed_generator]
    assert losses.TripletSoftMarginLoss().seed_generators == []


def test_quadruplets_by_hand():
    # Squared distances 4 (a, p), 9 (a, n), 1 (o, n): max(0, 4 - 9 + 1) + max(0, 4 - 1 + 0.5).
    parts = (np.array([[value]]) for value in (0.0, 2.0, 3.0, 4.0))
    assert float(losses.quadruplet_loss(*parts)[0]) == 3.5
    loss = losses.QuadrupletLoss(reduction="sum")
    stacked = np.array([[[0.0], [2.0], [3.0], [4.0]], [[0.0], [0.0], [9.0], [0.0]]])
    assert float(loss(np.zeros(2), stacked)) == 3.5


def test_items_of_one_label_each_are_supcons():
    # One label an item: equal shares for the positives, which is SupCon over inner products.
    rows = np.stack([structured.unit(row) for row in ROWS])
    sets = (LABELS[:, None] == np.unique(LABELS)[None, :]).astype("int64")
    value = float(losses.multilabel_n_pairs_loss(sets, rows))
    assert value == approx(float(losses.supcon_loss(LABELS, rows, temperature=1.0)))


@pytest.mark.parametrize("dtype", ["bool", "uint8", "float32"])
def test_sets_may_be_of_any_type(dtype):
    sets = table.sets_for(LABELS)
    value = float(losses.MultilabelNPairsLoss()(sets, ROWS))
    assert float(losses.MultilabelNPairsLoss()(sets.astype(dtype), ROWS)) == approx(value)


@pytest.mark.parametrize(
    ("sets", "count"),
    [(np.zeros((0, 3), int), 0), (np.ones((1, 3), int), 1), (np.zeros((4, 3), int), 4)],
)
def test_sets_that_share_nothing_are_worth_nothing(sets, count):
    loss = losses.MultilabelNPairsLoss()
    value, gradient, _ = value_and_gradient(loss, sets, ROWS[:count])
    assert float(value) == 0.0
    assert gradient.shape == (count, 5)
    assert not np.any(gradient)


def test_order_of_sets_does_not_matter():
    sets, order = table.sets_for(LABELS), np.random.default_rng(17).permutation(len(ROWS))
    value = float(losses.multilabel_n_pairs_loss(sets, ROWS))
    assert float(losses.multilabel_n_pairs_loss(sets[order], ROWS[order])) == approx(value)
