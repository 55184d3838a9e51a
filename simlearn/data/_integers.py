"""Integers of any width become int64, the one type of labels and ids here."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlearn.errors import UserError


def to_int64(values: NDArray[np.integer[Any]], name: str) -> NDArray[np.int64]:
    """The same numbers as int64, without a copy where they are; an error where one does not fit."""
    largest = np.iinfo(np.int64).max
    if values.dtype == np.uint64 and np.any(values > largest):
        raise UserError(f"{name} must be at most {largest} (2^63 - 1), and came as {values.max()}")
    return values.astype(np.int64, copy=False)
