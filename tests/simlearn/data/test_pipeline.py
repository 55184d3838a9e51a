import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from simlearn.data import LabelledImages, sampling
from simlearn.data.augment import affine
from simlearn.data.pipeline import embedding_batches, siamese_batches
from simlearn.errors import UserError

# Float32 and float64 would merge the classes 2^53 and 2^53 + 1.
CLASSES = np.array([2**53, 2**53 + 1, 2**24 + 1, 2**24, -7])


def example():
    random = np.random.default_rng(0)
    return LabelledImages(
        images=random.integers(0, 256, (37, 5, 7, 3), dtype=np.uint8),
        labels=CLASSES[random.integers(0, 5, 37)],
        ids=np.arange(37),
        name="noise",
    )


DATA = example()


def plan(epoch):
    return sampling.pk_batches(DATA.labels, classes=3, per_class=2, seed=1, epoch=epoch)


def pair_plan(epoch):
    return sampling.pair_batches(DATA.labels, batch=6, seed=1, epoch=epoch)


STEPS = len(plan(0))
CHANGE = affine(rotation=20, scale=0.1, shift=0.1)


def flat(dataset):
    return [tf.nest.flatten(element) for element in dataset.as_numpy_iterator()]


def test_batches_are_the_planned_pictures_and_labels():
    elements = flat(embedding_batches(DATA, plan, seed=0, epochs=3))
    rows = np.concatenate([plan(epoch) for epoch in range(3)])
    assert len(elements) == len(rows) == 3 * STEPS
    for (images, labels), row in zip(elements, rows, strict=True):
        assert images.dtype == np.float32
        np.testing.assert_array_equal(images, DATA.images[row].astype(np.float32))
        assert labels.dtype == np.int64
        np.testing.assert_array_equal(labels, DATA.labels[row])


def test_pairs_are_the_planned_pictures_and_truth():
    elements = flat(siamese_batches(DATA, pair_plan, seed=0, epochs=2))
    plans = [pair_plan(epoch) for epoch in range(2)]
    rows = zip(*(np.concatenate(parts) for parts in zip(*plans, strict=True)), strict=True)
    for (left, right, same), (i, j, truth) in zip(elements, rows, strict=True):
        np.testing.assert_array_equal(left, DATA.images[i])
        np.testing.assert_array_equal(right, DATA.images[j])
        assert left.dtype == right.dtype == same.dtype == np.float32
        np.testing.assert_array_equal(same == 1, truth)
        np.testing.assert_array_equal(same == 0, ~truth)


@pytest.mark.parametrize(
    ("build", "planned"), [(embedding_batches, plan), (siamese_batches, pair_plan)]
)
def test_a_later_start_is_the_tail_of_the_whole_to_the_bit(build, planned):
    whole = flat(build(DATA, planned, seed=5, epochs=4, augment=CHANGE))
    steps = len(whole) // 4
    for first in range(1, 4):
        tail = flat(build(DATA, planned, seed=5, first_epoch=first, epochs=4, augment=CHANGE))
        assert len(tail) == (4 - first) * steps
        endless = build(DATA, planned, seed=5, first_epoch=first, augment=CHANGE)
        for expected, *received in zip(
            whole[first * steps :], tail, flat(endless.take(len(tail))), strict=True
        ):
            for element in received:
                for a, b in zip(element, expected, strict=True):
                    np.testing.assert_array_equal(a, b)


def test_iterating_again_gives_the_same():
    dataset = embedding_batches(DATA, plan, seed=5, epochs=1, augment=CHANGE)
    for first, second in zip(flat(dataset), flat(dataset), strict=True):
        np.testing.assert_array_equal(first[0], second[0])


def test_without_epochs_it_never_ends():
    dataset = embedding_batches(DATA, plan, seed=0)
    assert dataset.cardinality() == tf.data.INFINITE_CARDINALITY
    count = 7 * STEPS + 1
    assert sum(1 for _ in itertools.islice(dataset, count)) == count


def test_a_finished_run_has_no_batch_left():
    assert flat(embedding_batches(DATA, plan, seed=0, first_epoch=3, epochs=3)) == []


@pytest.mark.parametrize("augment", [None, CHANGE])
def test_shapes_are_static(augment):
    images, labels = embedding_batches(DATA, plan, seed=0, epochs=2, augment=augment).element_spec
    assert images == tf.TensorSpec((6, 5, 7, 3), tf.float32)
    assert labels == tf.TensorSpec((6,), tf.int64)
    pairs = siamese_batches(DATA, pair_plan, seed=0, augment=augment)
    (left, right), same = pairs.element_spec
    assert left == right == images
    assert same == tf.TensorSpec((6,), tf.float32)
    finite = embedding_batches(DATA, plan, seed=0, first_epoch=1, epochs=4, augment=augment)
    assert finite.cardinality() == 3 * STEPS


def test_an_augmentation_must_keep_the_shape_but_need_not_state_it():
    def through_numpy(images, _):
        return tf.numpy_function(lambda array: array[:, ::-1], [images], tf.float32)

    dataset = embedding_batches(DATA, plan, seed=0, epochs=1, augment=through_numpy)
    assert dataset.element_spec[0].shape == (6, 5, 7, 3)
    for (images, _), row in zip(flat(dataset), plan(0), strict=True):
        np.testing.assert_array_equal(images, DATA.images[row][:, ::-1])
    with pytest.raises(ValueError, match="must be equal"):
        embedding_batches(DATA, plan, seed=0, augment=lambda images, _: images[:, 1:])


def seeds_of(build, planned, **options):
    """The seed that each call of the augmentation gets, read back from its output."""

    def show(images, seed):
        # Bytes, as float32 would round the seed.
        pixels = tf.cast(tf.bitcast(seed, tf.uint8), tf.float32)
        return images * 0 + tf.reshape(tf.reshape(pixels, [-1])[:15], (1, 5, 1, 3))

    elements = flat(build(DATA, planned, augment=show, **options))
    count = 1 if build is embedding_batches else 2
    return [element[i][0, :, 0].tobytes() for element in elements for i in range(count)]


def test_every_step_side_and_seed_augments_anew():
    one_side = seeds_of(embedding_batches, plan, seed=0, epochs=3)
    other = seeds_of(embedding_batches, plan, seed=1, epochs=3)
    pairs = seeds_of(siamese_batches, pair_plan, seed=2, epochs=3)
    assert len({*one_side, *other, *pairs}) == len(one_side) + len(other) + len(pairs)


def test_augmentation_changes_the_pictures_it_is_given():
    plain = flat(embedding_batches(DATA, plan, seed=3, epochs=1))
    negated = flat(embedding_batches(DATA, plan, seed=3, epochs=1, augment=lambda x, _: 255 - x))
    for (images, labels), (changed, kept) in zip(plain, negated, strict=True):
        np.testing.assert_array_equal(changed, 255 - images)
        np.testing.assert_array_equal(kept, labels)


@pytest.mark.parametrize(
    ("planned", "options", "message"),
    [
        (lambda _: np.zeros((2, 3)), {}, "integers .* epoch 0 came as float64"),
        (lambda _: np.zeros(3, int), {}, r"\(steps, batch\).* int64 of shape \(3,\)"),
        (lambda _: np.array([[0, 37]]), {}, "from 0 to 36, and that of epoch 0 gave 0 to 37"),
        (lambda _: np.array([[-1, 3]]), {}, "gave -1 to 3"),
        (lambda _: np.zeros((0, 3), int), {}, "gave none"),
        (plan, {"epochs": 1, "first_epoch": 2}, "at least first_epoch=2, and came as 1"),
        (plan, {"first_epoch": -1}, "first_epoch=-1"),
        (plan, {"seed": -1}, "seed=-1"),
    ],
)
def test_refuses_a_plan_that_does_not_fit(planned, options, message):
    with pytest.raises(UserError, match=message):
        embedding_batches(DATA, planned, **{"seed": 0} | options)


def test_refuses_sides_of_different_shapes():
    left, right, same = pair_plan(0)
    with pytest.raises(UserError, match="one shape"):
        siamese_batches(DATA, lambda _: sampling.PairPlan(left, right[:, 1:], same), seed=0)


def test_a_plan_that_changes_its_shape_later_is_reported():
    dataset = embedding_batches(DATA, lambda epoch: plan(0)[epoch:], seed=0, epochs=2)
    with pytest.raises(tf.errors.InvalidArgumentError, match="same shape in every epoch"):
        flat(dataset)


def trained(dataset, *, weights=None, initial_epoch, epochs):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((5, 7, 3))
    scaled = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(1)(scaled))
    if weights:
        model.set_weights(weights)

    def remainder_loss(labels, outputs):
        target = keras.ops.cast(labels % 5, "float32")
        return keras.ops.mean(keras.ops.square(target - outputs[:, 0]))

    model.compile(keras.optimizers.SGD(0.01), remainder_loss, jit_compile=True)
    model.fit(
        dataset,
        steps_per_epoch=STEPS,
        initial_epoch=initial_epoch,
        epochs=epochs,
        shuffle=False,
        verbose=0,
    )
    return model.get_weights()


def test_a_resumed_fit_ends_where_the_whole_one_does():
    def batches(first):
        return embedding_batches(DATA, plan, seed=2, first_epoch=first, epochs=3, augment=CHANGE)

    whole = trained(batches(0), initial_epoch=0, epochs=3)
    half = trained(batches(0), initial_epoch=0, epochs=1)
    resumed = trained(batches(1), weights=half, initial_epoch=1, epochs=3)
    for a, b in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(a, b)
    repeated = trained(batches(0), weights=half, initial_epoch=1, epochs=3)
    assert not np.array_equal(whole[0], repeated[0])
