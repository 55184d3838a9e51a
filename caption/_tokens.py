"""The four numbers that stand for no word, and rows of numbers for a model."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simlearn.errors import UserError

PAD: Final = 0
START: Final = 1
END: Final = 2
UNKNOWN: Final = 3
MARKS: Final = ("<pad>", "<start>", "<end>", "<unknown>")
"""What the four numbers that stand for no word are called where they are shown."""


def batch(
    captions: Sequence[Sequence[int]], length: int | None = None
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Captions as rows of one length: what a model reads, and what it is to say next.

    Args:
        captions: the numbers of each caption's words, from `Vocabulary.encode`.
        length: of a row; None for the longest caption's words and one more. A caption of more
            words than `length - 1` is cut: its target then ends with a word and not with `END`.

    Returns:
        Inputs `START, w1 ... wn` and targets `w1 ... wn, END`, each `(captions, length)`, filled
        with `PAD`.

    Raises:
        UserError: `length` is below 1, or a number is no word's and not `UNKNOWN`.

    Examples:
        >>> inputs, targets = batch([[5, 7], [6]], length=4)
        >>> inputs.tolist()
        [[1, 5, 7, 0], [1, 6, 0, 0]]
        >>> targets.tolist()
        [[5, 7, 2, 0], [6, 2, 0, 0]]
    """
    if length is None:
        length = 1 + max(map(len, captions), default=0)
    require_at_least(length, "length", 1)
    inputs = np.full((len(captions), length), PAD, np.int32)
    targets = inputs.copy()
    for row, caption in enumerate(captions):
        numbers = [int(number) for number in caption]
        if any(number < UNKNOWN for number in numbers):
            raise UserError(f"expected numbers of words, from {UNKNOWN}, and received {numbers}")
        inputs[row, : len(numbers) + 1] = [START, *numbers][:length]
        targets[row, : len(numbers) + 1] = [*numbers, END][:length]
    return inputs, targets


def require_at_least(value: int, name: str, low: int) -> None:
    """Refuse what is not a whole number from `low`."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < low:
        raise UserError(f"expected {name} as a whole number from {low}, and received {value!r}")
