import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from simlearn import caching, losses, training
from simlearn.errors import UserError

# 31 items in batches of 17 and 14; 5 divides neither, 7 divides the second.
COUNT, BATCH, SIDE, DIM = 31, 17, 7, 6
RNG = np.random.default_rng(0)
X = RNG.normal(size=(COUNT, SIDE, SIDE, 1)).astype("float32")
LABELS = RNG.integers(0, 4, COUNT)
WEIGHTS = RNG.uniform(0.5, 2.0, COUNT).astype("float32")


@pytest.fixture
def mixed_float16():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy(before)


@pytest.fixture
def float64():
    """Adam divides by the size of the gradient: where that is near 0, float32 is all rounding."""
    before = keras.config.dtype_policy(), keras.config.floatx()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx(before[1])
    keras.config.set_dtype_policy(before[0])


def network(*, extras=(), regularized=True):
    """Convolution, whatever else, projection."""
    keras.utils.set_random_seed(3)
    kernel, activity = ("l2", keras.regularizers.L2(0.1)) if regularized else (None, None)
    pixels = keras.Input((SIDE, SIDE, 1))
    h = layers.Conv2D(5, 3, activation="relu", kernel_regularizer=kernel)(pixels)
    for extra in extras:
        h = extra()(h)
    h = layers.Dense(DIM, activity_regularizer=activity)(layers.Flatten()(h))
    return keras.Model(pixels, h)


def dropout():
    return layers.Dropout(0.3, seed=11)


def train(
    make, chunk, *, loss=losses.SupConLoss, optimizer=lambda: keras.optimizers.SGD(0.1), **kwargs
):
    """Two epochs; `chunk=None` is ordinary training."""
    options = {
        name: kwargs.pop(name) for name in ("class_weight", "sample_weight") if name in kwargs
    }
    embedding = make()
    model = embedding if chunk is None else caching.cached(embedding, chunk=chunk)
    model.compile(optimizer(), loss(), **kwargs)
    history = model.fit(X, LABELS, batch_size=BATCH, epochs=2, shuffle=False, verbose=0, **options)
    return embedding, history.history, model


def check_equal(ours, ordinary, atol=1e-6):
    for ours_, theirs in zip(ours[0].get_weights(), ordinary[0].get_weights(), strict=True):
        np.testing.assert_allclose(ours_, theirs, rtol=0, atol=atol)
    assert ours[1].keys() == ordinary[1].keys()
    for name, values in ordinary[1].items():
        np.testing.assert_allclose(ours[1][name], values, rtol=1e-5)


LOSSES = {
    "supcon": losses.SupConLoss,
    "semi-hard": losses.TripletSemiHardLoss,
    "batch-all": losses.TripletBatchAllLoss,
    "multi-similarity": losses.MultiSimilarityLoss,
    "keras": lambda: keras.losses.SparseCategoricalCrossentropy(from_logits=True),
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_steps_are_those_of_ordinary_training(loss):
    ordinary = train(network, None, loss=loss)
    for chunk in (5, 7):
        check_equal(train(network, chunk, loss=loss), ordinary)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_steps_with_adam(loss):
    def adam():
        return keras.optimizers.Adam(1e-2)

    ordinary = train(network, None, loss=loss, optimizer=adam)
    check_equal(train(network, 2, loss=loss, optimizer=adam), ordinary, atol=1e-9)


def mean_length(labels, embeddings):
    return ops.norm(embeddings, axis=-1)


@pytest.mark.parametrize(
    "options",
    [
        {"sample_weight": WEIGHTS},
        {"class_weight": {0: 1.0, 1: 3.0, 2: 0.5, 3: 2.0}},
        {"metrics": [mean_length]},
        {"weighted_metrics": [mean_length], "sample_weight": WEIGHTS},
        {"optimizer": lambda: keras.optimizers.SGD(0.1, global_clipnorm=0.1)},
        {"optimizer": lambda: keras.optimizers.SGD(0.1, clipvalue=0.01)},
        {"optimizer": lambda: keras.optimizers.AdamW(1e-2, use_ema=True)},
        {"steps_per_execution": 2},
        {"run_eagerly": True},
        {"loss_weights": [3.0]},
    ],
    ids=lambda options: "-".join(options),
)  # fmt: skip
def test_options_of_compile_and_fit(options):
    check_equal(train(network, 5, **options), train(network, None, **options))


def test_one_item_at_a_time():
    check_equal(train(network, 1), train(network, None))


@pytest.mark.parametrize("chunk", [BATCH, 100])
def test_one_chunk_is_ordinary_training_bit_for_bit(chunk):
    def make():
        # A regulariser's gradient is added at another place, and the last bit may differ.
        return network(extras=[layers.BatchNormalization, dropout], regularized=False)

    training.seed_everything(0)
    # In graph mode TensorFlow fuses and reorders, in one graph otherwise than in another.
    ordinary, ours = (train(make, size, run_eagerly=True) for size in (None, chunk))
    for a, b in zip(ours[0].variables, ordinary[0].variables, strict=True):  # random state included
        np.testing.assert_array_equal(a, b)
    assert ours[1] == ordinary[1]


class AddsLoss(layers.Layer):
    """Adds a mean over items, one that no single number per chunk hides."""

    def call(self, x):
        self.add_loss(0.1 * ops.mean(ops.square(ops.mean(x, axis=(1, 2, 3)))))
        return x


class Counts(layers.Layer):
    """Keeps the mean of what it saw as a metric."""

    def __init__(self):
        super().__init__()
        self.seen = keras.metrics.Mean(name="seen")

    def call(self, x):
        self.seen.update_state(x)
        return x


def by_hand(model, chunk, loss, rate):
    """Back-propagation through the whole batch at once, whose chunks are embedded one by one."""
    with tf.GradientTape() as tape:
        parts, added = [], 0.0
        for start in range(0, BATCH, chunk):
            piece = X[start : min(start + chunk, BATCH)]
            parts.append(model(piece, training=True))
            kernel = [v for v in model.trainable_variables if v.regularizer is not None]
            of_layers = model.losses[: len(model.losses) - len(kernel)]
            added += len(piece) / BATCH * sum(of_layers)
        total = loss(LABELS[:BATCH], tf.concat(parts, axis=0)) + added
        total += sum(v.regularizer(v) for v in kernel)
    gradients = tape.gradient(total, model.trainable_variables)
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        variable.assign_sub(rate * gradient)
    return float(total)


@pytest.mark.parametrize("eager", [False, True])
def test_dropout_batch_normalisation_and_added_losses(eager):
    def make():
        return network(extras=[AddsLoss, layers.BatchNormalization, dropout, Counts])

    reference, ours = make(), make()
    model = caching.cached(ours, chunk=5)
    model.compile(keras.optimizers.SGD(0.1), losses.SupConLoss(), run_eagerly=eager)
    for _ in range(2):
        logs = model.train_on_batch(X[:BATCH], LABELS[:BATCH], return_dict=True)
        model.reset_metrics()
        expected = by_hand(reference, 5, losses.SupConLoss(), rate=0.1)
        np.testing.assert_allclose(logs["loss"], expected, rtol=1e-5)
    # Weights, moving averages and the state of the dropout: it has drawn once a chunk.
    assert len(ours.variables) > len(ours.trainable_variables) + 2
    for a, b in zip(ours.variables, reference.variables, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-6, err_msg=a.path)


def test_states_move_once_a_chunk():
    pixels = keras.Input((1,))
    norm = layers.BatchNormalization(momentum=0.5, center=False, scale=False)
    model = caching.cached(keras.Model(pixels, layers.Dense(1)(Counts()(norm(pixels)))), chunk=2)
    model.compile("sgd", "mse")
    x = np.array([[1.0], [3.0], [10.0]], "float32")
    logs = model.train_on_batch(x, np.zeros((3, 1)), return_dict=True)
    # From 0, halfway to the mean of [1, 3], then halfway to that of [10]: 0 -> 1 -> 5.5.
    np.testing.assert_allclose(norm.moving_mean, [5.5])
    # From 1, halfway to the variance 1, then halfway to 0.
    np.testing.assert_allclose(norm.moving_variance, [0.5], rtol=1e-6)
    # What the layer after it saw is normalised: its mean is 0. It saw 3 values, each once.
    np.testing.assert_allclose(logs["seen"], 0.0, atol=1e-5)
    assert float(model.get_layer(index=2).seen.count) == 3


def test_both_passes_draw_the_same_masks_and_chunks_draw_others():
    seen = []

    class Records(layers.Layer):
        def call(self, x, training=False):
            if training:
                seen.append(np.asarray(x))
            return x

    ones = keras.Input((13,))
    hidden = Records()(layers.Dropout(0.5, seed=1)(ones))
    model = caching.cached(keras.Model(ones, layers.Dense(2)(hidden)), chunk=5)
    model.compile("sgd", "mse", run_eagerly=True)
    for _ in range(2):
        model.train_on_batch(np.ones((11, 13)), np.zeros((11, 2)))
    assert [len(mask) for mask in seen] == 4 * [5, 5, 1]
    first, again, other, other_again = (seen[i : i + 3] for i in range(0, 12, 3))
    for a, b in zip(first + other, again + other_again, strict=True):
        np.testing.assert_array_equal(a, b)
    drawn = [mask[0].tobytes() for mask in first + other]
    assert len(set(drawn)) == len(drawn)


def test_random_augmentation_in_the_model_is_replayed():
    def make():
        return network(extras=[lambda: layers.RandomTranslation(0.3, 0.3, seed=5)])

    reference, ours = make(), make()
    model = caching.cached(ours, chunk=5)
    model.compile(keras.optimizers.SGD(0.1), losses.SupConLoss())
    model.train_on_batch(X[:BATCH], LABELS[:BATCH])
    by_hand(reference, 5, losses.SupConLoss(), rate=0.1)
    for a, b in zip(ours.variables, reference.variables, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)


def test_mixed_precision(mixed_float16):
    def make():
        return network(regularized=False)

    def optimizer():
        # By default the sums over a batch overflow at first; those over a chunk do not.
        return keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=64.0)

    ours, ordinary = train(make, 5, optimizer=optimizer), train(make, None, optimizer=optimizer)
    assert isinstance(ours[2].optimizer, keras.optimizers.LossScaleOptimizer)
    assert ours[2].outputs[0].dtype == "float16"
    for model in (ours[2], ordinary[2]):
        assert int(model.optimizer.step_counter) == 4  # no step was left out as not finite
    for a, b, start in zip(*(m.get_weights() for m in (ours[0], ordinary[0], make())), strict=True):
        # float16 has 11 bits, gradients are sums of many such numbers.
        np.testing.assert_allclose(a, b, rtol=0, atol=0.02 * np.abs(b - start).max())
    np.testing.assert_allclose(ours[1]["loss"], ordinary[1]["loss"], rtol=5e-3)


def test_mixed_precision_with_added_losses(mixed_float16):
    # Scaled with the loss and unscaled with the gradient: the same as float32, but for rounding.
    _, ours, model = train(network, 5)
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    keras.config.set_dtype_policy("float32")
    embedding, ordinary, _ = train(network, None)
    np.testing.assert_allclose(ours["loss"], ordinary["loss"], rtol=1e-2)
    for a, b, start in zip(
        *(m.get_weights() for m in (model, embedding, network())), strict=True
    ):  # fmt: skip
        np.testing.assert_allclose(a, b, rtol=0, atol=0.05 * np.abs(b - start).max())


def test_the_policy_is_the_embeddings(mixed_float16):
    embedding = network()
    keras.config.set_dtype_policy("float32")
    model = caching.cached(embedding, chunk=5)
    model.compile("sgd", "mse")
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)


def test_jit(monkeypatch):
    model = caching.cached(network(), chunk=5)
    model.compile("sgd", losses.SupConLoss())
    assert not model.jit_compile
    # Where there is a GPU, "auto" asks the model.
    gpu = type("Device", (), {"device_type": "GPU"})
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda *_: [gpu])
    model.compile("sgd", losses.SupConLoss())
    assert not model.jit_compile
    with pytest.warns(UserWarning, match="Proceeding with `jit_compile=False`"):
        model.compile("sgd", losses.SupConLoss(), jit_compile=True)
    model.fit(X, LABELS, batch_size=BATCH, verbose=0)


@pytest.mark.usefixtures("float64")
def test_several_inputs_and_outputs():
    def make():
        keras.utils.set_random_seed(0)
        left, ids = keras.Input((3,), name="left"), keras.Input((), dtype="int32", name="ids")
        hidden = layers.Dense(5, activation="tanh", name="hidden")(left)
        table = layers.Embedding(13, 5, name="table")(ids)  # its gradient is sparse
        outputs = {
            "near": layers.Dense(2, name="near")(hidden * table),
            "far": layers.Dense(4, name="far")(hidden),
            "unused": layers.Dense(1, name="unused")(hidden),
        }
        return keras.Model({"left": left, "ids": ids}, outputs)

    x = {"left": RNG.normal(size=(13, 3)).astype("float32"), "ids": RNG.permutation(13)}
    y = {"near": RNG.normal(size=(13, 2)), "far": RNG.integers(0, 3, 13)}
    results = []
    for chunk in (None, 5):
        embedding = make()
        model = embedding if chunk is None else caching.cached(embedding, chunk=chunk)
        loss = {"near": "mse", "far": losses.SupConLoss(), "unused": None}
        model.compile(keras.optimizers.AdamW(1e-2, weight_decay=0.1), loss)
        targets = y | {"unused": np.zeros((13, 1))}
        with pytest.warns(UserWarning, match="Gradients do not exist"):
            history = model.fit(x, targets, epochs=2, shuffle=False, verbose=0)
        results.append((embedding, history.history))
    # Weight decay does not move what has no gradient; a gradient of 0 would let it.
    kernel = results[1][0].get_layer("unused").kernel
    np.testing.assert_array_equal(kernel, make().get_layer("unused").kernel)
    check_equal(results[1], results[0], atol=1e-9)


def test_inputs_in_a_list():
    a, b = keras.Input((3,)), keras.Input((3,))
    model = caching.cached(keras.Model([a, b], layers.Dense(2)(a - b)), chunk=2)
    model.compile("sgd", "mse")
    x = [RNG.normal(size=(5, 3)), RNG.normal(size=(5, 3))]
    model.fit(x, np.zeros((5, 2)), verbose=0)
    assert model.predict(x, verbose=0).shape == (5, 2)


def test_frozen_layers_stay():
    embedding = network(extras=[layers.BatchNormalization])
    frozen = embedding.layers[1]
    frozen.trainable = False
    before, projection = frozen.get_weights(), embedding.layers[-1].get_weights()
    model = caching.cached(embedding, chunk=5)
    model.compile("sgd", losses.SupConLoss())
    model.fit(X, LABELS, batch_size=BATCH, verbose=0)
    for a, b in zip(frozen.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.any(embedding.layers[-1].get_weights()[0] != projection[0])


def test_nothing_to_train():
    embedding = network()
    embedding.trainable = False
    before = embedding.get_weights()
    model = caching.cached(embedding, chunk=5)
    model.compile("sgd", losses.SupConLoss())
    assert np.isfinite(model.fit(X, LABELS, verbose=0).history["loss"]).all()
    for a, b in zip(embedding.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_evaluate_and_predict():
    embedding = network(extras=[AddsLoss, layers.BatchNormalization, dropout, Counts])
    model = caching.cached(embedding, chunk=5)
    for one in (embedding, model):
        one.compile("sgd", losses.SupConLoss(), metrics=[mean_length])
    expected = embedding.evaluate(X, LABELS, batch_size=BATCH, return_dict=True, verbose=0)
    found = model.evaluate(X, LABELS, batch_size=BATCH, return_dict=True, verbose=0)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5, err_msg=name)
    ours, theirs = model.predict(X, verbose=0), embedding.predict(X, verbose=0)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_evaluation_between_epochs_of_another_batch_size():
    # The training step is traced anew for the last, smaller batch, after a test step.
    batches = tf.data.Dataset.from_tensor_slices((X, LABELS))
    model = caching.cached(network(extras=[AddsLoss]), chunk=5)
    model.compile("sgd", losses.SupConLoss())
    for size in (17, 13):
        data = batches.batch(size, drop_remainder=True)
        model.fit(data, validation_data=data, shuffle=False, verbose=0)
        model(X[:3])
        # One that the layer added, two regularisers: of this call, not of the last step.
        assert len(model.losses) == 3
        assert float(sum(model.losses)) > 0


def test_a_known_batch_size_stays_known():
    shapes = []

    def loss(labels, embeddings):
        shapes.append(tuple(embeddings.shape))
        return ops.mean(embeddings, axis=-1)

    model = caching.cached(network(), chunk=5)
    model.compile("sgd", loss)
    batches = tf.data.Dataset.from_tensor_slices((X, LABELS)).batch(17, drop_remainder=True)
    model.fit(batches, shuffle=False, verbose=0)
    assert shapes[-1] == (17, DIM)


def test_saving(tmp_path):
    embedding, _, model = train(lambda: network(extras=[layers.BatchNormalization]), 5)
    expected = embedding.predict(X, verbose=0)
    training.save_model(embedding, tmp_path / "embedding.keras")
    training.save_model(model, tmp_path / "cached.keras")
    ordinary = keras.models.load_model(tmp_path / "embedding.keras")
    np.testing.assert_array_equal(ordinary.predict(X, verbose=0), expected)
    loaded = keras.models.load_model(tmp_path / "cached.keras")
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), expected)
    assert loaded.get_config()["chunk"] == 5
    assert loaded.name == "cached"
    for one in (model, loaded):
        one.fit(X, LABELS, batch_size=BATCH, shuffle=False, verbose=0)
    for a, b in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)


def test_a_killed_run_resumes_bit_for_bit(tmp_path):
    class Kill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    def batches(first_epoch):
        orders = (
            np.random.default_rng(epoch).permutation(COUNT) for epoch in range(first_epoch, 9)
        )
        return ((X[order[:BATCH]], LABELS[order[:BATCH]]) for order in orders)

    def run(name, callbacks=()):
        training.seed_everything(0)
        embedding = network(extras=[layers.BatchNormalization, dropout])
        model = caching.cached(embedding, chunk=5)
        model.compile(keras.optimizers.Adam(1e-2), losses.SupConLoss())
        training.fit(
            model, batches, epochs=4, steps_per_epoch=1, directory=tmp_path / name,
            callbacks=callbacks, verbose=0,
        )  # fmt: skip
        return embedding

    whole = run("whole")
    with pytest.raises(KeyboardInterrupt):
        run("killed", [Kill()])
    resumed = run("killed")
    for a, b in zip(resumed.variables, whole.variables, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_weights_are_the_embeddings():
    embedding = network()
    model = caching.cached(embedding, chunk=5, name="big")
    assert model.name == "big"
    assert all(a is b for a, b in zip(model.variables, embedding.variables, strict=True))
    assert embedding.supports_jit
    assert (model.input_shape, model.output_shape) == (embedding.input_shape, (None, DIM))


def test_no_loss_is_an_error_as_everywhere_in_keras():
    model = caching.cached(keras.Sequential([keras.Input((3,)), layers.Dense(2)]), chunk=2)
    model.compile("sgd")
    with pytest.raises(ValueError, match="No loss to compute"):
        model.fit(np.ones((5, 3)), verbose=0)


class Draws(layers.Layer):
    """Random numbers from somewhere else."""

    def __init__(self, draw):
        super().__init__()
        self.draw = draw

    def call(self, x):
        return x * self.draw(ops.shape(x))


class Normalizes(layers.Layer):
    """Changes its own trainable weight, as spectral normalisation does."""

    def build(self, shape):
        self.scale = self.add_weight(shape=(), initializer="ones", name="factor")

    def call(self, x):
        self.scale.assign(ops.abs(self.scale))
        return x * self.scale


def fit_with(layer):
    inner = keras.Sequential([keras.Input((3,)), layer, layers.Dense(2)])
    model = caching.cached(inner, chunk=2)
    model.compile("sgd", "mse")
    model.fit(np.ones((5, 3)), np.zeros((5, 2)), verbose=0)


def test_foreign_randomness_is_refused():
    with pytest.raises(UserError, match=r"SeedGenerator of their own.*outside the model"):
        fit_with(Draws(lambda shape: keras.random.normal(shape)))
    with pytest.raises(tf.errors.InvalidArgumentError, match="two passes of gradient caching"):
        fit_with(Draws(tf.random.Generator.from_seed(1).normal))


def test_layers_that_change_their_trainable_weights_are_refused():
    with pytest.raises(UserError, match=r"changed was .*factor"):
        fit_with(Normalizes())


def test_nan_is_no_other_randomness():
    model = caching.cached(keras.Sequential([keras.Input((3,)), layers.Dense(2)]), chunk=2)
    model.compile("sgd", "mse")
    history = model.fit(np.full((5, 3), np.nan), np.zeros((5, 2)), verbose=0)
    assert np.isnan(history.history["loss"][0])


@pytest.mark.parametrize("chunk", [0, -3, 2.0, True, "32"])
def test_chunk_is_checked(chunk):
    with pytest.raises(UserError, match="chunk as an integer of at least 1, received"):
        caching.cached(network(), chunk=chunk)


def test_other_models_and_backends_are_refused(monkeypatch):
    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(UserError, match="functional or sequential"):
        caching.cached(Own(name="own"), chunk=5)
    with pytest.raises(UserError, match="functional or sequential"):
        caching.cached(keras.Sequential([layers.Dense(3)]), chunk=5)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(UserError, match=r"TensorFlow backend .* received 'jax'"):
        caching.cached(network(), chunk=5)


def test_strategies_are_refused():
    strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
    model = caching.cached(network(), chunk=5)
    with strategy.scope():
        with pytest.raises(UserError, match=r"no tf.distribute strategy.*OneDeviceStrategy"):
            caching.cached(network(), chunk=5)
        model.compile("sgd", losses.SupConLoss())
        with pytest.raises(UserError, match=r"no tf.distribute strategy.*OneDeviceStrategy"):
            model.fit(X, LABELS, verbose=0)
        with pytest.raises(UserError, match=r"no tf\.distribute strategy"):
            model.evaluate(X, LABELS, verbose=0)


MEMORY = """
import re, sys
from pathlib import Path
import keras, numpy as np, tensorflow as tf
from simlearn import caching
from keras import layers

def peak():
    return int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])

pixels = keras.Input((32, 32, 3))
h = pixels
for _ in range(2):
    h = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(16, 3, padding="same")(h)))
model = keras.Model(pixels, layers.Dense(8)(layers.GlobalAveragePooling2D()(h)))
if sys.argv[1] == "cached":
    model = caching.cached(model, chunk=32)
model.compile("sgd", "mse")
x, y = np.ones((2048, 32, 32, 3), "float32"), np.zeros((2048, 8), "float32")
model.fit(x[:2], y[:2], verbose=0)
before = peak()
model.fit(tf.data.Dataset.from_tensors((x, y)).repeat(2), shuffle=False, verbose=0)
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts memory as Linux does")
def test_memory_is_that_of_a_chunk():
    peaks = {}
    for kind in ("ordinary", "cached"):
        command = [sys.executable, "-c", MEMORY, kind]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        peaks[kind] = int(out.split()[-1])
    print(f"cached to ordinary: {peaks['cached'] / peaks['ordinary']:.2f}, kB {peaks}")
    # One in 64 of the activations, and what else a step takes: the allocator keeps some 0.1 GB.
    assert peaks["cached"] < peaks["ordinary"] / 4
