"""Every loss through `compile`, `fit`, `evaluate`, `save` and `load_model`."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from simlearn import losses
from simlearn.errors import UserError
from tests.simlearn.losses import table

SIZE, BATCH = 17, 7  # Three batches, the last of three items.
FEATURES = np.random.default_rng(0).normal(size=(SIZE, 4)).astype("float32")
GROUPS = np.array([0, 1, 1, 0, 2, 2, 0, 1, 1, 2, 0, 0, 2, 1, 3, 3, 1])
WEIGHTS = np.linspace(0.2, 1.7, SIZE).astype("float32")

BATCH_ROW = next(row for row in table.TABLE if row.kind == "batch")

over_all = pytest.mark.parametrize("row", table.TABLE, ids=lambda row: row.loss.__name__)


@pytest.fixture(autouse=True)
def _clean_keras():
    keras.utils.set_random_seed(5)
    yield
    keras.config.set_dtype_policy("float32")
    keras.backend.clear_session()


def model_for(row):
    heads = {
        "batch": [keras.layers.Dense(5)],
        "proxies": [keras.layers.Dense(4, activation="tanh")],
        "normed": [keras.layers.Dense(5, activation="tanh")],
        "centers": [keras.layers.Dense(8, activation="tanh"), keras.layers.Reshape((2, 4))],
        "pairs": [keras.layers.Dense(1, activation="softplus")],
        "triplets": [keras.layers.Dense(6), keras.layers.Reshape((3, 2))],
        "quadruplets": [keras.layers.Dense(8), keras.layers.Reshape((4, 2))],
        "sets": [keras.layers.Dense(5)],
    }
    if row.kind == "views":
        shape = table.batch_for(row, "random")[1].shape[1:]
        heads["views"] = [keras.layers.Dense(math.prod(shape)), keras.layers.Reshape(shape)]
    return keras.Sequential([keras.Input((4,)), *heads[row.kind]])


def labels_for(row):
    """Ids beyond float32 where the loss takes ids, else what it takes."""
    if row.kind == "batch":
        return GROUPS + 2**31 + 1
    if row.kind == "sets":
        return table.sets_for(GROUPS)
    return (GROUPS > 0).astype("int64") if row.kind == "pairs" else GROUPS


def batches(*arrays):
    return [tuple(a[i : i + BATCH] for a in arrays) for i in range(0, SIZE, BATCH)]


def epoch_value(row, labels, outputs, weights):
    """What Keras reports: the mean of the batches' losses, weighted by their sizes."""
    outputs = outputs[:, 0] if row.kind == "pairs" else outputs
    parts = batches(labels, outputs, weights)
    return sum(len(y) * row.expected(y, x, w) for y, x, w in parts) / SIZE


@over_all
def test_fit_evaluate_save_and_load(row, tmp_path):
    model, labels = model_for(row), labels_for(row)
    given = WEIGHTS if row.weighted else None
    model.compile(optimizer=keras.optimizers.SGD(1e-3), loss=row.make())
    before = [weights.copy() for weights in model.get_weights()]
    model.fit(FEATURES, labels, batch_size=BATCH, epochs=2, sample_weight=given, verbose=0)
    after = model.get_weights()
    assert all(np.isfinite(weights).all() for weights in after)
    assert any(np.any(old != new) for old, new in zip(before, after, strict=True))

    arguments = {"batch_size": BATCH, "sample_weight": given, "verbose": 0}
    value = model.evaluate(FEATURES, labels, **arguments)
    if not row.drawn:
        outputs = model.predict(FEATURES, verbose=0)
        assert value == pytest.approx(epoch_value(row, labels, outputs, WEIGHTS), rel=1e-3)

    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.loss) is row.loss
    assert loaded.loss.get_config() == model.loss.get_config()
    again = loaded.evaluate(FEATURES, labels, **arguments)
    assert np.isfinite(again) if row.drawn else again == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("eager", [False, True], ids=["graph", "eager"])
@pytest.mark.parametrize("source", ["numpy", "tf.data"])
@pytest.mark.parametrize("base", [2**24, 2**31])
def test_labels_reach_the_loss_unharmed(eager, source, base):
    seen = []

    class Spy(losses.SupConLoss):
        def call(self, labels, embeddings, sample_weight=None):
            seen.append(labels)
            value = super().call(labels, embeddings, sample_weight)
            # Graph tensors cannot be looked at: hand the largest label out through the value.
            return 0.0 * value + keras.ops.cast(labels[-1] - base, "float32")

    labels = GROUPS + base
    data = {"x": FEATURES, "y": labels, "batch_size": SIZE}
    if source == "tf.data":
        data = {"x": tf.data.Dataset.from_tensor_slices((FEATURES, labels)).batch(SIZE)}
    model = model_for(BATCH_ROW)
    model.compile(optimizer="sgd", loss=Spy(), run_eagerly=eager)
    history = model.fit(**data, shuffle=False, verbose=0)
    assert {keras.backend.standardize_dtype(item.dtype) for item in seen} == {"int64"}
    assert history.history["loss"] == [GROUPS[-1]]
    if eager:
        np.testing.assert_array_equal(seen[-1], labels)


def test_a_function_in_place_of_its_class_is_refused():
    # Keras casts the labels of a function to float32, where large ids are one.
    model = model_for(BATCH_ROW)
    model.compile(optimizer="sgd", loss=losses.supcon_loss)
    with pytest.raises(UserError, match=r"received float32; .*give compile\(\) a loss's class"):
        model.fit(FEATURES, GROUPS, verbose=0)


@pytest.mark.parametrize("name", ["TripletSemiHardLoss", "SupConLoss", "ArcFaceLoss"])
def test_fit_compiled_by_xla(name):
    row = next(row for row in table.TABLE if row.loss.__name__ == name)
    labels = labels_for(row)
    trained = []
    for compiled in (True, False):
        keras.utils.set_random_seed(5)
        model = model_for(row)
        model.compile(optimizer=keras.optimizers.SGD(0.01), loss=row.make(), jit_compile=compiled)
        history = model.fit(FEATURES[:14], labels[:14], batch_size=BATCH, shuffle=False, verbose=0)
        trained.append([history.history["loss"][0], *model.get_weights()])
    for left, right in zip(*trained, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", ["TripletHardLoss", "NTXentLoss", "ContrastiveLoss"])
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(name, policy):
    row = next(row for row in table.TABLE if row.loss.__name__ == name)
    labels = labels_for(row)
    keras.config.set_dtype_policy(policy)
    model = model_for(row)
    model.compile(optimizer=keras.optimizers.SGD(0.01), loss=row.make())
    assert model.layers[-1].compute_dtype == policy.removeprefix("mixed_")
    history = model.fit(FEATURES, labels, batch_size=BATCH, epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert all(np.isfinite(weights).all() for weights in model.get_weights())
    outputs = tf.cast(model.predict(FEATURES, verbose=0), "float64").numpy()
    value = model.evaluate(FEATURES, labels, batch_size=BATCH, verbose=0)
    # The outputs are what was rounded; the loss of the rounded outputs is in single precision.
    assert value == pytest.approx(epoch_value(row, labels, outputs, np.ones(SIZE)), rel=1e-3)
