"""What miners return, and the arithmetic they share."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import keras
from keras import ops

from simlearn._numerics import at_least_float32, flat_places
from simlearn._typing import Tensor

register = keras.saving.register_keras_serializable(package="simlearn")


class Triplets(NamedTuple):
    """Up to `slots` triplets for each anchor, as columns of the distance matrix.

    Attributes:
        positive: int `(n, slots)`.
        negative: int `(n, slots)`.
        valid: bool `(n, slots)`; the other entries hold no triplet.
    """

    positive: Tensor
    negative: Tensor
    valid: Tensor


class Pairs(NamedTuple):
    """The pairs that count: two bool masks `(n, m)`."""

    positives: Tensor
    negatives: Tensor


class ActiveTriplets(NamedTuple):
    """How often each pair stands in an active triplet: one that the hinge does not cut off.

    Attributes:
        signed: float `(n, m)`; for a positive pair the number of its active triplets, for a
            negative pair minus that number, else 0: the slope of the summed hinge.
        active: float `(n,)`, active triplets of each anchor.
        valid: float `(n,)`, all of its triplets.
    """

    signed: Tensor
    active: Tensor
    valid: Tensor

    def hinges(self, distances: Tensor, margin: float) -> Tensor:
        """Sum of `max(0, d_ap - d_an + margin)` over the triplets of each anchor, `(n,)`."""
        return ops.sum(self.signed * distances, axis=-1) + margin * self.active


TripletMiner: TypeAlias = Callable[[Tensor, Tensor, Tensor], Triplets]


def fixed(distances: Tensor) -> Tensor:
    """Distances through which no gradient flows: a choice has none."""
    return ops.stop_gradient(at_least_float32(distances))


def argmax(values: Tensor) -> Tensor:
    """Column of each row's largest value; the lowest of equals."""
    if values.shape[-1] == 0:  # A batch of no items has no columns to choose from.
        return ops.zeros(ops.shape(values)[:-1], dtype="int32")
    if values.shape[-1] is None:
        return ops.cond(
            ops.shape(values)[-1] > 0,
            lambda: ops.cast(ops.argmax(values, axis=-1), "int32"),
            lambda: ops.zeros(ops.shape(values)[:-1], dtype="int32"),
        )
    return ops.cast(ops.argmax(values, axis=-1), "int32")


def add(values: Tensor, columns: Tensor, amounts: Tensor) -> Tensor:
    """`values` `(n, m)` with `amounts` `(n, k)` added at `columns` `(n, k)`, k different ones."""
    places = flat_places(values, columns)
    flat = ops.reshape(values, (-1,))
    sums = ops.reshape(ops.take(flat, places) + amounts, (-1,))
    return ops.reshape(
        ops.scatter_update(flat, ops.reshape(places, (-1, 1)), sums), ops.shape(values)
    )
