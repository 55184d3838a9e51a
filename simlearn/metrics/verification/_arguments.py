"""Checks of distances and of whether they are those of same pairs."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn._typing import BoolArray
from simlearn.errors import UserError


def as_pairs(distances: ArrayLike, same: ArrayLike) -> tuple[NDArray[np.float64], BoolArray]:
    values, positive = np.asarray(distances), np.asarray(same)
    if values.ndim != 1 or values.shape != positive.shape:
        raise UserError(
            f"distances and same: expected shape (pairs,) for both, "
            f"got {values.shape} and {positive.shape}"
        )
    positives = np.count_nonzero(positive)
    if positives in (0, len(positive)):
        raise UserError(
            f"same: expected pairs of both kinds, "
            f"got {positives} same and {len(positive) - positives} different"
        )
    if positive.dtype.kind not in "biu" or not np.isin(positive, (0, 1)).all():
        raise UserError(
            f"same: expected booleans, or integers 0 and 1, got {positive.dtype} from "
            f"{positive.min()!s} to {positive.max()!s}"
        )
    if values.dtype.kind not in "fiu":
        raise UserError(f"distances: expected real numbers, got {values.dtype}")
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise UserError(
            f"distances: expected finite values, got {values[bad[0]]} for pair {bad[0]} "
            f"and {bad.size - 1} more"
        )
    return values.astype(np.float64), positive.astype(np.bool_)
