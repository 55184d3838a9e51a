"""Episodes and trials, drawn by a seed."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn import search
from simlearn.errors import UserError


class Episodes(NamedTuple):
    """Rows of the items of each episode; `query[e, w]` are of the class of `support[e, w]`.

    Attributes:
        support: int64 `(episodes, ways, shots)`.
        query: int64 `(episodes, ways, queries)`.
    """

    support: NDArray[np.int64]
    query: NDArray[np.int64]


def draw_episodes(
    labels: ArrayLike,
    *,
    ways: int,
    shots: int,
    queries: int,
    count: int,
    seed: int,
    groups: ArrayLike | None = None,
) -> Episodes:
    """Draw N-way K-shot episodes.

    The classes of an episode are drawn without replacement, and of each class `shots` examples and
    `queries` queries, no item twice.

    Args:
        labels: `(items,)` integers or strings.
        ways: classes an episode (N), at least 2.
        shots: examples a class (K), at least 1.
        queries: queries a class, at least 1.
        count: episodes, at least 1.
        seed: non-negative.
        groups: `(items,)` integers or strings; the classes of an episode then come from one group
            (an alphabet), drawn evenly among those with enough classes.

    Returns:
        `Episodes`.

    Raises:
        UserError: if a shape or type is wrong, or too few classes have enough items.

    Examples:
        >>> episodes = draw_episodes([0, 0, 0, 1, 1, 1, 2, 2, 2], ways=2, shots=1, queries=2,
        ...                          count=5, seed=0)
        >>> episodes.support.shape, episodes.query.shape
        ((5, 2, 1), (5, 2, 2))

    Reference:
        Vinyals et al., Matching Networks for One Shot Learning, NIPS 2016, section 4.1.1; Snell,
        Swersky, Zemel, Prototypical Networks for Few-shot Learning, NIPS 2017, section 3.1.
    """
    ways, shots, queries, count = (
        search.as_count(value, name)
        for value, name in (
            (ways, "ways"),
            (shots, "shots"),
            (queries, "queries"),
            (count, "count"),
        )
    )
    members = _members(labels, least=shots + queries)
    pools = _pools([rows[0] for rows in members], len(np.asarray(labels)), groups, ways)
    random = np.random.default_rng(seed)
    chosen = np.empty((count, ways, shots + queries), np.int64)
    for episode in chosen:
        pool = pools[random.integers(len(pools))]
        for way, place in enumerate(random.choice(pool, ways, replace=False)):
            episode[way] = random.choice(members[place], shots + queries, replace=False)
    return Episodes(chosen[..., :shots], chosen[..., shots:])


def draw_one_shot_trials(
    labels: ArrayLike,
    groups: ArrayLike,
    sources: ArrayLike,
    *,
    ways: int = 20,
    count: int,
    seed: int,
) -> Episodes:
    """Draw one-shot trials as those of the 20 published Omniglot runs: one alphabet, two hands.

    All classes of a trial come from one group (an alphabet). One source (a drawer) gives the
    example of each class, another the query of each.

    Args:
        labels: `(items,)` integers or strings.
        groups: `(items,)`, the alphabet.
        sources: `(items,)`, who drew; a source has drawn a class once at most.
        ways: classes a trial, at least 2.
        count: trials, at least 1.
        seed: non-negative.

    Returns:
        `Episodes` with one shot and one query.

    Raises:
        UserError: if a shape or type is wrong, or no group has two sources with `ways` classes
            in common.

    Examples:
        >>> labels, drawers = np.repeat(np.arange(3), 2), np.tile([0, 1], 3)
        >>> trials = draw_one_shot_trials(labels, labels // 9, drawers, ways=3, count=4, seed=0)
        >>> trials.support.shape, bool((drawers[trials.support] != drawers[trials.query]).all())
        ((4, 3, 1), True)

    Reference:
        Lake, Salakhutdinov, Tenenbaum, Human-level concept learning through probabilistic program
        induction, Science 350, 2015, the one-shot classification task of its supplement.
        Deviation: the drawers of the published runs were matched for ability; here they are drawn.
    """
    ways, count = search.as_count(ways, "ways"), search.as_count(count, "count")
    tables = _tables(labels, groups, sources, ways)
    random = np.random.default_rng(seed)
    trials = np.empty((2, count, ways), np.int64)
    for trial in range(count):
        table = tables[random.integers(len(tables))]
        while True:
            hands = random.choice(table.shape[1], 2, replace=False)
            both = np.flatnonzero((table[:, hands] >= 0).all(axis=1))
            if len(both) >= ways:
                break
        trials[:, trial] = table[random.choice(both, ways, replace=False)][:, hands].T
    return Episodes(trials[0][..., np.newaxis], trials[1][..., np.newaxis])


def _members(labels: ArrayLike, *, least: int) -> list[NDArray[np.int64]]:
    """The rows of each class that has at least so many."""
    keys = np.asarray(labels)
    keys = search.as_keys(keys, len(keys) if keys.ndim else 0, "labels")
    _, codes, counts = np.unique(keys, return_inverse=True, return_counts=True)
    rows = np.split(np.argsort(codes, kind="stable"), np.cumsum(counts)[:-1])
    return [part for part in rows if len(part) >= least]


def _pools(
    examples: list[np.int64], items: int, groups: ArrayLike | None, ways: int
) -> list[NDArray[np.int64]]:
    """The classes that may meet in an episode; `examples` has one row of each class."""
    if groups is None:
        pools = [np.arange(len(examples))]
    else:
        keys = search.as_keys(groups, items, "groups")[np.array(examples, np.int64)]
        pools = [np.flatnonzero(keys == key) for key in np.unique(keys)]
    enough = [pool for pool in pools if len(pool) >= max(ways, 2)]
    if not enough or ways < 2:
        raise UserError(
            f"ways: expected 2 to {max(map(len, pools), default=0)}, the classes with enough items "
            f"that may meet in an episode, got {ways}"
        )
    return enough


def _tables(
    labels: ArrayLike, groups: ArrayLike, sources: ArrayLike, ways: int
) -> list[NDArray[np.int64]]:
    """For each group the row of each class (down) by each source (across), -1 where none."""
    items = len(np.asarray(labels))
    keys, alphabets, hands = (
        np.unique(search.as_keys(column, items, name), return_inverse=True)[1]
        for column, name in ((labels, "labels"), (groups, "groups"), (sources, "sources"))
    )
    tables = []
    for alphabet in np.unique(alphabets):
        rows = np.flatnonzero(alphabets == alphabet)
        classes, places = np.unique(keys[rows], return_inverse=True)
        table = np.full((len(classes), int(hands.max()) + 1), -1, np.int64)
        table[places, hands[rows]] = rows
        if np.count_nonzero(table >= 0) != len(rows):
            raise UserError("sources: expected each class at most once from each source, got more")
        drawn = (table >= 0).astype(np.int64)
        shared = drawn.T @ drawn
        np.fill_diagonal(shared, 0)
        if shared.max() >= ways > 1:
            tables.append(table)
    if not tables:
        raise UserError(
            f"ways: expected a group with {max(ways, 2)} classes from two sources, found none"
        )
    return tables
