"""Which triplets are active, without listing them: how often each pair stands in one.

A hinge summed over triplets is linear in the distances as long as no triplet changes state. How
often each pair counts, and with which sign, is all there is to know: O(n m) numbers for O(n m^2)
triplets. Where anchors have few positives they are gone through one at a time; with many, each row
is sorted.
"""

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from keras import ops

from simlearn._numerics import pick_columns
from simlearn._typing import Tensor
from simlearn.mining._selection import ActiveTriplets, add, argmax, fixed, register
from simlearn.mining._sorted import sorted_batch_all, sorted_semi_hard

# A turn costs a few passes over the distances, a sort of the rows about fifty.
_MOST_TURNS = 24

Turn: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]


@register
def batch_all(
    distances: Tensor, positives: Tensor, negatives: Tensor, *, margin: float
) -> ActiveTriplets:
    """All triplets of each anchor: active are those with `d_an < d_ap + margin`.

    O(n m) memory; O(n m p) time where no anchor has more than 24 positives (p of them), else
    O(n m log m).

    Args:
        distances: `(n, m)`, finite.
        positives: bool `(n, m)`.
        negatives: bool `(n, m)`.
        margin: in the unit of the distances.

    Returns:
        ActiveTriplets. A triplet at exactly `d_an = d_ap + margin` adds nothing to the loss, and
        may or may not be counted as active.
    """
    distances = fixed(distances)
    margin = ops.stop_gradient(ops.convert_to_tensor(margin, dtype=distances.dtype))

    def turn(signed: Tensor, column: Tensor, found: Tensor) -> Tensor:
        reach = pick_columns(distances, column) + margin
        near = ops.logical_and(negatives, distances < ops.where(found, reach, -np.inf))
        against = ops.cast(near, signed.dtype)
        count = ops.sum(against, axis=-1, keepdims=True)
        return add(signed - against, column, count)

    partners = _count(positives)
    signed = ops.cond(
        ops.max(partners, initial=0) <= _MOST_TURNS,
        lambda: _in_turns(turn, distances, positives),
        lambda: sorted_batch_all(distances, positives, negatives, margin),
    )
    # Their product may be beyond int32.
    of_each = (ops.cast(count, signed.dtype) for count in (partners, _count(negatives)))
    return _active(signed, positives, math.prod(of_each))


@register
def active_semi_hard(
    distances: Tensor, positives: Tensor, negatives: Tensor, *, margin: float
) -> ActiveTriplets:
    """The triplets that `semi_hard` chooses, one for each positive pair, and which are active.

    In less time and memory: O(n m) memory; O(n m p) time where no anchor has more than 24 positives
    (p of them), else O(n m log m).

    Args:
        distances: `(n, m)`, finite.
        positives: bool `(n, m)`.
        negatives: bool `(n, m)`.
        margin: in the unit of the distances.

    Returns:
        ActiveTriplets.
    """
    distances = fixed(distances)
    margin = ops.stop_gradient(ops.convert_to_tensor(margin, dtype=distances.dtype))
    opposed = ops.any(negatives, axis=-1, keepdims=True)
    farthest = argmax(ops.where(negatives, distances, -np.inf))[:, None]
    nearness = ops.where(negatives, -distances, -np.inf)

    def turn(signed: Tensor, column: Tensor, found: Tensor) -> Tensor:
        near = pick_columns(distances, column)
        beyond = ops.where(nearness < -near, nearness, -np.inf)
        closest = argmax(beyond)[:, None]
        negative = ops.where(pick_columns(beyond, closest) > -np.inf, closest, farthest)
        active = pick_columns(distances, negative) < near + margin
        count = ops.cast(ops.logical_and(active, ops.logical_and(found, opposed)), signed.dtype)
        both = ops.concatenate([column, negative], axis=-1)
        return add(signed, both, ops.concatenate([count, -count], axis=-1))

    partners = _count(positives)
    signed = ops.cond(
        ops.max(partners, initial=0) <= _MOST_TURNS,
        lambda: _in_turns(turn, distances, positives),
        lambda: sorted_semi_hard(distances, positives, negatives, margin),
    )
    valid = ops.where(opposed[:, 0], ops.cast(partners, signed.dtype), 0.0)
    return _active(signed, positives, valid)


def _active(signed: Tensor, positives: Tensor, valid: Tensor) -> ActiveTriplets:
    signed = ops.stop_gradient(signed)
    return ActiveTriplets(signed, ops.sum(ops.where(positives, signed, 0.0), axis=-1), valid)


def _in_turns(turn: Turn, distances: Tensor, positives: Tensor) -> Tensor:
    """Let `turn(signed, column, found)` add one positive of every anchor, until all have been."""
    beyond = ops.shape(distances)[1]
    columns = ops.where(positives, ops.arange(beyond, dtype="int32")[None, :], beyond)

    def following(last: Tensor) -> Tensor:
        later = ops.where(columns > last, columns, beyond)
        return ops.min(later, axis=-1, keepdims=True, initial=beyond)

    def body(column: Tensor, signed: Tensor) -> tuple[Tensor, Tensor]:
        found = column < beyond
        signed = turn(signed, ops.minimum(column, beyond - 1), found)
        return following(column), signed

    start = following(ops.full((ops.shape(distances)[0], 1), -1, dtype="int32"))
    _, signed = ops.while_loop(
        lambda column, _: ops.any(column < beyond), body, (start, ops.zeros_like(distances))
    )
    return signed


def _count(mask: Tensor) -> Tensor:
    return ops.sum(ops.cast(mask, "int32"), axis=-1)
