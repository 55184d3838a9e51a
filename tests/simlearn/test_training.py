"""Interrupted training ends with the weights of an uninterrupted one, bit for bit."""

import errno
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from simlearn import checkpoint, heads, losses, training
from simlearn.errors import RunError, TrainingFailedError, UserError

EPOCHS = 5
STEPS = 3
CENTRES = 3 * np.random.default_rng(2).normal(size=(7, 5))


def data(epoch):
    random = np.random.default_rng((11, epoch))
    labels = np.tile(np.arange(7), (STEPS, 2)).astype("int64")
    pictures = random.normal(size=(STEPS, 14, 5)) + CENTRES[labels]
    return pictures.astype("float32"), labels


def batches(first_epoch):
    def generate():
        epoch = first_epoch
        while True:
            yield from zip(*data(epoch), strict=True)
            epoch += 1

    spec = (tf.TensorSpec((14, 5), tf.float32), tf.TensorSpec((14,), tf.int64))
    return tf.data.Dataset.from_generator(generate, output_signature=spec)


def make_model(optimizer=None, loss=None, seed=3):
    """Every kind of state: batch statistics, dropout's generator, a miner's generator."""
    training.seed_everything(seed)
    model = keras.Sequential(
        [
            keras.Input((5,)),
            keras.layers.Dense(13, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(4),
            heads.L2Normalize(),
        ]
    )
    loss = loss or losses.TripletDistanceWeightedLoss(dim=4, seed=5, margin=1.0)
    model.compile(optimizer=optimizer or keras.optimizers.Adam(0.02), loss=loss)
    return model


def make_callbacks():
    return [
        keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=0.1),
        keras.callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True),
    ]


class Interrupt(keras.callbacks.Callback):
    """Ctrl-C in the middle of an epoch."""

    def __init__(self, epoch, batch):
        super().__init__()
        self.at = epoch, batch

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch_now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch_now, batch) == self.at:
            raise KeyboardInterrupt


def run(directory, *, interrupt=None, callbacks=(), epochs=EPOCHS, model=None):
    model = model or make_model()
    extra = [] if interrupt is None else [Interrupt(*interrupt)]
    progress = training.fit(
        model,
        batches,
        epochs=epochs,
        steps_per_epoch=STEPS,
        directory=directory,
        callbacks=[*callbacks, *extra],
        validation_data=batches(99).take(2).apply(tf.data.experimental.assert_cardinality(2)),
        verbose=0,
    )
    return model, progress


def state(model):
    return [np.asarray(v.value) for v in [*model.variables, *model.optimizer.variables]]


def assert_same(one, other):
    for a, b in zip(state(one), state(other), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    return run(tmp_path_factory.mktemp("whole"), callbacks=make_callbacks())


def test_the_run_trains(uninterrupted):
    _, progress = uninterrupted
    assert progress.history["loss"][-1] < progress.history["loss"][0]
    assert len(progress.history["val_loss"]) == progress.epochs
    # The plateau callback must have acted, or its lost state could not be noticed below.
    assert progress.history["learning_rate"][-1] < progress.history["learning_rate"][0]


@pytest.mark.parametrize("moments", [[(0, 1)], [(1, 0), (1, 2), (3, 1)], [(4, 2)]])
def test_interrupted_runs_end_with_the_same_weights(tmp_path, uninterrupted, moments):
    for moment in moments:
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, interrupt=moment, callbacks=make_callbacks())
    model, progress = run(tmp_path, callbacks=make_callbacks())
    assert_same(model, uninterrupted[0])
    assert progress.history == uninterrupted[1].history


def test_mixed_precision_keeps_its_loss_scale(tmp_path):
    """Building a loss-scaling optimiser twice would start its scale afresh."""

    def make():
        optimizer = keras.optimizers.LossScaleOptimizer(
            keras.optimizers.Adam(0.02), initial_scale=2.0**10, dynamic_growth_steps=4
        )
        return make_model(optimizer=optimizer)

    keras.config.set_dtype_policy("mixed_float16")
    try:
        whole, _ = run(tmp_path / "whole", model=make())
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "killed", model=make(), interrupt=(3, 1))
        resumed, _ = run(tmp_path / "killed", model=make())
    finally:
        keras.config.set_dtype_policy("float32")
    assert_same(resumed, whole)
    # 15 finite steps, doubled after each 4th: 2^10 to 2^13.
    assert float(whole.optimizer.dynamic_scale) == 2.0**13


class Collector(keras.callbacks.Callback):
    """State of every kind that a user's callback may have."""

    def __init__(self, limit=100):
        super().__init__()
        self.limit = limit
        self.total = np.zeros(2)
        self.seen = []
        self.best = {"loss": None}

    def on_train_begin(self, logs=None):
        self.folder = "not kept: a path may change"

    def on_epoch_end(self, epoch, logs=None):
        self.total += epoch
        self.seen.append(epoch)
        self.best["loss"] = logs["loss"]


def test_what_callbacks_collect_survives(tmp_path):
    run(tmp_path / "whole", callbacks=[whole := Collector()])
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "killed", callbacks=[Collector()], interrupt=(3, 0))
    run(tmp_path / "killed", callbacks=[resumed := Collector(limit=7)])
    np.testing.assert_array_equal(resumed.total, [10, 10])
    assert resumed.seen == whole.seen == [0, 1, 2, 3, 4]
    assert resumed.best == whole.best
    assert resumed.limit == 7


def test_other_callbacks_than_the_interrupted_ones_are_refused(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, callbacks=make_callbacks(), interrupt=(2, 0))
    with pytest.raises(RunError, match=r"ReduceLROnPlateau, EarlyStopping, .* received EarlySt"):
        run(tmp_path, callbacks=make_callbacks()[::-1])


def test_a_complete_run_is_not_trained_again(tmp_path, uninterrupted):
    model, first = run(tmp_path, epochs=2)
    again, second = run(tmp_path, epochs=2, interrupt=(0, 0))
    assert second == first
    assert_same(model, again)


def test_a_complete_run_goes_on_where_more_epochs_are_asked_for(tmp_path):
    run(tmp_path, epochs=2)
    model, progress = run(tmp_path, epochs=3)
    whole, expected = run(tmp_path / "whole", epochs=3)
    assert progress.history == expected.history
    assert_same(model, whole)


def test_a_run_that_stopped_early_stays_stopped(tmp_path):
    def stopper():
        return [
            keras.callbacks.EarlyStopping(
                "loss", patience=1, min_delta=100.0, restore_best_weights=True
            )
        ]

    model, progress = run(tmp_path, callbacks=stopper())
    assert progress.stopped
    assert progress.epochs == 2
    # Killed after the last epoch's checkpoint, before the best weights were put back.
    other = tmp_path / "killed"
    other.mkdir()

    class Kill(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(other, callbacks=[*stopper(), Kill()])
    resumed, progress = run(other, callbacks=stopper())
    assert progress.epochs == 2
    assert_same(resumed, model)


class Break(keras.callbacks.Callback):
    """Put a NaN into a kernel in the third epoch: at its start, or when its last loss is known."""

    def __init__(self, start):
        super().__init__()
        self.start = start
        self.epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        if self.start and epoch == 2:
            self.spoil()

    def on_train_batch_end(self, batch, logs=None):
        if not self.start and self.epoch == 2 and batch == self.params["steps"] - 1:
            self.spoil()

    def spoil(self):
        kernel = self.model.layers[-2].kernel
        kernel.assign(np.full(kernel.shape, np.nan))


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (True, "loss became nan in epoch 3, batch 1"),
        (False, "weights .*kernel are not .* epoch 3"),
    ],
)
def test_numbers_that_are_not_finite_end_the_run_and_the_last_good_epoch_stays(
    tmp_path, start, message
):
    with pytest.raises(TrainingFailedError, match=message):
        run(tmp_path, callbacks=[Break(start)])
    stored = checkpoint.load(tmp_path / training.CHECKPOINT, model := make_model())
    assert stored.progress.epochs == 2
    assert all(np.isfinite(values).all() for values in state(model))


def test_the_checkpoint_of_another_model_is_refused(tmp_path):
    run(tmp_path, epochs=1)
    other = make_model(optimizer="sgd")
    with pytest.raises(RunError, match="another model"):
        run(tmp_path, model=other)


@pytest.mark.parametrize("damage", ["truncated", "empty", "text"])
def test_a_damaged_checkpoint_is_named(tmp_path, damage):
    run(tmp_path, epochs=1)
    path = tmp_path / training.CHECKPOINT
    whole = path.read_bytes()
    path.write_bytes({"truncated": whole[:-200], "empty": b"", "text": b"hello"}[damage])
    with pytest.raises(RunError, match=r"checkpoint\.npz.*delete it"):
        run(tmp_path)


def test_a_full_disk_is_said_and_the_last_checkpoint_stays(tmp_path, monkeypatch):
    run(tmp_path, epochs=1)
    before = (tmp_path / training.CHECKPOINT).read_bytes()
    _, progress = make_model(), checkpoint.load(tmp_path / training.CHECKPOINT, make_model())

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RunError, match=r"cannot write .*checkpoint\.npz: No space left on device"):
        checkpoint.save(tmp_path / training.CHECKPOINT, make_model(), progress.progress)
    assert (tmp_path / training.CHECKPOINT).read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint.npz", "logs"]


def test_checkpoints_hold_no_pickles_and_bfloat16_weights(tmp_path):
    keras.config.set_dtype_policy("bfloat16")
    try:
        model = make_model(loss=losses.SupConLoss())
        weights = [np.asarray(v.value).astype("float32") for v in model.weights]
        checkpoint.save(tmp_path / "c.npz", model, checkpoint.Progress(epochs=1))
        other = make_model(loss=losses.SupConLoss(), seed=4)
        checkpoint.load(tmp_path / "c.npz", other)
    finally:
        keras.config.set_dtype_policy("float32")
    loaded = [np.asarray(v.value).astype("float32") for v in other.weights]
    assert any(v.dtype == "bfloat16" for v in model.weights)
    for a, b in zip(weights, loaded, strict=True):
        np.testing.assert_array_equal(a, b)
    with np.load(tmp_path / "c.npz", allow_pickle=False) as stored:
        assert json.loads(stored["meta"].tobytes())["progress"]["epochs"] == 1


def test_logs_are_for_tensorboard(tmp_path):
    run(tmp_path, epochs=2)
    names = [p.parent.name for p in (tmp_path / "logs").rglob("events*")]
    assert sorted(names) == ["train", "validation"]


def test_batches_must_be_a_function_of_the_epoch(tmp_path):
    with pytest.raises(UserError, match=r"function of the first epoch, received a .*Dataset"):
        training.fit(
            make_model(), batches(0), epochs=1, steps_per_epoch=STEPS, directory=str(tmp_path)
        )


def test_seeds_out_of_range_are_refused():
    with pytest.raises(UserError, match="received -1"):
        training.seed_everything(-1)


def test_a_model_is_saved_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "embedding.keras"
    model = make_model(loss=losses.SupConLoss())
    training.save_model(model, path)
    before = path.read_bytes()
    loaded = keras.saving.load_model(path, compile=False)
    np.testing.assert_array_equal(loaded.get_weights()[0], model.get_weights()[0])

    def full(self, file):
        file.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(keras.Model, "save", full)
    with pytest.raises(RunError, match=r"cannot write .*embedding\.keras: No space left"):
        training.save_model(model, path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["embedding.keras"]


def test_embeddings_come_with_the_rows_of_their_pictures():
    inputs = keras.Input((2, 3, 1))
    model = keras.Model(inputs, keras.ops.sum(inputs, axis=(1, 2)))
    pictures = np.arange(30, dtype=np.float32).reshape(5, 2, 3, 1)
    # Picture 2 could not be read.
    batches = [(pictures[[0, 1]], np.array([0, 1])), (pictures[[3, 4]], np.array([3, 4]))]
    embeddings, rows = training.embed(model, batches)
    assert rows.tolist() == [0, 1, 3, 4]
    np.testing.assert_allclose(embeddings[:, 0], [pictures[row].sum() for row in rows])
    assert embeddings.dtype == np.float32
    with pytest.raises(UserError, match="expected batches of pictures, and received none"):
        training.embed(model, [])


class Scale(keras.layers.Layer):
    """A weight without axes, which comes as a number and not as an array."""

    def build(self, input_shape):
        self.factor = self.add_weight((), initializer="ones")

    def call(self, inputs):
        return self.factor * inputs


def test_the_best_of_weights_without_axes_survives_an_interruption(tmp_path):
    class Interrupt(keras.callbacks.Callback):
        def __init__(self, epoch):
            super().__init__()
            self.epoch = epoch

        def on_epoch_begin(self, epoch, logs=None):
            if epoch == self.epoch:
                raise KeyboardInterrupt

    def batches(epoch):
        while True:
            yield np.ones((2, 3)), np.full((2, 3), 5.0)

    def run(folder, interrupted):
        model = keras.Sequential([keras.Input((3,)), Scale()])
        model.compile(keras.optimizers.SGD(0.1), "mse")
        # The first epoch counts as the best: the loss falls.
        best = keras.callbacks.EarlyStopping(
            "loss", mode="max", patience=9, restore_best_weights=True
        )
        training.fit(
            model,
            batches,
            epochs=3,
            steps_per_epoch=1,
            directory=folder,
            callbacks=[best, Interrupt(interrupted)],
            verbose=0,
        )
        return float(model.get_weights()[0])

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", 1)
    # From 1 by 0.1 times the gradient 2 (1 - 5) of the mean squared error, once.
    assert run(tmp_path / "run", 99) == pytest.approx(1.8)
