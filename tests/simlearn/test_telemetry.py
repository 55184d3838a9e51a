"""Metrics of what batches teach, against naive loops, in `fit`, in TensorBoard and in files."""

import math
import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

from simlearn import distances, losses, telemetry, training
from simlearn.errors import TrainingFailedError, UserError
from simlearn.memory import with_memory

MARGIN = 0.7
# Neighbours beyond what float32 and int32 can tell apart.
BASE = 2**53
BATCHES = [
    (np.array([0, 1, 1, 0, 2, 2, 1]), 7),
    (np.array([3, 1, 1]), 11),
    (np.array([4, 4, 4, 4, 4]), 13),
    (np.array([1]), 17),
    (np.array([], int), 19),
]


@pytest.fixture(autouse=True)
def _clean_keras():
    keras.utils.set_random_seed(5)
    yield
    keras.config.set_dtype_policy("float32")
    keras.backend.clear_session()


def rows_of(labels, seed):
    return np.random.default_rng(seed).normal(size=(len(labels), 3)).astype("float32")


def gap(a, b, kind):
    square = sum((float(x) - float(y)) ** 2 for x, y in zip(a, b, strict=True))
    return square if kind == "squared" else math.sqrt(square)


def expected_of(batches, kind="euclidean"):
    """Each metric's name and value, from loops over items, pairs and triplets."""
    terms = {name: [] for name in ("active", "no_positive", "no_negative", "near", "far")}
    spreads, items = 0.0, 0
    for labels, rows in batches:
        everyone = range(len(labels))
        for a in everyone:
            positive = [p for p in everyone if p != a and labels[p] == labels[a]]
            negative = [n for n in everyone if labels[n] != labels[a]]
            near = [gap(rows[a], rows[p], kind) for p in positive]
            far = [gap(rows[a], rows[n], kind) for n in negative]
            terms["active"] += [n < p + MARGIN for p in near for n in far]
            terms["no_positive"].append(not positive)
            terms["no_negative"].append(not negative)
            terms["near"] += near
            terms["far"] += far
        if len(labels) > 1:
            mean = [sum(column) / len(labels) for column in rows.astype("float64").T]
            within = sum(gap(row, mean, "squared") for row in rows)
            around = sum(gap(row, [0, 0, 0], "squared") for row in rows)
            spreads += len(labels) * math.sqrt(within / around)
            items += len(labels)
    means = [sum(values) / len(values) if values else math.nan for values in terms.values()]
    return [*means, spreads / items if items else math.nan]


def metrics_for(kind="euclidean"):
    distance = distances.euclidean if kind == "euclidean" else distances.squared_euclidean
    return telemetry.in_batch(distance=distance, margin=MARGIN)


def values(metrics):
    return [float(metric.result()) for metric in metrics]


@pytest.mark.parametrize("kind", ["euclidean", "squared"])
def test_batches_are_averaged_by_what_they_hold(kind):
    batches = [(labels, rows_of(labels, seed)) for labels, seed in BATCHES]
    metrics = metrics_for(kind)
    for labels, rows in batches:
        for metric in metrics:
            metric.update_state(labels + BASE, rows)
    expected = expected_of(batches, kind)
    np.testing.assert_allclose(values(metrics), expected, rtol=1e-5)
    assert 0.1 < expected[0] < 0.9
    for metric in metrics:
        metric.reset_state()
        metric.update_state(BATCHES[1][0], batches[1][1])
    np.testing.assert_allclose(values(metrics), expected_of(batches[1:2], kind), rtol=1e-5)


def test_nothing_to_measure_is_no_number():
    labels, rows = BATCHES[3][0], rows_of(*BATCHES[3])
    metrics = metrics_for()
    assert np.isnan(values(metrics)).all()
    for metric in metrics:
        metric.update_state(labels, rows)
    # One item: no pair of any kind, and it is without either partner.
    np.testing.assert_array_equal(values(metrics), [np.nan, 1, 1, np.nan, np.nan, np.nan])


def test_many_positives_are_counted_too():
    labels = np.arange(83) % 2
    rows = rows_of(labels, 3)
    metric = telemetry.ActiveTriplets(margin=MARGIN)
    metric.update_state(labels, rows)
    assert float(metric.result()) == pytest.approx(expected_of([(labels, rows)])[0], rel=1e-6)


def test_at_the_margin_a_triplet_is_not_active():
    # From 0: positive at 1, negatives at 1.5 and 2; from 1: positive at 1, negatives at 2.5 and 1.
    x = np.array([[0.0], [1.0], [-1.5], [2.0]], "float32")
    metric = telemetry.ActiveTriplets(margin=0.5)
    metric.update_state(np.array([0, 0, 1, 2]), x)
    assert float(metric.result()) == 0.25


def test_the_spread_is_zero_only_where_all_are_one():
    def spread(rows):
        metric = telemetry.EmbeddingSpread()
        metric.update_state(np.arange(len(rows)), np.asarray(rows, "float32"))
        return float(metric.result())

    assert spread(np.tile([0.1, 0.3, 0.7], (97, 1))) == 0
    assert spread(np.zeros((7, 3))) == 0
    # Two opposite vectors have their mean at zero; length does not count, however small or large.
    for scale in (1e-30, 1.0, 1e30):
        assert spread(np.array([[0.6, 0.8], [-0.6, -0.8]]) * scale) == pytest.approx(1)
    even = np.random.default_rng(0).normal(size=(997, 61))
    assert spread(even / np.linalg.norm(even, axis=1, keepdims=True)) == pytest.approx(1, abs=0.01)
    # A cone around one direction: 1 and 0.1 are spread by 0.1 / sqrt(1.01).
    assert spread([[1, 0.1], [1, -0.1]]) == pytest.approx(0.1 / math.sqrt(1.01), rel=1e-5)


def test_an_embedding_that_is_no_number_shows():
    rows = rows_of(*BATCHES[0])
    rows[2, 1] = np.nan
    metrics = metrics_for()
    for metric in metrics:
        metric.update_state(BATCHES[0][0], rows)
    assert np.isnan(values(metrics)).all()


def network():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])


NAMES = [metric.name for metric in telemetry.in_batch()]
LABELS = np.array([0, 1, 1, 0, 2, 2, 1, 3, 3, 0, 1, 2, 2])
FEATURES = rows_of(LABELS, 23)


@pytest.mark.parametrize(
    "options",
    [{}, pytest.param({"jit_compile": True}, marks=pytest.mark.slow), {"run_eagerly": True}],
    ids=str,
)
def test_fit_and_evaluate_report_them(options):
    model = network()
    rate = keras.optimizers.SGD(0.0)
    model.compile(rate, losses.TripletHardLoss(), metrics=metrics_for(), **options)
    outputs = model.predict(FEATURES, verbose=0)
    data = {"x": FEATURES, "y": LABELS + BASE, "batch_size": 5}
    history = model.fit(
        **data,
        shuffle=False,
        verbose=0,
        validation_data=(FEATURES, LABELS + BASE),
        validation_batch_size=13,
    ).history
    parts = [(LABELS[i : i + 5], outputs[i : i + 5]) for i in range(0, 13, 5)]
    got = [history[name][0] for name in NAMES]
    np.testing.assert_allclose(got, expected_of(parts), rtol=1e-4)
    got = [history["val_" + name][0] for name in NAMES]
    np.testing.assert_allclose(got, expected_of([(LABELS, outputs)]), rtol=1e-4)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(policy):
    keras.config.set_dtype_policy(policy)
    model = network()
    model.compile(keras.optimizers.SGD(0.0), losses.TripletHardLoss(), metrics=metrics_for())
    outputs = keras.ops.convert_to_numpy(keras.ops.cast(model(FEATURES), "float32"))
    found = model.evaluate(FEATURES, LABELS, batch_size=13, verbose=0, return_dict=True)
    expected = expected_of([(LABELS, outputs)])
    np.testing.assert_allclose([found[name] for name in NAMES], expected, rtol=1e-3)


def test_a_saved_model_keeps_them(tmp_path):
    model = network()
    model.compile("sgd", losses.TripletHardLoss(), metrics=metrics_for("squared"))
    model.fit(FEATURES, LABELS, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    found = [m.evaluate(FEATURES, LABELS, verbose=0, return_dict=True) for m in (model, loaded)]
    assert found[0] == pytest.approx(found[1], rel=1e-5)
    assert set(NAMES) < set(found[0])


def test_they_are_made_from_their_configuration():
    for metric in metrics_for("squared"):
        config = keras.saving.serialize_keras_object(metric)
        again = keras.saving.deserialize_keras_object(config)
        assert type(again) is type(metric)
        assert again.get_config() == metric.get_config()
    assert metrics_for()[0].get_config()["margin"] == MARGIN


def test_they_land_in_tensorboard_and_history(tmp_path):
    model = network()
    model.compile("sgd", losses.TripletHardLoss(), metrics=metrics_for())
    rows = np.array([0, 3, 1, 2, 4, 5])
    progress = training.fit(
        model,
        lambda first: ((FEATURES[rows], LABELS[rows]) for _ in range(4)),
        epochs=2,
        steps_per_epoch=2,
        directory=tmp_path,
        verbose=0,
    )
    events = EventAccumulator(str(tmp_path / "logs" / "train"), size_guidance={"tensors": 0})
    events.Reload()
    for name in NAMES:
        logged = [
            float(tensor_util.make_ndarray(event.tensor_proto))
            for event in events.Tensors("epoch_" + name)
        ]
        np.testing.assert_allclose(logged, progress.history[name], rtol=1e-6)


def test_a_model_with_memory_reports_the_batch():
    model = with_memory(network(), size=20)
    model.compile(keras.optimizers.SGD(0.0), losses.SupConLoss(), metrics=metrics_for())
    targets = np.stack([LABELS + BASE, np.arange(13)], axis=1)
    history = model.fit(FEATURES, targets, batch_size=13, shuffle=False, verbose=0).history
    expected = expected_of([(LABELS, model.predict(FEATURES, verbose=0))])
    np.testing.assert_allclose([history[name][0] for name in NAMES], expected, rtol=1e-4)


def test_what_does_not_fit_is_refused():
    metric = telemetry.ActiveTriplets()
    with pytest.raises(UserError, match="expected integer labels, received float32"):
        metric.update_state(LABELS.astype("float32"), FEATURES)
    with pytest.raises(UserError, match="expected labels for 13 items, received 12"):
        metric.update_state(LABELS[:12], FEATURES)
    with pytest.raises(UserError, match="does not belong among the weighted_metrics"):
        metric.update_state(LABELS, FEATURES, np.ones(13))
    with pytest.raises(UserError, match="expected margin"):
        telemetry.in_batch(margin=0)
    with pytest.raises(UserError, match="expected distance as a function, received 'cosine'"):
        telemetry.in_batch(distance="cosine")


def collapse(alarm, spreads):
    alarm.on_train_begin()
    for epoch, spread in enumerate(spreads):
        alarm.on_epoch_end(epoch, {"loss": 1.0, "embedding_spread": spread})


def test_the_alarm_warns_once_a_collapse():
    said = r"^the embeddings have collapsed: embedding_spread is 0.01 after epoch 3, below 0.05; "
    with pytest.warns(UserWarning, match=said) as seen:
        collapse(telemetry.CollapseAlarm(patience=2), [0.01, 0.5, 0.01, 0.01, 0.01][1:])
    assert len(seen) == 1
    assert "\n" not in str(seen[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        collapse(telemetry.CollapseAlarm(patience=2), [0.01, 0.5, 0.01, math.nan, 0.05])


def test_the_alarm_ends_a_training_that_collapsed(tmp_path):
    model = network()
    model.compile("sgd", losses.TripletHardLoss(), metrics=[telemetry.EmbeddingSpread()])
    model.layers[-1].kernel.assign(np.zeros((3, 3)))
    model.layers[-1].bias.assign(np.ones(3))
    with pytest.raises(TrainingFailedError, match="collapsed: embedding_spread is 0 after epoch 1"):
        training.fit(
            model,
            lambda first: ((FEATURES, LABELS) for _ in range(1)),
            epochs=1,
            steps_per_epoch=1,
            directory=tmp_path,
            callbacks=[telemetry.CollapseAlarm(stop=True)],
            verbose=0,
        )
    assert not (tmp_path / training.CHECKPOINT).exists()


def test_the_alarm_needs_its_metric():
    with pytest.raises(UserError, match=r"named 'embedding_spread' to watch, received loss; "):
        telemetry.CollapseAlarm().on_epoch_end(0, {"loss": 1.0})
    with pytest.raises(UserError, match="expected threshold"):
        telemetry.CollapseAlarm(threshold=1.5)
    with pytest.raises(UserError, match="expected patience"):
        telemetry.CollapseAlarm(patience=0)


REPLICAS = """
import keras, numpy as np, tensorflow as tf
from simlearn import telemetry
from simlearn.losses import TripletHardLoss
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
x = np.random.default_rng(0).normal(size=(22, 4)).astype("float32")
y = np.arange(22) % 5 + 2**53

def train(strategy):
    with strategy.scope():
        keras.utils.set_random_seed(3)
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        model.compile(keras.optimizers.SGD(0.1), TripletHardLoss(), metrics=telemetry.in_batch())
    history = model.fit(x, y, batch_size=8, shuffle=False, verbose=0, validation_data=(x, y))
    return history.history

one = train(tf.distribute.get_strategy())
two = train(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
assert len(one) == 14, one
for name, value in one.items():
    np.testing.assert_allclose(value, two[name], rtol=1e-5, err_msg=name)
print("alike")
"""


@pytest.mark.slow
def test_replicas_measure_their_batch_as_one():
    done = subprocess.run([sys.executable, "-c", REPLICAS], capture_output=True, text=True)
    assert done.stdout.split()[-1:] == ["alike"], done.stderr[-3000:]
