"""Losses of two views: what is theirs alone."""

import math
import subprocess
import sys

import keras
import numpy as np
import pytest

from simlearn import losses
from simlearn.errors import UserError
from tests.simlearn.losses import table
from tests.simlearn.losses.backend import value_and_gradient
from tests.simlearn.losses.families import views

ROWS = views.TABLE
STATISTICS = [row for row in ROWS if not row.weighted]


def named(row):
    return row.loss.__name__


over_all = pytest.mark.parametrize("row", ROWS, ids=named)
over_statistics = pytest.mark.parametrize("row", STATISTICS, ids=named)


def test_vicreg_by_hand():
    # Dimensions (0, 2) and (3, 3) of the left view, (0, 2) and (3, 5) of the right.
    left = np.array([[0.0, 3.0], [2.0, 3.0]])
    right = np.array([[0.0, 3.0], [2.0, 5.0]])
    # s: one of four differences is 2: 4 / 4. v: the variances are 2, 0 and 2, 2; with gamma 2 and
    # epsilon 0.25 the roots are 1.5 and 0.5, hinges 0.5 and 1.5, then 0.5 and 0.5.
    # c: the covariance is 0 on the left, 2 on the right, and stands in two places: 2 * 4 / 2.
    settings = {"gamma": 2.0, "epsilon": 0.25}
    for weights, expected in (((1, 0, 0), 1.0), ((0, 1, 0), 1.0 + 0.5), ((0, 0, 1), 0.0 + 4.0)):
        names = dict(zip(("lambda_", "mu", "nu"), map(float, weights), strict=True))
        value = losses.vicreg_loss(left, right, **names, **settings)
        assert float(value) == pytest.approx(expected, rel=1e-6)


def test_barlow_twins_by_hand():
    # The second dimension is the first one's opposite on the left, constant on the right.
    left, right = np.array([[1.0, -1.0], [-1.0, 1.0]]), np.array([[2.0, 5.0], [-2.0, 5.0]])
    # C = [[1, 0], [-1, 0]]: 0 and 1 on the diagonal, -1 below it.
    value = losses.barlow_twins_loss(left, right, lambda_=0.25, epsilon=1e-12)
    assert float(value) == pytest.approx(1.0 + 0.25)


def test_simsiam_by_hand_is_bounded_by_agreement():
    p, z = np.array([[3.0, 4.0]]), np.array([[4.0, 3.0]])
    both = [np.stack([p, z], axis=1), np.stack([-p, 2.0 * p], axis=1)]
    # cos(p, 2 p) = 1 and cos(-p, z) = -24 / 25.
    assert float(losses.simsiam_loss(*both)) == pytest.approx(-(1.0 - 0.96) / 2)
    agreed = np.stack([p, p], axis=1)
    assert float(losses.simsiam_loss(agreed, agreed)) == pytest.approx(-1.0)


def test_simsiam_moves_the_predictions_alone():
    row = next(row for row in ROWS if row.loss is losses.SimSiamLoss)
    labels, rows = table.batch_for(row, "random")
    _, gradient, _ = value_and_gradient(row.pure, labels, rows)
    assert np.abs(gradient[:, :, 0]).max() > 1e-3
    assert not np.any(gradient[:, :, 1])


@over_all
def test_order_of_items_and_of_views_does_not_matter(row):
    labels, rows = table.batch_for(row, "random")
    order = np.random.default_rng(3).permutation(len(rows))
    value = float(row.pure(labels, rows))
    for same in (rows[order], rows[:, ::-1]):
        assert float(row.pure(labels, same)) == pytest.approx(value, rel=1e-6)


@over_all
def test_labels_are_not_read(row):
    _, rows = table.batch_for(row, "random")
    values = {float(row.make()(labels, rows)) for labels in (np.zeros(11), np.arange(11), [[0]])}
    assert len(values) == 1


@over_statistics
def test_one_item_has_no_statistics(row):
    labels, rows = table.batch_for(row, "one_item")
    value, gradient, _ = value_and_gradient(row.pure, labels, rows)
    if row.loss is losses.VICRegLoss:  # The views are still pulled together.
        apart = rows[:, 0] - rows[:, 1]
        factor = row.settings["lambda_"] / apart.size
        assert float(value) == pytest.approx(factor * np.sum(apart**2), rel=1e-6)
        expected = 2 * factor * np.stack([apart, -apart], axis=1)
        np.testing.assert_allclose(gradient, expected, rtol=1e-5)
    else:
        assert float(value) == 0.0
        assert not np.any(gradient)


@over_all
def test_an_empty_batch_is_worth_nothing(row):
    shape = (0, *table.batch_for(row, "random")[1].shape[1:])
    value, gradient, _ = value_and_gradient(row.make(), np.zeros(0), np.zeros(shape, "float32"))
    assert float(value) == 0.0
    assert gradient.shape == shape


@over_statistics
def test_a_constant_dimension_has_finite_gradients(row):
    labels, rows = table.batch_for(row, "random")
    rows = rows.astype("float32")
    rows[:, 0, 1] = 3.0
    defaults = row.loss()
    value, gradient, _ = value_and_gradient(defaults, labels, rows)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


@over_statistics
def test_collapse_costs_more_than_spread(row):
    apart = np.stack([np.diag([2.0, -2.0, 2.0, -2.0])] * 2, axis=1)
    same = np.ones_like(apart)
    assert float(row.loss()(np.zeros(4), same)) > float(row.loss()(np.zeros(4), apart)) + 1e-3


@over_all
@pytest.mark.parametrize(
    "shape", [(11, 5), (11, 3, 5), (11, 2, 3, 5), (11, 1, 5), (11, 2, 2, 2, 5)]
)
def test_other_shapes_are_refused(row, shape):
    wanted = r"2, 2, dim" if row.loss is losses.SimSiamLoss else r"2, dim"
    message = rf"stacked as \(batch, {wanted}\), received \({', '.join(map(str, shape))}\)"
    with pytest.raises(UserError, match=message):
        row.make()(np.zeros(11), np.ones(shape))


@over_all
def test_views_of_two_shapes_are_refused(row):
    _, rows = table.batch_for(row, "random")
    left, right = rows[:, 0], rows[:, 1]
    message = r"two views of one shape \(batch, (2, )?dim\), received \(11,.*\) and \(11,"
    for wrong in (right[..., :4], right[..., 0], right[:, None]):
        with pytest.raises(UserError, match=message):
            row.function(left, wrong)
    with pytest.raises(UserError, match="the second view for 11 items, received 10"):
        row.function(left, right[:10])


def test_simsiam_takes_one_weight_an_item():
    _, rows = table.batch_for(next(r for r in ROWS if r.weighted), "random")
    for function in (
        lambda weights: losses.SimSiamLoss()(np.zeros(11), rows, sample_weight=weights),
        lambda weights: losses.simsiam_loss(rows[:, 0], rows[:, 1], sample_weight=weights),
    ):
        with pytest.raises(UserError, match="expected sample_weight for 11 items, received 10"):
            function(np.ones(10))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.VICRegLoss(lambda_=-1.0), r"lambda_ in \[0.0, inf\), received -1.0"),
        (lambda: losses.VICRegLoss(mu=math.inf), "mu in .*, received inf"),
        (lambda: losses.VICRegLoss(nu=-0.1), "nu in .*, received -0.1"),
        (lambda: losses.VICRegLoss(gamma=0.0), r"gamma in \(0.0, inf\), received 0.0"),
        (lambda: losses.VICRegLoss(epsilon=0.0), r"epsilon in \(0.0, inf\), received 0.0"),
        (lambda: losses.BarlowTwinsLoss(lambda_=math.nan), "lambda_ in .*, received nan"),
        (lambda: losses.BarlowTwinsLoss(epsilon=0.0), "epsilon in .*, received 0.0"),
    ],
)
def test_hyperparameters_out_of_range_are_refused(make, message):
    with pytest.raises(UserError, match=message):
        make()


def test_two_views_are_two_items_of_a_label_for_nt_xent():
    # SimCLR's loss of views z_1 and z_2 is NT-Xent with both views of a picture under its number.
    first, second = (np.random.default_rng(seed).normal(size=(7, 3)) for seed in (1, 2))
    numbers = np.arange(7)
    value = losses.nt_xent_loss(
        np.concatenate([numbers, numbers]), np.concatenate([first, second]), temperature=0.5
    )
    rows = np.concatenate([first, second])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    terms = []
    for i in range(14):
        over = [math.exp(float(rows[i] @ rows[k]) / 0.5) for k in range(14) if k != i]
        own = math.exp(float(rows[i] @ rows[(i + 7) % 14]) / 0.5)
        terms.append(-math.log(own / sum(over)))
    assert float(value) == pytest.approx(np.mean(terms), rel=1e-5)


def test_fit_compiled_by_xla():
    features = np.random.default_rng(0).normal(size=(14, 4)).astype("float32")
    for row in ROWS:
        shape = table.batch_for(row, "random")[1].shape[1:]
        trained = []
        for compiled in (True, False):
            keras.utils.set_random_seed(5)
            layers = [keras.layers.Dense(math.prod(shape)), keras.layers.Reshape(shape)]
            model = keras.Sequential([keras.Input((4,)), *layers])
            model.compile(keras.optimizers.SGD(0.01), loss=row.make(), jit_compile=compiled)
            history = model.fit(features, np.zeros(14), batch_size=7, shuffle=False, verbose=0)
            trained.append([history.history["loss"][0], *model.get_weights()])
        for left, right in zip(*trained, strict=True):
            np.testing.assert_allclose(left, right, rtol=1e-3, atol=1e-5)


REPLICAS = """
import keras, numpy as np, tensorflow as tf
from simlearn.losses import BarlowTwinsLoss, SimSiamLoss, VICRegLoss
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
x = np.random.default_rng(0).normal(size=(10, 4)).astype("float32")

def train(strategy, loss, shape):
    with strategy.scope():
        keras.utils.set_random_seed(3)
        layers = [keras.layers.Dense(int(np.prod(shape))), keras.layers.Reshape(shape)]
        model = keras.Sequential([keras.Input((4,)), *layers])
        model.compile(optimizer=keras.optimizers.SGD(0.1), loss=loss())
        history = model.fit(x, np.zeros(10), batch_size=10, shuffle=False, epochs=2, verbose=0)
    return [np.float32(history.history["loss"]), *model.get_weights()]

mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
for loss, shape in ((VICRegLoss, (2, 3)), (BarlowTwinsLoss, (2, 3)), (SimSiamLoss, (2, 2, 3))):
    one = train(tf.distribute.get_strategy(), loss, shape)
    two = train(mirrored, loss, shape)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
print("same")
"""


@pytest.mark.slow
def test_two_replicas_with_half_a_batch_each_train_like_one():
    # In a process of its own: a second device can only be had before TensorFlow has started.
    done = subprocess.run([sys.executable, "-c", REPLICAS], capture_output=True, text=True)
    assert done.stdout.split()[-1:] == ["same"], done.stderr[-3000:]
