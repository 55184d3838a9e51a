"""Checks of the arrays to be drawn."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn.errors import UserError


def as_labels(labels: ArrayLike, count: int) -> NDArray[Any]:
    """The labels as ``(count,)``."""
    values = np.asarray(labels)
    if values.shape != (count,):
        raise UserError(f"labels: expected shape ({count},), one a point, got {values.shape}")
    return values


def as_vector(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """The values as finite ``(n,)``, n > 0; `name` is for the error."""
    vector = np.asarray(values, np.float64)
    if vector.ndim != 1 or not vector.size or not np.isfinite(vector).all():
        raise UserError(
            f"{name}: expected finite numbers of shape (n,) with n > 0, got {_describe(vector)}"
        )
    return vector


def as_matrix(name: str, values: ArrayLike, *, columns: int | None = None) -> NDArray[np.float64]:
    """The values as finite ``(n, columns)``, n > 0; `name` is for the error."""
    matrix = np.asarray(values, np.float64)
    fits = matrix.ndim == 2 and matrix.size and columns in (None, matrix.shape[1])
    if not fits or not np.isfinite(matrix).all():
        raise UserError(
            f"{name}: expected finite numbers of shape (n, {columns or 'd'}) with n > 0,"
            f" got {_describe(matrix)}"
        )
    return matrix


def _describe(values: NDArray[np.float64]) -> str:
    return f"shape {values.shape} with {int((~np.isfinite(values)).sum())} not finite"
