"""The cross-batch memory against a ring and losses written as loops."""

import math
import subprocess
import sys

import keras
import numpy as np
import pytest

from simlearn import checkpoint, losses, training
from simlearn.errors import UserError
from simlearn.memory import CrossBatchMemory, MemoryModel, with_memory

RATE = 0.05
ITEMS = 41
FEATURES = np.random.default_rng(0).normal(size=(ITEMS, 4)).astype("float32")
# Neighbours beyond what float32, int32 and float64 can tell apart.
LABELS = np.random.default_rng(1).integers(0, 3, ITEMS) + 2**53
IDS = np.arange(ITEMS)[::-1] + 2**53
TARGETS = np.stack([LABELS, IDS], axis=1)


@pytest.fixture(autouse=True)
def _clean_keras():
    keras.utils.set_random_seed(5)
    yield
    keras.config.set_dtype_policy("float32")
    keras.backend.clear_session()


def embedding_model():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])


def memory_model(loss, *, size, start=0, **options):
    model = with_memory(embedding_model(), size=size, start=start)
    model.compile(keras.optimizers.SGD(RATE), loss, **options)
    return model


# The oracle: an item is (place, embedding, label, id); the place is None in the ring.


def neighbours(anchor, others):
    """Embeddings of the anchor's positives and negatives; ids of None are nobody's."""
    place, _, label, number = anchor
    groups = ([], [])
    for other_place, vector, other_label, other_number in others:
        same_place = place == other_place
        same_item = number is not None and number == other_number
        if not same_place and not same_item:
            groups[label != other_label].append(vector)
    return groups


def euclidean(a, b):
    return math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)))


def contrastive(batch, others, weights):
    pull, push = [], []
    for anchor, weight in zip(batch, weights, strict=True):
        positives, negatives = neighbours(anchor, others)
        pull += [weight * euclidean(anchor[1], x) ** 2 / 2 for x in positives]
        push += [weight * max(1 - euclidean(anchor[1], x), 0) ** 2 / 2 for x in negatives]
    return sum(sum(terms) / max(len(terms), 1) for terms in (pull, push))


def semi_hard(batch, others, weights):
    terms = []
    for anchor, weight in zip(batch, weights, strict=True):
        positives, negatives = neighbours(anchor, others)
        far = [euclidean(anchor[1], x) ** 2 for x in negatives]
        for near in [euclidean(anchor[1], x) ** 2 for x in positives]:
            if far:
                negative = min((d for d in far if d > near), default=max(far))
                terms.append(weight * max(near - negative + 0.2, 0))
    return sum(terms) / max(len(terms), 1)


def multi_similarity(batch, others, weights):
    def cosine(a, b):
        return sum(x * y for x, y in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)

    terms = []
    for anchor, weight in zip(batch, weights, strict=True):
        groups = neighbours(anchor, others)
        near, far = ([cosine(anchor[1], x) for x in group] for group in groups)
        if near and far:
            # Of the positives those less similar than the best negative and a bit, and vice versa.
            hard = [s for s in near if s - 0.1 < max(far)]
            close = [s for s in far if s + 0.1 > min(near)]
            pull = math.log(1 + sum(math.exp(-2 * (s - 0.5)) for s in hard)) / 2
            push = math.log(1 + sum(math.exp(50 * (s - 0.5)) for s in close)) / 50
            terms.append(weight * (pull + push))
    return sum(terms) / max(len(terms), 1)


ORACLES = [
    (losses.BatchContrastiveLoss, contrastive),
    (losses.TripletSemiHardLoss, semi_hard),
    (losses.MultiSimilarityLoss, multi_similarity),
]
over_losses = pytest.mark.parametrize(
    ("make", "oracle"), ORACLES, ids=[o.__name__ for _, o in ORACLES]
)


class Ring:
    """The last `size` items, as a list."""

    def __init__(self, size):
        self.size = size
        self.items = []

    def push(self, batch):
        self.items = (self.items + [(None, *item[1:]) for item in batch])[-self.size :]


def items_of(weights, rows, *, with_ids):
    kernel, bias = (np.asarray(part, "float64") for part in weights)
    vectors = FEATURES[rows].astype("float64") @ kernel + bias
    numbers = [int(IDS[row]) if with_ids else None for row in rows]
    return [
        (place, vector.tolist(), int(LABELS[row]), number)
        for place, (row, vector, number) in enumerate(zip(rows, vectors, numbers, strict=True))
    ]


def slope(function, weights):
    """Gradient by central differences, an entry at a time."""
    gradients = []
    for part in range(len(weights)):
        gradient = np.zeros(weights[part].shape)
        for entry in np.ndindex(gradient.shape):
            ends = []
            for step in (1e-6, -1e-6):
                moved = [np.array(weight, "float64") for weight in weights]
                moved[part][entry] += step
                ends.append(function(moved))
            gradient[entry] = (ends[0] - ends[1]) / 2e-6
        gradients.append(gradient)
    return gradients


def plan(batch, steps):
    """Random rows: items come back while the ring still holds them."""
    rng = np.random.default_rng(3)
    return [rng.choice(ITEMS, batch, replace=False) for _ in range(steps)]


class Recorder(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.weights = []

    def on_epoch_begin(self, epoch, logs=None):
        self.weights.append(self.model.embedding.get_weights())


@over_losses
@pytest.mark.parametrize("with_ids", [True, False], ids=["ids", "no ids"])
@pytest.mark.parametrize(("batch", "size", "start"), [(7, 19, 0), (7, 5, 0), (5, 17, 2)])
def test_fit_is_a_ring_and_loops(make, oracle, with_ids, batch, size, start):
    model = memory_model(make(), size=size, start=start)
    rows, recorder = plan(batch, 6), Recorder()
    weights = np.linspace(0.3, 1.9, batch).astype("float32")
    targets = TARGETS if with_ids else LABELS

    def batches():
        for step in rows:
            yield FEATURES[step], targets[step], weights

    options = {"epochs": len(rows), "steps_per_epoch": 1, "shuffle": False, "verbose": 0}
    history = model.fit(batches(), callbacks=[recorder], **options).history["loss"]

    ring = Ring(size)
    after = [*recorder.weights[1:], model.embedding.get_weights()]
    for step, before in enumerate(recorder.weights):
        past = list(ring.items)

        def value(moved, step=step, past=past):
            items = items_of(moved, rows[step], with_ids=with_ids)
            return oracle(items, items + past, weights.tolist())

        assert history[step] == pytest.approx(value(before), rel=2e-4, abs=1e-6)
        # Stochastic gradient descent: what moved is the gradient, which knows the ring as fixed.
        moved = [(old - new) / RATE for old, new in zip(before, after[step], strict=True)]
        for got, want in zip(moved, slope(value, before), strict=True):
            np.testing.assert_allclose(got, want, rtol=5e-3, atol=2e-4)
        if step >= start:
            ring.push(items_of(before, rows[step], with_ids=with_ids))
    assert len(ring.items) == min(size, batch * (6 - start))


def test_the_memory_holds_the_last_items_exactly():
    model = memory_model(losses.SupConLoss(), size=11, start=1)
    for place in (0, 7, 14):
        rows = slice(place, place + 7)
        expected = model.predict(FEATURES[rows], verbose=0)
        model.train_on_batch(FEATURES[rows], TARGETS[rows])
    held = [np.asarray(part) for part in model.memory.recall()]
    assert held[3].all()
    assert held[1].dtype == held[2].dtype == np.int64
    # The first batch came before the start; of the 14 items since, the ring holds the last 11.
    assert sorted(held[2]) == sorted(IDS[10:21])
    for row, label, number in zip(*held[:3], strict=True):
        item = int(np.flatnonzero(number == IDS)[0])
        assert label == LABELS[item]
        if item >= 14:
            np.testing.assert_allclose(row, expected[item - 14], rtol=1e-6)


def test_rows_not_filled_yet_are_in_no_pair():
    # Label 0 and id 0 are what an empty ring is made of.
    x = FEATURES[:5]
    y = np.stack([np.zeros(5, int), np.arange(5)], axis=1)
    model = memory_model(losses.BatchContrastiveLoss(), size=13)
    plain = losses.batch_contrastive_loss(y[:, 0], model.predict(x, verbose=0))
    assert model.train_on_batch(x, y) == pytest.approx(float(plain), rel=1e-5)


def test_an_item_met_again_is_not_its_own_pair():
    # One item a class: the ring holds each item's older self, and nothing else of its class.
    x, y = FEATURES[:4], np.stack([np.arange(4), np.arange(4) + 9], axis=1)
    alone = memory_model(losses.NTXentLoss(), size=4)
    unaware = memory_model(losses.NTXentLoss(), size=4)
    for _ in range(2):
        alone.reset_metrics()
        unaware.reset_metrics()
        with_ids = alone.train_on_batch(x, y)
        without = unaware.train_on_batch(x, y[:, 0])
    assert with_ids == 0
    assert without > 0


def test_far_from_zero_the_empty_rows_cost_no_digits():
    x = (FEATURES[:6] * 1e-2).astype("float32")
    model = memory_model(losses.BatchContrastiveLoss(), size=97)
    model.embedding.layers[-1].bias.assign(np.full(3, 100.0))
    batch = items_of(model.embedding.get_weights(), range(6), with_ids=True)
    batch = [
        (place, vector, label, number)
        for (place, _, label, number), vector in zip(
            batch, model.predict(x, verbose=0).astype("float64").tolist(), strict=True
        )
    ]
    expected = contrastive(batch, batch, [1.0] * 6)
    assert model.train_on_batch(x, TARGETS[:6]) == pytest.approx(expected, rel=1e-5)


def test_before_the_start_it_trains_as_without_a_memory():
    models = [memory_model(losses.SupConLoss(), size=8, start=10**9), embedding_model()]
    models[1].compile(keras.optimizers.SGD(RATE), losses.SupConLoss())
    models[1].set_weights(models[0].embedding.get_weights())
    for model in models:
        model.fit(FEATURES, LABELS, batch_size=10, shuffle=False, verbose=0)
    assert not np.asarray(models[0].memory.recall().filled).any()
    pairs = zip(models[0].embedding.get_weights(), models[1].get_weights(), strict=True)
    for left, right in pairs:
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-6)


def test_evaluation_neither_reads_nor_writes():
    model = memory_model(losses.TripletHardLoss(), size=20)
    model.fit(FEATURES, TARGETS, batch_size=10, verbose=0)
    before = [np.asarray(variable) for variable in model.memory.variables]
    value = model.evaluate(FEATURES[:9], TARGETS[:9], verbose=0)
    after = [np.asarray(variable) for variable in model.memory.variables]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)
    plain = losses.TripletHardLoss()(LABELS[:9], model.predict(FEATURES[:9], verbose=0))
    assert value == pytest.approx(float(plain), rel=1e-5)


def test_a_batch_that_is_not_finite_is_not_remembered():
    model = memory_model(losses.SupConLoss(), size=8)
    ring = model.memory
    ring.remember(LABELS[:3], IDS[:3], FEATURES[:3, :3])
    broken = FEATURES[3:5, :3].copy()
    broken[1, 2] = np.inf
    ring.remember(LABELS[3:5], IDS[3:5], broken)
    ring.remember(LABELS[5:7], IDS[5:7], FEATURES[5:7, :3])
    held = ring.recall()
    assert np.asarray(held.filled).sum() == 5
    np.testing.assert_array_equal(held.ids[:5], IDS[[0, 1, 2, 5, 6]])
    np.testing.assert_array_equal(held.embeddings[:5], FEATURES[[0, 1, 2, 5, 6], :3])
    assert math.isnan(losses.SupConLoss()(LABELS[3:5], broken))


def test_an_empty_batch_adds_nothing():
    model = memory_model(losses.SupConLoss(), size=8)
    model.memory.remember(LABELS[:3], None, FEATURES[:3, :3])
    empty = keras.ops.zeros((0, 3))
    value = model.compute_loss(FEATURES[:0], LABELS[:0], empty, None, training=True)
    assert float(value) == 0
    assert int(model.memory.filled.numpy()) == 3


def run(directory, epochs, seed=5):
    keras.utils.set_random_seed(seed)
    model = memory_model(losses.TripletSemiHardLoss(), size=23, start=2)

    def batches(first):
        for epoch in range(first, epochs):
            for rows in np.random.default_rng(epoch).integers(0, ITEMS, (4, 7)):
                yield FEATURES[rows], TARGETS[rows]

    progress = training.fit(
        model, batches, epochs=epochs, steps_per_epoch=4, directory=directory, verbose=0
    )
    return model, progress.history


def test_a_resumed_run_is_the_uninterrupted_one(tmp_path):
    whole, history = run(tmp_path / "whole", 4)
    run(tmp_path / "parts", 2)
    parts, resumed = run(tmp_path / "parts", 4, seed=77)
    assert resumed == history
    assert len(whole.variables) == 2 + 6
    for left, right in zip(whole.variables, parts.variables, strict=True):
        np.testing.assert_array_equal(left.numpy(), right.numpy())


def test_saved_and_loaded(tmp_path):
    model = memory_model(losses.MultiSimilarityLoss(alpha=3.0), size=13, start=1)
    model.fit(FEATURES, TARGETS, batch_size=10, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is MemoryModel
    assert loaded.get_config()["size"] == 13
    assert loaded.memory.get_config() == model.memory.get_config()
    assert loaded.loss.alpha == 3.0
    for left, right in zip(model.variables, loaded.variables, strict=True):
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left.numpy(), right.numpy())
    assert set(np.asarray(loaded.memory.recall().ids)) < set(IDS)
    once = [m.train_on_batch(FEATURES[:9], TARGETS[:9]) for m in (model, loaded)]
    model.reset_metrics()
    loaded.reset_metrics()
    again = [m.train_on_batch(FEATURES[9:18], TARGETS[9:18]) for m in (model, loaded)]
    assert again[0] == pytest.approx(again[1], rel=1e-6)
    assert once[1] > 0
    np.testing.assert_array_equal(
        loaded.embedding.predict(FEATURES, verbose=0), loaded.predict(FEATURES, verbose=0)
    )


def test_the_checkpoint_holds_the_integers_exactly(tmp_path):
    model = memory_model(losses.SupConLoss(), size=5)
    model.train_on_batch(FEATURES[:5], TARGETS[:5])
    checkpoint.save(tmp_path / "run.npz", model, checkpoint.Progress())
    other = memory_model(losses.SupConLoss(), size=5)
    checkpoint.load(tmp_path / "run.npz", other)
    np.testing.assert_array_equal(other.memory.ids.numpy(), IDS[:5])
    np.testing.assert_array_equal(other.memory.labels.numpy(), LABELS[:5])


@pytest.mark.parametrize("options", [{"jit_compile": True}, {"run_eagerly": True}], ids=str)
def test_compiled_or_not_it_is_the_same(options):
    results = []
    for chosen in ({}, options):
        keras.utils.set_random_seed(5)
        model = memory_model(losses.TripletSemiHardLoss(), size=17, **chosen)
        history = model.fit(FEATURES[:40], TARGETS[:40], batch_size=8, shuffle=False, verbose=0)
        results.append([*history.history["loss"], *(v.numpy() for v in model.variables)])
    for left, right in zip(*results, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_keeps_the_memory_whole(policy):
    keras.config.set_dtype_policy(policy)
    model = memory_model(losses.SupConLoss(), size=17)
    history = model.fit(FEATURES, TARGETS, batch_size=9, shuffle=False, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert model.memory.embeddings.dtype == "float32"
    held = model.memory.recall()
    assert keras.backend.standardize_dtype(held.embeddings.dtype) == "float32"
    # The last five batches, of 9 and at the end 5, of 41: their last 17 items.
    assert sorted(np.asarray(held.ids)) == sorted(IDS[-17:])


def test_regularisers_and_metrics_are_kept():
    seen = []

    class Spy(keras.metrics.Metric):
        def update_state(self, y_true, y_pred, sample_weight=None):
            seen.append((tuple(y_true.shape), keras.backend.standardize_dtype(y_true.dtype)))

        def result(self):
            return 0.0

    dense = keras.layers.Dense(3, kernel_regularizer=keras.regularizers.L2(0.5))
    model = with_memory(keras.Sequential([keras.Input((4,)), dense]), size=4, start=10)
    model.compile(keras.optimizers.SGD(RATE), losses.SupConLoss(), metrics=[Spy()])
    squares = 0.5 * (dense.kernel.numpy() ** 2).sum()
    plain = float(losses.SupConLoss()(LABELS[:7], model.predict(FEATURES[:7], verbose=0)))
    expected = pytest.approx(plain + squares, rel=1e-5)
    assert model.test_on_batch(FEATURES[:7], TARGETS[:7])[0] == expected
    model.reset_metrics()
    assert model.train_on_batch(FEATURES[:7], TARGETS[:7])[0] == expected
    assert set(seen) == {((7,), "int64")}


@pytest.mark.parametrize("loss", [losses.ArcFaceLoss(), losses.TripletLoss(), "mse", None])
def test_other_losses_are_refused(loss):
    model = with_memory(embedding_model(), size=3)
    with pytest.raises(UserError, match="compares anchors with any set of others, received"):
        model.compile("sgd", loss)


def test_a_loss_of_whole_batches_is_refused():
    class Whole(losses.SupConLoss):
        streams = False

    with pytest.raises(UserError, match="received Whole"):
        with_memory(embedding_model(), size=3).compile("sgd", Whole())


def test_arguments_are_checked():
    with pytest.raises(UserError, match="size as an integer of at least 1, received 0"):
        with_memory(embedding_model(), size=0)
    with pytest.raises(UserError, match="start as an integer of at least 0, received -1"):
        with_memory(embedding_model(), size=3, start=-1)
    with pytest.raises(UserError, match="dim as an integer of at least 1"):
        CrossBatchMemory(size=3, dim=0)
    pictures = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(2, 3)])
    with pytest.raises(UserError, match=r"shape \(batch, dim\), received 'seq"):
        with_memory(pictures, size=3)
    model = memory_model(losses.SupConLoss(), size=3)
    with pytest.raises(UserError, match=r"labels and ids \(batch, 2\), received a shape of \(4, 3"):
        model.train_on_batch(FEATURES[:4], np.zeros((4, 3), int))
    with pytest.raises(UserError, match="expected integer labels, received float32"):
        model.train_on_batch(FEATURES[:4], TARGETS[:4].astype("float32"))


REPLICAS = """
import keras, numpy as np, tensorflow as tf
from simlearn.losses import BatchContrastiveLoss
from simlearn.memory import with_memory
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
x = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
y = np.stack([np.arange(24) % 3, np.arange(24) % 7 + 2**53], axis=1)

def train(strategy):
    with strategy.scope():
        keras.utils.set_random_seed(3)
        embedding = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        model = with_memory(embedding, size=11, start=1)
        model.compile(keras.optimizers.SGD(0.1), BatchContrastiveLoss())
    history = model.fit(x, y, batch_size=6, shuffle=False, verbose=0, validation_data=(x, y))
    values = [np.float32(v[0]) for v in history.history.values()]
    return [*values, *(np.asarray(keras.ops.convert_to_numpy(v)) for v in model.variables)]

one = train(tf.distribute.get_strategy())
two = train(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
# The validation loss of a whole batch and of its gathered parts agree as well.
for a, b in zip(one, two, strict=True):
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
print("alike")
"""


@pytest.mark.slow
def test_two_replicas_share_one_memory():
    done = subprocess.run([sys.executable, "-c", REPLICAS], capture_output=True, text=True)
    assert done.stdout.split()[-1:] == ["alike"], done.stderr[-3000:]
