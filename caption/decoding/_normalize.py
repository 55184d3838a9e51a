"""Scores of captions of different lengths."""

from collections.abc import Callable
from typing import TypeAlias

from keras import ops

from caption.decoding._arguments import check_number
from simlearn._typing import Tensor

Normalize: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""`normalize(log_probabilities, lengths) -> scores`, all of one shape, entry by entry.

A length counts END, and is a float of 1 or more. Where the length is the same, a larger
log-probability must give a larger score, and minus infinity minus infinity.
"""


def divide_by_length(log_probabilities: Tensor, lengths: Tensor) -> Tensor:
    """Log-probability a token: `log p / |y|`.

    Args:
        log_probabilities: of captions, any shape.
        lengths: tokens of each, END included, 1 or more.

    Returns:
        Scores, of the same shape.

    Examples:
        >>> float(divide_by_length(-6.0, 4.0))
        -1.5
    """
    return log_probabilities / lengths


def gnmt_penalty(alpha: float = 0.6) -> Normalize:
    """The length penalty of Google's translation system: `log p / ((5 + |y|) / 6)^alpha`.

    Args:
        alpha: 0 for plain log-probabilities, 1 for almost those a token; 0 or more.

    Returns:
        A function for `normalize` of `beam_search`.

    Raises:
        UserError: `alpha` is below 0.

    Examples:
        >>> print(round(float(gnmt_penalty(1.0)(-6.0, 4.0)), 6))
        -4.0

    Reference:
        Wu et al., "Google's Neural Machine Translation System", 2016, equation 14, without the
        coverage of the source.
    """
    check_number("alpha", alpha, low=0.0, high=float("inf"), bounds="[)")

    def normalize(log_probabilities: Tensor, lengths: Tensor) -> Tensor:
        return log_probabilities / ops.power((5.0 + lengths) / 6.0, alpha)

    return normalize


def keep(log_probabilities: Tensor, lengths: Tensor) -> Tensor:
    """No normalisation."""
    return log_probabilities
