"""Checks of arguments, for searches and for the metrics that stand on them."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn._typing import IntArray
from simlearn.errors import UserError

Codes: TypeAlias = tuple[IntArray, IntArray]
"""A number for each query and each gallery item; equal keys have equal numbers."""


def as_vectors(values: ArrayLike, name: str) -> NDArray[Any]:
    """Return `values` as a finite ``(items, dim)`` array of numbers; `name` is for the error."""
    vectors = np.asarray(values)
    if vectors.ndim != 2 or vectors.dtype.kind not in "fiub":
        raise UserError(
            f"{name}: expected real numbers of shape (items, dim), "
            f"got {vectors.dtype} of shape {vectors.shape}"
        )
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if bad.size:
        raise UserError(
            f"{name}: expected finite values, got NaN or infinity in {bad.size} of "
            f"{len(vectors)} rows, first in row {bad[0]}"
        )
    return vectors


def as_keys(values: ArrayLike, length: int, name: str) -> NDArray[Any]:
    """Return `values` as ``(length,)`` integers or strings; `name` is for the error."""
    keys = np.asarray(values)
    # Not floats: ids above 2^24 collide in float32.
    if keys.shape != (length,) or (length and keys.dtype.kind not in "iubUS"):
        raise UserError(
            f"{name}: expected integers or strings of shape ({length},), "
            f"got {keys.dtype} of shape {keys.shape}"
        )
    return keys


def as_count(value: int, name: str) -> int:
    """Return `value` as an integer of at least 1; `name` is for the error."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise UserError(f"{name}: expected an integer of at least 1, got {value!r}")
    return int(value)


def shared_codes(
    left: NDArray[Any], right: NDArray[Any], name: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number the distinct keys of two arrays, so that equal keys and only they share a number."""
    filled = [keys for keys in (left, right) if len(keys)]
    joined = np.concatenate(filled) if filled else np.empty(0, np.int64)
    # numpy would join 1 with "1" as text, and int64 with uint64 as rounded floats.
    if joined.dtype.kind == "f" or len({keys.dtype.kind in "US" for keys in filled}) > 1:
        raise UserError(
            f"{name}: expected one kind of integers or strings on both sides, "
            f"got {left.dtype} and {right.dtype}"
        )
    _, codes = np.unique(joined, return_inverse=True)
    return codes[: len(left)].astype(np.int64), codes[len(left) :].astype(np.int64)


def paired_codes(
    left: ArrayLike | None, right: ArrayLike | None, lengths: tuple[int, int], name: str
) -> Codes | None:
    """Number the keys, or groups, of both sides; None where neither side has any."""
    if left is None and right is None:
        return None
    if left is None or right is None:
        raise UserError(
            f"{name}: expected query_{name} and gallery_{name} together, "
            f"got only {'gallery' if left is None else 'query'}_{name}"
        )
    return shared_codes(
        as_keys(left, lengths[0], f"query_{name}"),
        as_keys(right, lengths[1], f"gallery_{name}"),
        name,
    )
