"""Fair random queues: everyone has a turn before anyone has another."""

import numpy as np
from numpy.typing import NDArray


def turns(
    sizes: NDArray[np.int64],
    lengths: NDArray[np.int64],
    window: int,
    random: np.random.Generator,
) -> NDArray[np.int64]:
    """Random queues, one for each group, in which everyone has a turn before anyone has another.

    Group g yields `lengths[g]` members of `range(sizes[g])`: shuffled rounds, one after the
    other, the last one cut off. No member occurs twice in any of the windows that start at
    multiples of `window`, also where a window lies across two rounds.

    Args:
        sizes: Members of each group, `(groups,)`; at least `window`.
        lengths: How many to yield for each group, `(groups,)`; multiples of `window`.
        window: Length within which members must differ.
        random: Where the randomness comes from.

    Returns:
        The queues, one after the other, `(sum(lengths),)`.
    """
    # Windows and rounds end together after lcm(size, window) turns. Cut there, the queues become
    # independent pieces of at most `window` rounds, which are shuffled side by side.
    period = np.lcm(sizes, window)
    pieces = -(-lengths // period)
    group = np.repeat(np.arange(len(sizes)), pieces)
    piece = np.arange(len(group)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    size = sizes[group]
    length = np.minimum(period[group], lengths[group] - piece * period[group])
    begin = np.cumsum(length) - length
    queue = np.empty(int(length.sum()), np.int64)
    done = 0
    while len(live := np.flatnonzero(done * size < length)):
        offset = done * size[live]
        # Turns of the last round that share a window with the first turns of this one.
        shared = offset % window
        recent = _ragged(begin[live] + offset - shared, shared)
        members = _shuffled(size[live], queue[recent], shared, window, random)
        kept = np.minimum(size[live], length[live] - offset)
        source = _ragged(np.cumsum(size[live]) - size[live], kept)
        queue[_ragged(begin[live] + offset, kept)] = members[source]
        done += 1
    return queue


def _shuffled(
    sizes: NDArray[np.int64],
    recent: NDArray[np.int64],
    shared: NDArray[np.int64],
    window: int,
    random: np.random.Generator,
) -> NDArray[np.int64]:
    """A shuffled round of each group whose first `window - shared` members are not `recent`."""
    owner = np.repeat(np.arange(len(sizes)), sizes)
    begin = np.cumsum(sizes) - sizes
    barred = np.zeros(len(owner), np.bool_)
    barred[np.repeat(begin, shared) + recent] = True
    order = _random_order(owner, barred, random)
    if len(recent):
        # Those behind the shared window are shuffled again, or the barred would always be last.
        rank = np.arange(len(owner)) - begin[owner]
        free = rank >= (window - shared)[owner]
        order = order[_random_order(owner, free, random, among=free)]
    return order - begin[owner]


def _random_order(
    owner: NDArray[np.int64],
    late: NDArray[np.bool_],
    random: np.random.Generator,
    *,
    among: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """Sort by owner, then the late ones last, then at random (or, outside `among`, as before)."""
    # float32 leaves 29 bits of the float64 sum to the integers, so no draw is rounded up into the
    # next integer, where a late one could be.
    key = random.random(len(owner), dtype=np.float32)
    if among is not None:
        key[~among] = 0.0
    return np.argsort(2.0 * owner + late + key, kind="stable")


def _ragged(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """The ranges `starts[i], ..., starts[i] + lengths[i] - 1`, one after the other."""
    ends = np.cumsum(lengths)
    return np.arange(int(lengths.sum())) + np.repeat(starts - (ends - lengths), lengths)
