import json
import math

import keras
import numpy as np
import pytest
from keras import ops

from simlearn import losses, models, regularizers
from simlearn.errors import UserError
from tests.simlearn.losses.backend import value_and_gradient

ROWS = np.random.default_rng(1).normal(size=(7, 5)) + 0.3


@pytest.fixture(autouse=True)
def _clean_keras():
    keras.utils.set_random_seed(5)
    yield
    keras.config.set_dtype_policy("float32")


def lp(rows, strength, p=2.0):
    return strength * sum(abs(float(x)) ** p for row in rows for x in row) / len(rows)


def zero_mean(rows, strength):
    centre = [sum(float(row[j]) for row in rows) / len(rows) for j in range(len(rows[0]))]
    return strength * math.sqrt(sum(x * x for x in centre))


def spherical(rows, strength):
    lengths = [math.sqrt(sum(float(x) ** 2 for x in row)) for row in rows]
    mean = sum(lengths) / len(lengths)
    return strength * sum((length - mean) ** 2 for length in lengths) / len(lengths)


CASES = {
    "l2": (regularizers.Lp(strength=0.3), lambda rows: lp(rows, 0.3)),
    "l1": (regularizers.Lp(strength=0.3, p=1.0), lambda rows: lp(rows, 0.3, p=1.0)),
    "l1.5": (regularizers.Lp(strength=0.3, p=1.5), lambda rows: lp(rows, 0.3, p=1.5)),
    "zero_mean": (regularizers.ZeroMean(strength=0.7), lambda rows: zero_mean(rows, 0.7)),
    "spherical": (regularizers.Spherical(strength=1.1), lambda rows: spherical(rows, 1.1)),
}
over_all = pytest.mark.parametrize("case", CASES)


def added(regularizer, rows):
    """What Keras adds to the loss of a model whose layer gives these rows."""
    layer = keras.layers.Identity(activity_regularizer=regularizer, dtype=rows.dtype.name)
    layer(ops.convert_to_tensor(rows))
    return float(layer.losses[0])


@over_all
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_added_is_the_oracles(case, dtype):
    regularizer, oracle = CASES[case]
    for count in (7, 3, 2):
        value = added(regularizer, ROWS[:count].astype(dtype))
        assert value == pytest.approx(oracle(ROWS[:count]), rel=1e-5)


@over_all
def test_the_size_of_the_batch_does_not_matter(case):
    regularizer, _ = CASES[case]
    value = added(regularizer, ROWS)
    assert added(regularizer, np.concatenate([ROWS] * 3)) == pytest.approx(value, rel=1e-6)


@over_all
def test_axes_between_are_more_items(case):
    regularizer, oracle = CASES[case]
    stacked = np.random.default_rng(2).normal(size=(3, 2, 2, 5))
    assert added(regularizer, stacked) == pytest.approx(oracle(stacked.reshape(12, 5)), rel=1e-6)


@over_all
def test_gradient_is_the_slope_of_the_oracle(case):
    regularizer, oracle = CASES[case]
    _, gradient, _ = value_and_gradient(lambda labels, rows, weights: regularizer(rows), None, ROWS)
    slope = np.zeros_like(ROWS)
    for index in np.ndindex(ROWS.shape):
        ahead, behind = ROWS.copy(), ROWS.copy()
        ahead[index] += 1e-6
        behind[index] -= 1e-6
        slope[index] = len(ROWS) * (oracle(ahead) - oracle(behind)) / 2e-6
    assert np.abs(slope).max() > 1e-2
    np.testing.assert_allclose(gradient, slope, rtol=1e-5, atol=1e-7)


@over_all
@pytest.mark.parametrize("rows", [np.zeros((7, 5)), np.ones((1, 5)), np.zeros((0, 5))])
def test_gradients_are_finite_where_a_length_has_none(case, rows):
    regularizer, _ = CASES[case]
    rows = rows.astype("float32")
    value, gradient, _ = value_and_gradient(lambda _, rows, weights: regularizer(rows), None, rows)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    if not rows.any():
        assert float(value) == 0.0
        assert not gradient.any()


def test_equal_lengths_and_centred_batches_cost_nothing():
    turned = np.array([[3.0, 4.0], [-5.0, 0.0], [4.0, -3.0]])
    assert added(regularizers.Spherical(strength=1.0), turned) == pytest.approx(0.0, abs=1e-12)
    assert added(regularizers.ZeroMean(strength=1.0), np.array([[3.0, 4.0], [-3.0, -4.0]])) == 0.0


@over_all
def test_half_precision_is_computed_in_single(case):
    regularizer, oracle = CASES[case]
    narrow = ROWS.astype("float16")
    assert keras.backend.standardize_dtype(regularizer(narrow).dtype) == "float32"
    # 400 squared is beyond float16.
    large = np.full((3, 5), 400.0, "float16")
    assert np.isfinite(float(regularizer(large)))
    assert added(regularizer, narrow) == pytest.approx(oracle(narrow), rel=1e-5)


@over_all
def test_a_number_that_is_not_finite_is_not_hidden(case):
    regularizer, _ = CASES[case]
    for bad in (np.nan, np.inf):
        rows = ROWS.copy()
        rows[2, 1] = bad
        assert not np.isfinite(float(regularizer(rows)))


@over_all
def test_config_round_trip(case):
    regularizer, _ = CASES[case]
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(regularizer)))
    copy = keras.saving.deserialize_keras_object(config)
    assert type(copy) is type(regularizer)
    assert copy.get_config() == regularizer.get_config()
    assert float(copy(ROWS)) == float(regularizer(ROWS))


@over_all
@pytest.mark.parametrize("jit_compile", [False, True])
def test_fit_adds_it_to_the_loss_whatever_the_batch(case, jit_compile, tmp_path):
    regularizer, oracle = CASES[case]
    layer = keras.layers.Dense(5, activity_regularizer=regularizer)
    model = keras.Sequential([keras.Input((4,)), layer])
    model.compile(
        keras.optimizers.SGD(0.01), keras.losses.MeanSquaredError(), jit_compile=jit_compile
    )
    features = np.random.default_rng(0).normal(size=(7, 4)).astype("float32")
    outputs = model.predict(features, verbose=0)
    expected = np.mean(outputs**2) + oracle(outputs)
    before = model.get_weights()
    history = model.fit(features, np.zeros((7, 5)), batch_size=7, verbose=0)
    assert history.history["loss"][0] == pytest.approx(expected, rel=1e-5)
    assert any(np.any(old != new) for old, new in zip(before, model.get_weights(), strict=True))

    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.layers[-1].activity_regularizer.get_config() == regularizer.get_config()
    arguments = {"batch_size": 7, "verbose": 0}
    assert loaded.evaluate(features, np.zeros((7, 5)), **arguments) == pytest.approx(
        model.evaluate(features, np.zeros((7, 5)), **arguments), rel=1e-5
    )


def test_it_may_be_set_on_a_layer_that_is_there():
    encoder = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    embedding = models.embedding(encoder, dim=5, normalize=False)
    embedding.get_layer("projection").activity_regularizer = regularizers.Lp(strength=0.5)
    embedding.compile("sgd", losses.NPairsLoss())
    features = np.random.default_rng(0).normal(size=(7, 4)).astype("float32")
    labels = np.array([0, 0, 1, 1, 2, 2, 2])
    outputs = embedding.predict(features, verbose=0)
    expected = float(losses.n_pairs_loss(labels, outputs)) + lp(outputs, 0.5)
    value = embedding.evaluate(features, labels, batch_size=7, verbose=0)
    assert value == pytest.approx(expected, rel=1e-4)


def test_mixed_precision_trains():
    keras.config.set_dtype_policy("mixed_float16")
    layer = keras.layers.Dense(5, activity_regularizer=regularizers.Spherical(strength=0.5))
    model = keras.Sequential([keras.Input((4,)), layer])
    model.compile("sgd", keras.losses.MeanSquaredError())
    history = model.fit(np.ones((7, 4)), np.zeros((7, 5)), verbose=0)
    assert np.isfinite(history.history["loss"]).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: regularizers.Lp(strength=-1.0), r"strength in \[0, inf\), received -1.0"),
        (lambda: regularizers.ZeroMean(strength=math.nan), "strength in .*, received nan"),
        (lambda: regularizers.Spherical(strength=math.inf), "strength in .*, received inf"),
        (lambda: regularizers.Lp(strength=1.0, p=0.5), r"p in \[1, inf\), received 0.5"),
        (lambda: regularizers.Lp(strength=1.0, p=math.inf), "p in .*, received inf"),
        (lambda: regularizers.Lp(strength=1.0)(np.ones(3)), r"\(batch, ..., dim\), received \(3,"),
    ],
)
def test_mistakes_are_refused(make, message):
    with pytest.raises(UserError, match=message):
        make()
