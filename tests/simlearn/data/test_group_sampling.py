import numpy as np
import pytest

from simlearn.data.group_sampling import grouped_pk_batches
from simlearn.errors import UserError

# 23 classes of 3 to 7 samples in 5 groups of unequal size, the rows shuffled.
RANDOM = np.random.default_rng(0)
GROUP_OF = np.repeat(np.arange(5), [3, 7, 2, 6, 5])
LABELS = RANDOM.permutation(np.repeat(np.arange(23), 3 + np.arange(23) % 5))
GROUPS = GROUP_OF[LABELS]


def plan(**changes):
    options = {"classes": 7, "per_class": 3, "groups_per_batch": 2, "steps": 211}
    return grouped_pk_batches(LABELS, GROUPS, **options | {"seed": 1, "epoch": 0} | changes)


def test_each_batch_holds_different_classes_with_different_samples():
    for batch in plan():
        classes = LABELS[batch].reshape(7, 3)
        assert (classes == classes[:, :1]).all()
        assert len(set(classes[:, 0])) == 7
        assert len(set(batch)) == 21


def test_few_groups_fill_a_batch_and_others_what_is_left():
    for batch in plan():
        groups, counts = np.unique(GROUP_OF[LABELS[batch][::3]], return_counts=True)
        whole = [g for g, n in zip(groups, counts, strict=True) if n == np.sum(g == GROUP_OF)]
        # Two groups hold at least 5 classes, so that at most 2 of 7 come from elsewhere.
        if len(groups) > 2:
            assert len(whole) >= 2
        assert np.sort(counts)[-2:].sum() >= 5


def test_groups_are_drawn_in_proportion_to_their_classes():
    # With one group and its smallest size of classes, a batch is of one group alone. A share of n
    # draws deviates by sqrt(p (1 - p) / n) <= 0.0125 for n = 1600: 4 deviations are 0.05.
    batches = plan(groups_per_batch=1, classes=2, steps=1600)
    first = GROUP_OF[LABELS[batches[:, 0]]]
    shares = np.bincount(first, minlength=5) / 1600
    np.testing.assert_allclose(shares, np.array([3, 7, 2, 6, 5]) / 23, atol=0.05)
    assert (GROUP_OF[LABELS[batches]] == first[:, np.newaxis]).all()


def test_seed_and_epoch_determine_the_plan():
    np.testing.assert_array_equal(plan(), plan())
    assert (plan() != plan(epoch=1)).any()
    assert (plan() != plan(seed=2)).any()


def test_classes_that_are_too_small_are_left_out():
    drawn = np.unique(LABELS[plan(per_class=7, classes=4)])
    np.testing.assert_array_equal(drawn, np.flatnonzero(3 + np.arange(23) % 5 >= 7))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": 24}, "expected 24 classes with at least 3 samples each, got 23 of 23"),
        ({"classes": 1}, "classes must be at least 2"),
        ({"groups_per_batch": 0}, "groups_per_batch must be at least 1"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"epoch": -1}, "epoch must be at least 0"),
    ],
)
def test_wrong_arguments_are_named(changes, message):
    with pytest.raises(UserError, match=message):
        plan(**changes)


def test_a_class_in_two_groups_is_named():
    options = {"classes": 2, "per_class": 2, "groups_per_batch": 1, "steps": 1}
    with pytest.raises(UserError, match="got two for class 7"):
        grouped_pk_batches(
            np.array([7, 7, 8, 8]), np.array([0, 1, 1, 1]), **options, seed=0, epoch=0
        )
    with pytest.raises(UserError, match=r"expected shape \(4,\) as labels, got \(3,\)"):
        grouped_pk_batches(np.array([7, 7, 8, 8]), np.array([0, 0, 1]), **options, seed=0, epoch=0)
