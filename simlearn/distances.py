"""Distances between two sets of vectors: `(n, dim), (m, dim) -> (n, m)`.

Every function takes leading batch axes too, `(..., n, dim), (..., m, dim) -> (..., n, m)`, works
in float32 or better whatever comes in, and is smaller for closer vectors. Losses, miners and
heads take one of them as an argument; `paired` compares row with row.

Examples:
    >>> import numpy as np
    >>> from simlearn import distances
    >>> a = np.array([[0.0, 0.0], [3.0, 4.0]], "float32")
    >>> b = np.array([[3.0, 4.0]], "float32")
    >>> print(np.asarray(distances.euclidean(a, b)))
    [[5.]
     [0.]]
"""

import math
from collections.abc import Callable
from typing import TypeAlias

import keras
from keras import ops

from simlearn._numerics import at_least_float32, l2_normalize, not_below_zero, safe_sqrt
from simlearn._typing import Tensor
from simlearn.errors import UserError

__all__ = [
    "Distance",
    "angular",
    "cosine",
    "dot",
    "euclidean",
    "paired",
    "snr",
    "squared_euclidean",
]

Distance: TypeAlias = Callable[[Tensor, Tensor], Tensor]

_register = keras.saving.register_keras_serializable(package="simlearn")


@_register
def squared_euclidean(a: Tensor, b: Tensor) -> Tensor:
    """Squared Euclidean distance `|a_i - b_j|^2`, in `[0, inf)`.

    Where one side is a single row the differences are taken directly, which is exact; otherwise
    by one matrix product, O(n m) memory, after moving the origin o into the middle of `b`:
    distances do not change, vectors that all lie far from zero lose no digits, nor do most of
    them to a few outliers. On a lattice of integers, where distances tie, every step is exact.
    What is left is an error of about `1e-7 (|a_i - o|^2 + |b_j - o|^2)` in float32: far from o,
    as among the outliers themselves, small distances are lost.

    Args:
        a: `(..., n, dim)`.
        b: `(..., m, dim)`.

    Returns:
        `(..., n, m)`.

    Raises:
        UserError: the last axes differ.
    """
    a, b = _rows(a, b)
    if a.shape[-2] in (0, 1) or b.shape[-2] in (0, 1):
        return ops.sum(ops.square(a[..., :, None, :] - b[..., None, :, :]), axis=-1)
    origin = _middle(ops.stop_gradient(b))
    a, b = a - origin, b - origin
    return not_below_zero(_expanded_square(a, b))


@_register
def euclidean(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean distance `|a_i - b_j|`, in `[0, inf)`; its gradient is 0 between equal vectors.

    Args:
        a: `(..., n, dim)`.
        b: `(..., m, dim)`.

    Returns:
        `(..., n, m)`.

    Raises:
        UserError: the last axes differ.
    """
    return safe_sqrt(squared_euclidean(a, b))


@_register
def cosine(a: Tensor, b: Tensor) -> Tensor:
    """Cosine distance `1 - cos(a_i, b_j)`, in `[0, 2]`; a zero vector is at 1 from everything.

    Off by about 1e-7 in float32, so directions closer than some 3e-4 radians are at 0.

    Args:
        a: `(..., n, dim)`, of any length.
        b: `(..., m, dim)`, of any length.

    Returns:
        `(..., n, m)`.

    Raises:
        UserError: the last axes differ.
    """
    a, b = _rows(a, b)
    return 1.0 - _inner(l2_normalize(a), l2_normalize(b))


@_register
def angular(a: Tensor, b: Tensor) -> Tensor:
    """Angle between `a_i` and `b_j` in radians, in `[0, pi]`.

    The gradient is 0 where the vectors are parallel: the arc cosine has none there.

    Args:
        a: `(..., n, dim)`, of any length.
        b: `(..., m, dim)`, of any length.

    Returns:
        `(..., n, m)`.

    Raises:
        UserError: the last axes differ.
    """
    cosines = 1.0 - cosine(a, b)
    limit = 1.0 - 1e-6
    inside = ops.abs(cosines) < limit
    ends = ops.where(cosines > 0, 0.0, math.pi)
    return ops.where(inside, ops.arccos(ops.where(inside, cosines, 0.0)), ends)


@_register
def dot(a: Tensor, b: Tensor) -> Tensor:
    """Negated inner product `-a_i . b_j`: smaller is closer, as for every distance here.

    Args:
        a: `(..., n, dim)`.
        b: `(..., m, dim)`.

    Returns:
        `(..., n, m)`, unbounded on both sides.

    Raises:
        UserError: the last axes differ.
    """
    a, b = _rows(a, b)
    return -_inner(a, b)


@_register
def snr(a: Tensor, b: Tensor) -> Tensor:
    """Signal-to-noise distance `var(b_j - a_i) / var(a_i)`, in `[0, inf)`; not symmetric.

    Args:
        a: anchors (the signal), `(..., n, dim)`.
        b: `(..., m, dim)`.

    Returns:
        `(..., n, m)`.

    Raises:
        UserError: the last axes differ.

    Reference:
        Yuan et al., "Signal-To-Noise Ratio: A Robust Distance Metric for Deep Metric Learning",
        CVPR 2019, section 3.1. Deviation: an anchor whose entries are all equal has no variance;
        its divisor is 1e-12.
    """
    a, b = _rows(a, b)
    a = a - ops.mean(a, axis=-1, keepdims=True)
    b = b - ops.mean(b, axis=-1, keepdims=True)
    signal = ops.mean(ops.square(a), axis=-1)[..., :, None]
    return squared_euclidean(a, b) / a.shape[-1] / ops.maximum(signal, 1e-12)


def paired(distance: Distance, a: Tensor, b: Tensor) -> Tensor:
    """Distance of each row of `a` to the same row of `b`.

    Args:
        distance: one of this module's functions, or any that takes leading batch axes.
        a: `(n, dim)`.
        b: `(n, dim)`.

    Returns:
        `(n,)`.

    Raises:
        UserError: the numbers of rows differ.
    """
    if None not in (a.shape[0], b.shape[0]) and a.shape[0] != b.shape[0]:
        raise UserError(
            f"expected as many rows in both sets, received {a.shape[0]} and {b.shape[0]}"
        )
    return distance(a[:, None, :], b[:, None, :])[:, 0, 0]


def _middle(rows: Tensor) -> Tensor:
    """A row `(..., 1, dim)` amid the others: each entry the median of that of 16 rows or more.

    The larger median, an entry that occurs: on a lattice, as the mean would not be. Sorting all
    rows would cost more than the distances; these lie evenly spread over the set.
    """
    count = ops.shape(rows)[-2]
    chosen = ops.arange(0, count, 1 + count // 32, dtype="int32")
    some = ops.sort(ops.take(rows, chosen, axis=-2), axis=-2)
    half = ops.shape(some)[-2] // 2
    return some[..., half : half + 1, :]


def _expanded_square(a: Tensor, b: Tensor) -> Tensor:
    """`|a|^2 - 2 a.b + |b|^2` in one matrix product: passes over `(n, m)` are what costs."""
    a_squared = ops.sum(ops.square(a), axis=-1, keepdims=True)
    b_squared = ops.sum(ops.square(b), axis=-1, keepdims=True)
    left = ops.concatenate([-2.0 * a, a_squared, ops.ones_like(a_squared)], axis=-1)
    right = ops.concatenate([b, ops.ones_like(b_squared), b_squared], axis=-1)
    return _inner(left, right)


def _inner(a: Tensor, b: Tensor) -> Tensor:
    return ops.matmul(a, ops.swapaxes(b, -1, -2))


def _rows(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    a, b = at_least_float32(a), at_least_float32(b)
    if len(a.shape) < 2 or len(b.shape) < 2 or a.shape[-1] != b.shape[-1]:
        raise UserError(
            "expected two sets of vectors (n, dim) and (m, dim) with one dim, "
            f"received shapes {tuple(a.shape)} and {tuple(b.shape)}"
        )
    return a, b
