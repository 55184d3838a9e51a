import itertools
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from simlearn.data import Files, LabelledFiles, LabelledImages, LandmarkPictures, mtfl, sampling
from simlearn.data.augment import affine, chain, colour, flip
from simlearn.data.frames import Stretch
from simlearn.data.loading import Skipped
from simlearn.data.pipeline import (
    embedding_batches,
    landmark_batches,
    picture_batches,
    siamese_batches,
)
from simlearn.data.records import StoredPictures
from simlearn.errors import UserError
from tests.simlearn.data.pictures import archive, encoded, folder, noise

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


def draws_of(build, planned, **options):
    """What each step's augmentation draws first."""
    seen = []

    def watch(random, count, size):
        assert size == (5, 7)
        seen.append((random.random(), count))
        return CHANGE(random, count, size)

    flat(build(DATA, planned, augment=watch, **options))
    # One drawn at once, to see that it is an augmentation, and one for each step.
    assert seen[0][1] == 1
    return seen[1:]


def test_every_step_and_seed_augments_anew():
    one_side = draws_of(embedding_batches, plan, seed=0, epochs=3)
    other = draws_of(embedding_batches, plan, seed=1, epochs=3)
    assert len({*one_side, *other}) == 2 * 3 * STEPS
    assert {count for _, count in one_side} == {6}
    # Both sides of six pairs are drawn for at once.
    assert {count for _, count in draws_of(siamese_batches, pair_plan, seed=2, epochs=1)} == {12}


def test_augmentation_changes_the_pictures_and_not_the_labels():
    plain = flat(embedding_batches(DATA, plan, seed=3, epochs=1))
    mirrored = flat(embedding_batches(DATA, plan, seed=3, epochs=1, augment=flip(share=1.0)))
    for (images, labels), (changed, kept) in zip(plain, mirrored, strict=True):
        np.testing.assert_array_equal(changed, images[:, :, ::-1])
        np.testing.assert_array_equal(kept, labels)


@pytest.fixture(params=["folder", "zip"])
def stored(request, tmp_path):
    """Pictures in files, two of them bad; the labels tell which picture it is."""
    contents = {f"{i:02}.png": encoded(noise(7, 5, seed=i)) for i in range(30)}
    contents["04.png"] = contents["04.png"][:100]
    contents["17.png"] = b"nothing"
    write = folder if request.param == "folder" else archive
    root = write(tmp_path / "pictures", contents)
    return LabelledFiles(
        pictures=StoredPictures(Files(root), sorted(contents)),
        labels=np.arange(30),
        classes=tuple(contents),
        ids=np.arange(30),
        name="numbers",
    )


def in_order(epoch):
    return np.arange(30).reshape(5, 6)


def test_a_bad_picture_never_shifts_the_label_of_another(stored):
    skipped = Skipped(limit=0.1)
    options = {"frame": Stretch((5, 7)), "skipped": skipped}
    batches = embedding_batches(stored, in_order, seed=0, epochs=2, **options)
    assert batches.element_spec[0].shape.as_list() == [None, 5, 7, 3]
    elements = flat(batches)
    assert [len(labels) for _, labels in elements] == [5, 6, 5, 6, 6] * 2
    for images, labels in elements:
        for image, label in zip(images, labels, strict=True):
            np.testing.assert_array_equal(image, noise(7, 5, seed=label))
    assert np.concatenate([labels for _, labels in elements[:5]]).tolist() == [
        i for i in range(30) if i not in (4, 17)
    ]
    assert [name.split("/")[-1] for name in sorted(skipped.reasons)] == ["04.png", "17.png"]


def test_a_pair_goes_with_either_of_its_pictures(stored):
    rows = in_order(0)
    paired = sampling.PairPlan(rows, rows[::-1], rows % 2 == 0)
    options = {"frame": Stretch((5, 7)), "skipped": Skipped(limit=0.1)}
    for ((left, right), same), (first, second) in zip(
        flat_pairs(siamese_batches(stored, lambda _: paired, seed=0, epochs=1, **options)),
        zip(rows, rows[::-1], strict=True),
        strict=True,
    ):
        kept = [(a, b) for a, b in zip(first, second, strict=True) if not {a, b} & {4, 17}]
        assert len(left) == len(right) == len(same) == len(kept)
        for i, (a, b) in enumerate(kept):
            np.testing.assert_array_equal(left[i], noise(7, 5, seed=a))
            np.testing.assert_array_equal(right[i], noise(7, 5, seed=b))
            assert same[i] == (a % 2 == 0)


def flat_pairs(dataset):
    return list(dataset.as_numpy_iterator())


def test_more_bad_pictures_than_the_limit_stop_the_run(stored):
    # Two of thirty are 6.7 %; by default one in a hundred may be bad.
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"at most 1.0% of 30 pictures"):
        flat(embedding_batches(stored, in_order, seed=0, epochs=1, frame=Stretch((5, 7))))


def test_a_batch_of_bad_pictures_alone_stops_the_run(stored):
    options = {"frame": Stretch((5, 7)), "skipped": Skipped(limit=1.0)}
    batches = embedding_batches(stored, lambda _: np.array([[4, 17]]), seed=0, epochs=1, **options)
    with pytest.raises(tf.errors.InvalidArgumentError, match="no picture of a batch"):
        flat(batches)


def test_files_resume_to_the_bit_whatever_was_bad(stored):
    def batches(first):
        return flat(
            embedding_batches(
                stored,
                lambda e: sampling.shuffled_batches(30, batch=7, seed=4, epoch=e),
                seed=4,
                first_epoch=first,
                epochs=3,
                augment=chain(flip(), CHANGE, colour(contrast=0.3)),
                frame=Stretch((5, 7)),
                skipped=Skipped(limit=0.1),
            )
        )

    whole = batches(0)
    assert len(whole) == 12
    for first in (1, 2):
        for ours, theirs in zip(batches(first), whole[4 * first :], strict=True):
            for a, b in zip(ours, theirs, strict=True):
                np.testing.assert_array_equal(a, b)


def test_every_picture_comes_once_in_order_with_its_row(stored):
    options = {"frame": Stretch((5, 7)), "skipped": Skipped(limit=0.1)}
    dataset = picture_batches(stored.pictures, batch=8, **options)
    assert dataset.cardinality() == 4
    elements = flat(dataset)
    assert np.concatenate([rows for _, rows in elements]).tolist() == [
        i for i in range(30) if i not in (4, 17)
    ]
    for images, rows in elements:
        for image, row in zip(images, rows, strict=True):
            np.testing.assert_array_equal(image, noise(7, 5, seed=row))


def landmarks():
    random = np.random.default_rng(1)
    return LandmarkPictures(
        pictures=DATA.pictures,
        points=random.uniform(1, 4, (37, 5, 2)).astype(np.float32),
        visible=np.ones((37, 5), np.bool_),
        landmarks=mtfl.LANDMARKS,
        values=np.tile([0, 1, 0, 1], (37, 1)),
        attributes=mtfl.ATTRIBUTES,
        ids=np.arange(37),
        name="noise",
    )


def test_landmarks_come_with_their_picture():
    data = landmarks()
    batches = landmark_batches(data, plan, seed=0, epochs=1, augment=flip(share=1.0))
    assert batches.element_spec[1]["points"] == tf.TensorSpec((6, 5, 2), tf.float32)
    for (images, labels), rows in zip(batches.as_numpy_iterator(), plan(0), strict=True):
        np.testing.assert_array_equal(images, DATA.images[rows][:, :, ::-1])
        # Columns are 6 - x, and the eyes change places.
        expected = 6 - data.points[rows][:, [1, 0, 2, 4, 3], 0]
        np.testing.assert_allclose(labels["points"][:, :, 0], expected, atol=1e-5)
        assert labels["pose"].tolist() == [3] * 6
        assert labels["visible"].all()
        assert labels["gender"].dtype == np.int64


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


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: embedding_batches(DATA, plan(0), seed=0), "plan as a function of the epoch"),
        (lambda: siamese_batches(DATA, pair_plan(0), seed=0), "plan as a function of the epoch"),
        (lambda: embedding_batches(DATA.images, plan, seed=0), "data as LabelledImages or"),
        (lambda: picture_batches(DATA, batch=3), "pictures, as the `pictures` of a record"),
        (lambda: embedding_batches(DATA, plan, seed=0, frame=(5, 7)), "expected a frame"),
        (lambda: embedding_batches(DATA, plan, seed=0, augment=lambda *_: 1), "draw a Change"),
    ],
)
def test_the_likeliest_slips_are_named_at_once(call, message):
    with pytest.raises(UserError, match=message):
        call()


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


INTERRUPTED = """
import os, signal, sys, threading
from simlearn.data import folders, pipeline, sampling
from simlearn.data.frames import Stretch

data = folders.load(sys.argv[1])
plan = lambda epoch: sampling.shuffled_batches(40, batch=20, seed=0, epoch=epoch)
batches = pipeline.embedding_batches(data, plan, seed=0, frame=Stretch((50, 50)))
threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
for _ in batches:
    pass
"""


def test_an_interrupted_process_ends(tmp_path):
    # Without an end to the generator, Python mostly waits for ever for the thread that runs it.
    folder(tmp_path, {f"a/{i}.png": encoded(noise(300, 300, seed=i)) for i in range(40)})
    command = [sys.executable, "-c", INTERRUPTED, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode in (130, -signal.SIGINT), done.stderr
    assert "KeyboardInterrupt" in done.stderr
    assert "interpreter shutdown" not in done.stderr
