"""Arguments that are numbers, checked alike wherever they are taken."""

import math
from numbers import Integral

import numpy as np

from simlearn.errors import UserError


def check_whole(name: str, value: object, low: int) -> None:
    """Refuse what is not a whole number from `low` on."""
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not (whole and value >= low):  # type: ignore[operator]
        raise UserError(f"{name}: expected a whole number, at least {low}, got {value!r}")


def check_positive(name: str, value: object) -> None:
    """Refuse what is not a finite number above 0."""
    if not (isinstance(value, int | float | np.number) and math.isfinite(value) and value > 0):
        raise UserError(f"{name}: expected a positive number, got {value!r}")
