import itertools
import math
from collections import Counter

import numpy as np
import pytest
from scipy.stats import binomtest

from simlearn.errors import UserError
from simlearn.metrics import (
    accuracy_at,
    auc,
    identity_bootstrap,
    pair_distances,
    pair_rows,
    wilson_interval,
)


def mean_same(distances, same):
    return float(distances[same].mean())


def mean_other(distances, same):
    return float(distances[~same].mean())


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.999])
@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (0, 37), (3, 7), (11, 13), (500, 500)])
def test_wilson_agrees_with_scipy(successes, trials, level):
    # SciPy 1.17, binomtest.
    expected = binomtest(successes, trials).proportion_ci(level, method="wilson")
    found = wilson_interval(successes, trials, level=level)
    assert found == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-12)
    assert 0.0 <= found.low <= successes / trials <= found.high <= 1.0


@pytest.mark.parametrize(
    ("successes", "trials", "level", "message"),
    [
        (3, 2, 0.95, "got 3 of 2 trials"),
        (-1, 2, 0.95, "got -1 of 2 trials"),
        (0, 0, 0.95, "got 0 of 0 trials"),
        (1, 2, 1.0, "level: expected a share between 0 and 1 exclusive, got 1.0"),
        (1, 2, math.nan, "level: expected a share"),
    ],
)
def test_wilson_refuses(successes, trials, level, message):
    with pytest.raises(UserError, match=message):
        wilson_interval(successes, trials, level=level)


def population(draw, items):
    """Distances of the pairs among the drawn people, each copy a person of its own."""
    distances, same = [], []
    for person in draw:
        for a, b in itertools.combinations(items[person], 2):
            distances.append(abs(a - b))
            same.append(True)
    for one, two in itertools.combinations(draw, 2):
        if one != two:
            distances += [abs(a - b) for a in items[one] for b in items[two]]
            same += [False] * (len(items[one]) * len(items[two]))
    return np.array(distances), np.array(same)


def test_draws_are_populations_of_drawn_people():
    # Four people of 2, 3, 2 and 1 items: 256 equally likely draws, all enumerated; each outcome
    # as often among 9,000 resamples as its chance says, within five standard deviations.
    items = [[0.0, 1.0], [2.0, 2.5, 6.0], [3.0, 9.0], [4.2]]
    people = np.repeat([0, 1, 2, 3], [2, 3, 2, 1])
    distances, _ = pair_distances(np.concatenate(items)[:, None], people)
    left, right = pair_rows(len(people))

    def statistic(values, same):
        return float(values[same].mean() + 10.0 * values[~same].mean() + 100.0 * len(values))

    outcomes = Counter()
    for draw in itertools.product(range(4), repeat=4):
        values, same = population(draw, items)
        defined = same.any() and not same.all()
        outcomes[round(statistic(values, same), 6) if defined else None] += 1
    assert outcomes[None] == 4  # one person four times: no pair of two people
    count = 9000
    found = identity_bootstrap(
        statistic, distances, people[left], people[right], resamples=count, seed=3
    )
    seen = Counter(np.round(found.resamples, 6).tolist()) | Counter({None: found.undefined})
    assert set(seen) == set(outcomes)
    for outcome, ways in outcomes.items():
        chance = ways / 256
        assert abs(seen[outcome] - count * chance) < 5 * math.sqrt(count * chance * (1 - chance))


def spread(values):
    return float(np.std(values))


def test_same_pairs_vary_as_their_people_do():
    # n people, all same pairs of person i at x_i: the mean over a draw of n people has the standard
    # deviation sd(x) / sqrt(n). That each has fifty pairs does not make it smaller.
    n = 41
    x = np.random.default_rng(0).gamma(2.0, size=n)
    people, circle = np.repeat(np.arange(n), 50), np.arange(n)
    found = identity_bootstrap(
        mean_same,
        np.concatenate([x[people], np.full(n, 9.0)]),
        np.concatenate([people, circle]),
        np.concatenate([people, np.roll(circle, 1)]),
        resamples=4000,
    )
    assert spread(found.resamples) == pytest.approx(x.std() / math.sqrt(n), rel=0.06)
    assert found.identities == n


def test_other_pairs_vary_twice_as_their_people_do():
    # All pairs of n people at u_a + u_b: the mean is twice the mean of u, so that its standard
    # deviation is 2 sd(u) / sqrt(n); pairs drawn one by one would say sqrt(2) sd(u) / sqrt(pairs).
    n = 43
    u = np.random.default_rng(2).gamma(2.0, size=n)
    left, right = np.triu_indices(n)
    distances = u[left] + u[right]
    found = identity_bootstrap(mean_other, distances, left, right, resamples=3000)
    assert spread(found.resamples) == pytest.approx(2 * u.std() / math.sqrt(n), rel=0.06)
    assert found.estimate == pytest.approx(distances[left != right].mean())


def test_who_occurs_once_is_drawn_once():
    # n pairs of 2n people who occur nowhere else: as pairs alone, sd(x) / sqrt(n) up to the
    # chance in the number of pairs drawn. Both factors would give sqrt(3) times as much.
    n = 211
    x = np.random.default_rng(4).gamma(2.0, size=n)
    distances = np.concatenate([x, np.zeros(n)])
    left = np.concatenate([np.arange(n), np.arange(2 * n, 3 * n)])
    right = np.concatenate([np.arange(n, 2 * n), np.arange(2 * n, 3 * n)])
    found = identity_bootstrap(mean_other, distances, left, right, resamples=2000)
    assert spread(found.resamples) == pytest.approx(x.std() / math.sqrt(n), rel=0.08)


def test_ends_are_quantiles_and_the_seed_decides():
    points = np.random.default_rng(0).normal(size=(60, 3)) + np.repeat(np.arange(20), 3)[:, None]
    people = np.repeat([f"p{i}" for i in range(20)], 3)
    distances, same = pair_distances(points, people)
    sides = [people[rows] for rows in pair_rows(60)]
    one = identity_bootstrap(auc, distances, *sides, level=0.8, resamples=101, seed=5)
    again = identity_bootstrap(auc, distances, *sides, level=0.8, resamples=101, seed=5)
    other = identity_bootstrap(auc, distances, *sides, level=0.8, resamples=101, seed=6)
    np.testing.assert_array_equal(one.resamples, again.resamples)
    assert not np.array_equal(one.resamples, other.resamples)
    assert one.estimate == pytest.approx(auc(distances, same), rel=1e-14)
    ordered = np.sort(one.resamples)
    # The 10 % and 90 % quantiles of 101 numbers are the 11th and the 91st.
    assert (one.low, one.high) == pytest.approx((ordered[10], ordered[90]))
    # Who is left and who is right does not matter, nor the order of the pairs' distances.
    swapped = identity_bootstrap(auc, distances, *sides[::-1], level=0.8, resamples=101, seed=5)
    np.testing.assert_array_equal(one.resamples, swapped.resamples)


def test_any_statistic_of_distances_and_kinds():
    left, right = np.triu_indices(30)
    distances = np.where(left == right, 1.0, 2.0)
    found = identity_bootstrap(lambda d, s: accuracy_at(d, s, 1.5), distances, left, right)
    assert found[:3] == (1.0, 1.0, 1.0)


def test_draws_of_one_kind_are_counted():
    # Of n people only 0 and 1 form an other pair: a draw without either has none. Chance that both
    # are drawn: 1 - 2 (1 - 1/n)^n + (1 - 2/n)^n, about 0.4: too few.
    people = np.arange(31)
    left, right = np.append(people, [0, 0]), np.append(people, [1, 1])
    with pytest.raises(UserError, match=r"at least 95% of the draws.*from 31 identities"):
        identity_bootstrap(mean_same, np.ones(33), left, right)
    # Two people: a draw of one of them twice (chance 1/2) has no other pair.
    with pytest.raises(UserError, match="from 2 identities"):
        identity_bootstrap(mean_same, [1.0, 1.0, 2.0, 2.0], [0, 1, 0, 0], [0, 1, 1, 1])


GOOD = (np.arange(5.0), [0, 1, 0, 1, 2], [0, 1, 1, 2, 0])


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((GOOD[0], GOOD[1][:4], GOOD[2]), {}, r"left: expected integers or strings of shape \(5,"),
        ((GOOD[0], GOOD[1], list("abcab")), {}, "left and right: expected one kind"),
        ((GOOD[0][None], *GOOD[1:]), {}, r"distances: expected shape \(pairs,\), got \(1, 5\)"),
        ((GOOD[0], GOOD[1], GOOD[1]), {}, "both kinds, got 5 same and 0 different"),
        (([], [], []), {}, "both kinds, got 0 same and 0 different"),
        ((GOOD[0] * np.nan, *GOOD[1:]), {}, "distances: expected finite values"),
        (GOOD, {"resamples": 0}, "resamples: expected an integer of at least 1"),
        (GOOD, {"level": 0.0}, "level: expected a share"),
    ],
)
def test_refuses_what_it_cannot_use(arguments, options, message):
    with pytest.raises(UserError, match=message):
        identity_bootstrap(mean_same, *arguments, **options)


def test_refuses_a_statistic_that_is_not_finite():
    left, right = np.triu_indices(12)
    with pytest.raises(UserError, match="statistic: expected finite scores"):
        identity_bootstrap(lambda d, s: math.nan, np.ones(len(left)), left, right)


@pytest.mark.parametrize("ids", [None, [3, 1, 3, 2, 1, 3, 9]])
def test_rows_of_pairs_are_in_the_order_of_their_distances(ids):
    points = np.random.default_rng(0).normal(size=(7, 3))
    labels = np.array(list("abcabca"))
    distances, same = pair_distances(points, labels, ids, block=2)
    left, right = pair_rows(7, ids)
    np.testing.assert_array_equal(labels[left] == labels[right], same)
    np.testing.assert_allclose(np.linalg.norm(points[left] - points[right], axis=1), distances)
    assert left.dtype == right.dtype == np.int64


def test_rows_of_no_pairs():
    assert pair_rows(1)[0].shape == (0,)
    with pytest.raises(UserError, match="items: expected at least 0, got -1"):
        pair_rows(-1)
    with pytest.raises(UserError, match=r"ids: expected integers or strings of shape \(3,\)"):
        pair_rows(3, [1, 2])
