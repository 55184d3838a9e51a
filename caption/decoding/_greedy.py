"""The likeliest word at each step."""

from collections.abc import Iterable
from typing import Any

from keras import ops

from caption.decoding._decoded import Decoded, Step
from caption.decoding._rollout import roll_out
from caption.decoding._rules import make_rules
from simlearn._typing import Tensor


def greedy(
    step: Step,
    state: Any,
    *,
    images: int | Tensor,
    max_length: int,
    minimum_length: int = 0,
    no_repeat: int = 0,
    forbidden: Iterable[int] = (),
    unknown: bool = False,
) -> Decoded:
    """Captions of the likeliest token at each step: `y_t = argmax_y p(y | y_1 .. y_t-1)`.

    Args:
        step: `step(tokens (rows,), state) -> (logits (rows, vocabulary), state, attention)`, the
            attention `(rows, locations)` or None.
        state: what the first step is given with START; a nest of tensors, one row an image.
        images: how many.
        max_length: tokens of a caption at most, END included; 1 or more.
        minimum_length: words before END may come.
        no_repeat: no n-gram of this many tokens comes twice in a caption; 0 for no such rule.
        forbidden: words that never come. PAD and START never do.
        unknown: whether UNKNOWN may come.

    Returns:
        One caption an image; its score is its log-probability.

    Raises:
        UserError: an argument is out of range, or the step returns what does not fit.

    Examples:
        >>> import numpy as np
        >>> from caption.decoding import greedy
        >>> follows = np.log(np.full((6, 6), 0.1, "float32"))  # START -> 5 -> 4 -> END
        >>> follows[[1, 5, 4], [5, 4, 2]] = np.log(0.5)
        >>> def step(tokens, state):
        ...     return follows[np.asarray(tokens)], state, None
        >>> found = greedy(step, np.zeros((1, 1)), images=1, max_length=4)
        >>> np.array(found.tokens), float(np.exp(found.scores[0, 0]).round(4))
        (array([[[5, 4, 2, 0]]], dtype=int32), 0.125)
    """
    rules = make_rules(max_length, minimum_length, no_repeat, forbidden, unknown)
    return roll_out(step, state, images, rules, _likeliest)


def _likeliest(logits: Tensor, normalizer: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    tokens = ops.cast(ops.argmax(logits, axis=-1), "int32")
    return tokens, ops.max(logits, axis=-1) - normalizer
