"""What miners return, and the arithmetic they share."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import keras
import numpy as np
from keras import ops

from simlearn._numerics import at_least_float32
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


class TripletCounts(NamedTuple):
    """In how many active triplets each pair stands: two float matrices `(n, m)`."""

    positive: Tensor
    negative: Tensor


TripletMiner: TypeAlias = Callable[[Tensor, Tensor, Tensor], Triplets]


def fixed(distances: Tensor) -> Tensor:
    """Distances through which no gradient flows: a choice has none."""
    return ops.stop_gradient(at_least_float32(distances))


def argmax(values: Tensor) -> Tensor:
    """Column of each row's largest value; the lowest of equals."""
    # A batch of no items has no columns to choose from: one more, which never wins.
    return ops.argmax(ops.pad(values, ((0, 0), (0, 1)), constant_values=-np.inf), axis=-1)
