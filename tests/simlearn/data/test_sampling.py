from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.data import sampling
from simlearn.data._turns import turns
from simlearn.errors import UserError

seeds = st.integers(0, 2**63)
epochs = st.integers(0, 1000)
plain = settings(deadline=None, max_examples=150)


@st.composite
def labelled(draw, *, least=1, minimum_classes=2):
    """Labels of a few classes of unequal size, shuffled, with far-apart values."""
    sizes = draw(st.lists(st.integers(least, 17), min_size=minimum_classes, max_size=13))
    values = draw(
        st.lists(
            st.integers(-(2**62), 2**62), min_size=len(sizes), max_size=len(sizes), unique=True
        )
    )
    labels = [v for v, size in zip(values, sizes, strict=True) for _ in range(size)]
    return np.array(draw(st.permutations(labels)), dtype=np.int64)


def cycles(sequence, members):
    """Whether a sequence is rounds of all `members`, the last one possibly cut off."""
    for start in range(0, len(sequence), len(members)):
        turn = sequence[start : start + len(members)]
        if len(set(turn)) < len(turn) or not set(turn) <= set(members):
            return False
    return True


@plain
@given(data=st.data())
def test_turns_are_rounds_whose_windows_hold_nobody_twice(data):
    window = data.draw(st.integers(1, 7))
    sizes = data.draw(st.lists(st.integers(window, 23), min_size=1, max_size=5))
    windows = data.draw(st.lists(st.integers(0, 40), min_size=len(sizes), max_size=len(sizes)))
    lengths = np.array(windows) * window
    random = np.random.default_rng(data.draw(seeds))
    queues = np.split(turns(np.array(sizes), lengths, window, random), np.cumsum(lengths))
    assert len(queues.pop()) == 0
    for size, length, queue in zip(sizes, lengths, queues, strict=True):
        assert len(queue) == length
        assert cycles(queue.tolist(), range(size))
        for row in queue.reshape(-1, window):
            assert len(set(row.tolist())) == window


def test_turns_favour_nobody():
    # 5 members in windows of 3: two windows lie across rounds. Symmetry says that each member has
    # each place equally often, 1/5, in each of the 15 places of the period.
    # Of n = 40,000 draws the standard deviation of a share is sqrt(.2 * .8 / n) = 0.002.
    count = 40_000
    queue = turns(np.array([5]), np.array([15 * count]), 3, np.random.default_rng(0))
    places = queue.reshape(count, 15)
    for member in range(5):
        np.testing.assert_allclose((places == member).mean(axis=0), 0.2, atol=0.01)
    # Those who wait because of the window must not always come last in their round. In round 2,
    # the members 3 and 4 of round 1 wait for one turn (place 5) and have 4 places left, so they
    # are last with 1/4 each, and somebody else with 1/2.
    last = places[:, 9]
    for waiting in (places[:, 3], places[:, 4]):
        np.testing.assert_allclose((last == waiting).mean(), 0.25, atol=0.012)


@plain
@given(
    labels=labelled(),
    classes=st.integers(2, 5),
    per_class=st.integers(2, 5),
    seed=seeds,
    epoch=epochs,
    steps=st.one_of(st.none(), st.integers(1, 31)),
)
def test_pk_batches_hold_p_classes_with_k_samples(labels, classes, per_class, seed, epoch, steps):
    sizes = Counter(labels.tolist())
    fit = {label for label, size in sizes.items() if size >= per_class}
    draw = {"classes": classes, "per_class": per_class, "seed": seed, "epoch": epoch}
    if len(fit) < classes:
        with pytest.raises(UserError, match=f"{classes} classes .* {per_class} samples"):
            sampling.pk_batches(labels, **draw, steps=steps)
        return
    batches = sampling.pk_batches(labels, **draw, steps=steps)
    if steps is None:
        steps = max(1, sum(sizes[label] for label in fit) // (classes * per_class))
    assert batches.shape == (steps, classes * per_class)
    assert batches.dtype == np.int64
    seen = {label: [] for label in fit}
    for batch in batches:
        assert len(set(batch.tolist())) == len(batch)
        counts = Counter(labels[batch].tolist())
        assert len(counts) == classes
        assert set(counts.values()) == {per_class}
        for position in batch.tolist():
            seen[int(labels[position])].append(position)
    visits = [len(positions) // per_class for positions in seen.values()]
    assert max(visits) - min(visits) <= 1
    for label, positions in seen.items():
        assert cycles(positions, np.flatnonzero(labels == label).tolist())


def test_an_epoch_of_equal_classes_shows_every_sample_once():
    # 6 classes of 4: 24 samples make 4 batches of 3 * 2, each class has 2 visits of 2.
    labels = np.random.default_rng(1).permutation(np.repeat(np.arange(6), 4))
    batches = sampling.pk_batches(labels, classes=3, per_class=2, seed=5, epoch=7)
    assert batches.shape == (4, 6)
    assert sorted(batches.ravel().tolist()) == list(range(24))


def test_samples_of_a_class_lie_together():
    labels = np.repeat([30, 10, 20], 5)
    for batch in sampling.pk_batches(labels, classes=2, per_class=3, seed=0, epoch=0):
        first, second = labels[batch].reshape(2, 3).tolist()
        assert len(set(first)) == len(set(second)) == 1


@plain
@given(labels=labelled(), batch=st.integers(1, 9), seed=seeds, epoch=epochs, data=st.data())
def test_pair_batches_are_half_of_each_kind(labels, batch, seed, epoch, data):
    batch *= 2
    sizes = Counter(labels.tolist())
    if max(sizes.values()) < 2:
        with pytest.raises(UserError, match="a class with 2 samples"):
            sampling.pair_batches(labels, batch=batch, seed=seed, epoch=epoch)
        return
    steps = data.draw(st.one_of(st.none(), st.integers(1, 13)))
    plan = sampling.pair_batches(labels, batch=batch, seed=seed, epoch=epoch, steps=steps)
    shape = (max(1, len(labels) // batch) if steps is None else steps, batch)
    assert [part.shape for part in plan] == [shape] * 3
    assert [part.dtype for part in plan] == [np.int64, np.int64, np.bool_]
    assert (plan.left != plan.right).all()
    np.testing.assert_array_equal(labels[plan.left] == labels[plan.right], plan.same)
    # Any even part of a batch, as one of several devices takes it, is balanced.
    np.testing.assert_array_equal(plan.same[:, ::2], True)
    np.testing.assert_array_equal(plan.same[:, 1::2], False)
    paired = [i for i, label in enumerate(labels.tolist()) if sizes[label] > 1]
    assert cycles(plan.left[plan.same].tolist(), paired)
    assert cycles(plan.left[~plan.same].tolist(), range(len(labels)))


def test_the_right_side_is_drawn_evenly():
    labels = np.array([7, 3, 3, 7, 5, 3, 7, 3])
    plan = sampling.pair_batches(labels, batch=2, seed=11, epoch=0, steps=80_000)
    for same in (True, False):
        chosen = plan.same == same
        for left in range(8):
            allowed = (labels == labels[left]) == same
            allowed[left] = False
            right = plan.right[chosen & (plan.left == left)]
            if not allowed.any():  # The only sample of its class has no pair of this kind.
                assert len(right) == 0
                continue
            # Some 10,000 draws among 2 to 7: the standard deviation is at most 0.005.
            shares = np.bincount(right, minlength=8) / len(right)
            np.testing.assert_allclose(shares, allowed / allowed.sum(), atol=0.025)


@pytest.mark.parametrize(
    "plan",
    [
        lambda labels, **keys: sampling.pk_batches(labels, classes=3, per_class=2, **keys),
        lambda labels, **keys: np.stack(sampling.pair_batches(labels, batch=6, **keys)),
    ],
    ids=["pk", "pairs"],
)
def test_plans_depend_on_seed_and_epoch_alone(plan):
    labels = np.repeat(np.arange(7), 5)
    np.random.seed(1)
    once = plan(labels, seed=3, epoch=4)
    np.random.seed(2)
    np.testing.assert_array_equal(plan(labels, seed=3, epoch=4), once)
    others = [plan(labels, seed=seed, epoch=epoch) for seed, epoch in ((4, 3), (3, 5), (2, 4))]
    # (3, 0) and (0, 3) would meet if seed and epoch were added or padded with zeros.
    others += [plan(labels, seed=3, epoch=0), plan(labels, seed=0, epoch=3)]
    assert len({array.tobytes() for array in [once, *others]}) == 6


def test_drawable_marks_the_samples_that_pk_batches_can_reach():
    labels = np.array([9, 4, 9, 4, 9, 1, 4, 9, 2, 2])
    mask = sampling.drawable(labels, per_class=3)
    np.testing.assert_array_equal(mask, np.isin(labels, [9, 4]))
    batches = sampling.pk_batches(labels, classes=2, per_class=3, seed=0, epoch=0, steps=50)
    assert set(batches.ravel().tolist()) == set(np.flatnonzero(mask).tolist())


LABELS = np.repeat(np.arange(8), [1, 1, 1, 2, 3, 4, 5, 6])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: sampling.pk_batches(LABELS, classes=5, per_class=4, seed=0, epoch=0),
            "needs 5 classes with at least 4 samples each, and 3 have them; the 23 labels hold "
            "8 classes by number of samples: 3 with 1, 1 with 2, 1 with 3, 1 with 4, 1 with 5, "
            "1 with 6 to 6",
        ),
        (
            lambda: sampling.pk_batches(LABELS[:0], classes=2, per_class=2, seed=0, epoch=0),
            "the 0 labels hold no class",
        ),
        (
            lambda: sampling.pk_batches(LABELS, classes=1, per_class=2, seed=0, epoch=0),
            "classes must be at least 2, and came as 1",
        ),
        (
            lambda: sampling.pk_batches(LABELS, classes=2, per_class=1, seed=0, epoch=0),
            "per_class must be at least 2, and came as 1",
        ),
        (
            lambda: sampling.pk_batches(LABELS, classes=2, per_class=2, seed=-1, epoch=0),
            "seed must be at least 0, and came as -1",
        ),
        (
            lambda: sampling.pk_batches(LABELS, classes=2, per_class=2, seed=0, epoch=0, steps=0),
            "steps must be at least 1, and came as 0",
        ),
        (
            lambda: sampling.pk_batches(LABELS, classes=2, per_class=2, seed=0, epoch=0, steps=2.5),
            "steps must be an integer, and came as 2.5",
        ),
        (
            lambda: sampling.pair_batches(LABELS, batch=2.0, seed=0, epoch=0),
            "batch must be an integer, and came as 2.0",
        ),
        (
            lambda: sampling.drawable(np.array([2**63, 1], "uint64"), per_class=2),
            "labels must be at most 9223372036854775807 .* came as 9223372036854775808",
        ),
        (
            lambda: sampling.pk_batches(LABELS * 1.0, classes=2, per_class=2, seed=0, epoch=0),
            r"integers of shape \(n,\), and came as float64 of shape \(23,\)",
        ),
        (
            lambda: sampling.pair_batches(LABELS, batch=5, seed=0, epoch=0),
            "batch must be even.* came as 5",
        ),
        (
            lambda: sampling.pair_batches(LABELS, batch=0, seed=0, epoch=0),
            "batch must be at least 2, and came as 0",
        ),
        (
            lambda: sampling.pair_batches(np.array([3, 3, 3]), batch=2, seed=0, epoch=0),
            "needs 2 classes, .* 3 labels hold 1 classes by number of samples: 1 with 3",
        ),
        (
            lambda: sampling.pair_batches(np.array([3, 4, 5]), batch=2, seed=0, epoch=0),
            "a class with 2 samples; the 3 labels hold 3 classes .*: 3 with 1",
        ),
    ],
)
def test_says_what_the_labels_cannot_support(call, message):
    with pytest.raises(UserError, match=message):
        call()


def test_shuffled_batches_take_each_sample_at_most_once_and_change():
    epochs = [sampling.shuffled_batches(17, batch=5, seed=3, epoch=epoch) for epoch in range(200)]
    for batches in epochs:
        assert batches.shape == (3, 5)
        assert len(np.unique(batches)) == 15
        assert 0 <= batches.min() <= batches.max() < 17
    assert len({batches.tobytes() for batches in epochs}) == 200
    # Each is left out about as often: 2 of 17 in 200 epochs are 23.5, with a deviation of 4.6.
    taken = np.bincount(np.concatenate([batches.ravel() for batches in epochs]), minlength=17)
    assert np.abs(200 - taken - 23.5).max() < 20
    again = sampling.shuffled_batches(17, batch=5, seed=3, epoch=7)
    np.testing.assert_array_equal(again, epochs[7])
    assert not np.array_equal(sampling.shuffled_batches(17, batch=5, seed=4, epoch=7), epochs[7])


def test_shuffled_batches_refuse_what_does_not_fit():
    with pytest.raises(UserError, match="batch must be at most the 4 samples, and came as 5"):
        sampling.shuffled_batches(4, batch=5, seed=0, epoch=0)
    with pytest.raises(UserError, match="batch must be at least 1"):
        sampling.shuffled_batches(4, batch=0, seed=0, epoch=0)
    with pytest.raises(UserError, match="epoch must be at least 0"):
        sampling.shuffled_batches(4, batch=2, seed=0, epoch=-1)
