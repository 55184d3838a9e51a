"""The confidence interval of a score of pairs, by resampling identities."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn import search
from simlearn._typing import BoolArray, IntArray
from simlearn.errors import UserError
from simlearn.metrics.verification._arguments import as_pairs
from simlearn.metrics.verification._proportion import check_level

_LEAST_DEFINED = 0.95


class BootstrapInterval(NamedTuple):
    """A score of all pairs, the ends of its interval, and the score of each resample.

    `undefined` counts the resamples with pairs of one kind only, which have no score.
    """

    estimate: float
    low: float
    high: float
    resamples: NDArray[np.float64]
    identities: int
    undefined: int


def identity_bootstrap(
    statistic: Callable[[NDArray[np.float64], BoolArray], float],
    distances: ArrayLike,
    left: ArrayLike,
    right: ArrayLike,
    *,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> BootstrapInterval:
    """Percentile interval of a score of pairs, resampling identities and not pairs.

    Pairs that share a person rise and fall together, so that an interval from resampled pairs is
    too narrow. Here people are drawn with replacement, as many as there are; whom the draw holds m
    times counts as m people. A pair of one person then occurs ``m`` times, a pair of two people
    ``m_left * m_right`` times; pairs between two copies of one person are left out, being neither.
    Draws repeat whole pairs, so any function of distances and kinds will do, unweighted.

    For a mean over pairs this counts what shared people contribute to its variance once, as it
    should, and each pair's own chance three times if it is of two people: the interval errs to the
    wide side, by a factor of at most ``sqrt(3)`` where hardly any person occurs twice. To err
    less, a person who occurs in a single pair is not resampled as a factor of its own beside the
    other person (it shares nothing with any other pair).

    From fewer than about twenty identities any percentile interval is too narrow.

    Args:
        statistic: from distances and kinds, as `auc` or
            ``lambda distances, same: accuracy_at(distances, same, 0.7)``; each call holds both
            kinds of pairs, by ascending distance.
        distances: ``(pairs,)``, finite; smaller is more similar.
        left: ``(pairs,)`` integers or strings: who is on one side.
        right: ``(pairs,)``: who is on the other. A pair is the same where both agree. One item,
            and one pair, may occur any number of times.
        level: the coverage aimed at, in 0..1 exclusive.
        resamples: how many draws, at least 1.
        seed: non-negative; equal seeds give equal intervals.

    Returns:
        `BootstrapInterval`.

    Raises:
        UserError: if an argument has the wrong shape, type or range, all pairs are of one kind, or
            more than 5 % of the draws hold pairs of one kind only.

    Examples:
        >>> people = np.arange(60) // 2
        >>> where = 10.0 * people[:, None] + np.random.default_rng(0).normal(size=(60, 1))
        >>> from simlearn import metrics
        >>> distances, _ = metrics.pair_distances(where, people)
        >>> left, right = metrics.pair_rows(60)
        >>> found = metrics.identity_bootstrap(metrics.auc, distances, people[left], people[right])
        >>> found.low <= found.estimate <= found.high, found.identities
        (True, 30)

    Reference:
        R. M. Bolle, N. K. Ratha, S. Pankanti, Error analysis of pattern recognition systems - the
        subsets bootstrap, Computer Vision and Image Understanding 93, 2004, which resamples people
        for the reason above; deviation: there a pair of two people belongs to one of them. The
        product of multiplicities, and its factor of at most 3: A. B. Owen, The pigeonhole
        bootstrap, Annals of Applied Statistics 1, 2007; deviation: both factors are drawn from one
        set of people, and single occurrences are not drawn twice.
    """
    check_level(level)
    count = search.as_count(resamples, "resamples")
    codes, same = _identities(left, right, np.shape(distances))
    values, same = as_pairs(distances, same)
    # By distance, once: a statistic that sorts finds every draw sorted already.
    order = np.argsort(values, kind="stable")
    values, same, codes = values[order], same[order], codes[:, order]
    people = int(codes.max()) + 1
    draws = (_copies(codes, same, count, seed), values, same)
    scores = [float(statistic(*drawn)) for drawn in _samples(*draws)]
    if len(scores) < _LEAST_DEFINED * count:
        raise UserError(
            f"left and right: expected identities of which at least {_LEAST_DEFINED:.0%} of the "
            f"draws hold pairs of both kinds, got {len(scores)} of {count} draws "
            f"from {people} identities"
        )
    if not np.isfinite(scores).all():
        raise UserError(f"statistic: expected finite scores, got {min(scores)} to {max(scores)}")
    low, high = np.quantile(scores, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return BootstrapInterval(
        estimate=float(statistic(values, same)),
        low=float(low),
        high=float(high),
        resamples=np.array(scores),
        identities=people,
        undefined=count - len(scores),
    )


def _identities(
    left: ArrayLike, right: ArrayLike, shape: tuple[int, ...]
) -> tuple[IntArray, BoolArray]:
    """A number for who is on each side ``(2, pairs)``, and where they agree."""
    length = shape[0] if len(shape) == 1 else -1
    if length < 0:
        raise UserError(f"distances: expected shape (pairs,), got {shape}")
    sides = (search.as_keys(left, length, "left"), search.as_keys(right, length, "right"))
    codes = np.stack(search.shared_codes(*sides, "left and right"))
    return codes, np.asarray(codes[0] == codes[1])


def _copies(codes: IntArray, same: BoolArray, count: int, seed: int) -> Iterator[IntArray]:
    """How often each draw of identities holds each pair ``(pairs,)``, for `count` draws."""
    people = int(codes.max()) + 1
    factors = _resampled_sides(codes, same)
    random = np.random.default_rng(seed)
    for _ in range(count):
        drawn = np.bincount(random.integers(people, size=people), minlength=people)
        yield np.where(factors, drawn[codes], 1).prod(axis=0)


def _samples(
    copies: Iterator[IntArray], values: NDArray[np.float64], same: BoolArray
) -> Iterator[tuple[NDArray[np.float64], BoolArray]]:
    """Distances and kinds of the draws that hold both kinds."""
    for repeats in copies:
        kinds = np.repeat(same, repeats)
        if kinds.any() and not kinds.all():
            yield np.repeat(values, repeats), kinds


def _resampled_sides(codes: IntArray, same: BoolArray) -> BoolArray:
    """Which sides' multiplicities a pair is repeated by, ``(2, pairs)``; at least one of them."""
    # In how many pairs each identity occurs.
    occurrences = np.bincount(np.concatenate([codes[0], codes[1, ~same]]))
    shared = occurrences[codes] > 1
    left = shared[0] | ~shared[1] | same
    right = shared[1] & ~same
    return np.stack([left, right])
