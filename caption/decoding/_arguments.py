"""What decoders refuse."""

import math
import numbers
from collections.abc import Iterable
from typing import Any

from keras import ops

from simlearn.errors import UserError


def check_whole(name: str, value: Any, *, low: int, high: float = math.inf) -> int:
    """A whole number from `low` to `high`, or an error."""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or not low <= value <= high:
        wanted = f"of {low} or more" if high == math.inf else f"from {low} to {high}"
        raise UserError(f"expected {name} as a whole number {wanted}, received {value!r}")
    return int(value)


def check_number(name: str, value: Any, *, low: float, high: float, bounds: str) -> float:
    """A number between `low` and `high`, or an error; `bounds` as of an interval, `"(]"`."""
    try:
        inside = low < value < high
    except TypeError as error:
        raise UserError(f"expected {name} as a number, received {value!r}") from error
    at_an_end = (value == low and bounds[0] == "[") or (value == high and bounds[1] == "]")
    if not (inside or at_an_end):
        raise UserError(
            f"expected {name} in {bounds[0]}{low}, {high}{bounds[1]}, received {value!r}"
        )
    return float(value)


def check_images(images: Any) -> None:
    """Refuse what is no number of images; a tensor's is not looked at."""
    if not ops.is_tensor(images):
        check_whole("images", images, low=1)


def check_words(name: str, words: Any) -> tuple[int, ...]:
    """Numbers of words as a tuple, or an error."""
    if isinstance(words, str) or not isinstance(words, Iterable):
        raise UserError(f"expected {name} as numbers of words, received {words!r}")
    listed = list(words)
    try:
        numbers = tuple(word.__index__() for word in listed)
    except (AttributeError, TypeError) as error:
        raise UserError(f"expected {name} as numbers of words, received {listed!r}") from error
    if any(number < 0 for number in numbers):
        raise UserError(f"expected {name} of 0 or more, received {min(numbers)}")
    return numbers


def check_vocabulary(name: str, words: Iterable[int], vocabulary: int) -> None:
    """Refuse words that the model does not have."""
    if max(words, default=0) >= vocabulary:
        raise UserError(
            f"expected {name} below {vocabulary}, the model's words, received {max(words)}"
        )
