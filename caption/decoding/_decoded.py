"""What decoders take and give."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from simlearn._typing import Tensor

Step: TypeAlias = Callable[[Tensor, Any], tuple[Tensor, Any, Tensor | None]]
"""`step(tokens (rows,), state) -> (logits (rows, vocabulary), state, attention)`.

The attention is `(rows, locations)`, or None; the state a nest of tensors, rows first. A leaf that
comes back as the very object that went in is one that no word changes: beam search spares it the
gathering. What no word changes, such as an image's features, may also stay out of the state: a
step may close over it, one row an image. Row r is then of image `r // (rows / images)`, and
nothing is repeated in memory.
"""


class Decoded(NamedTuple):
    """Captions of pictures, n of each.

    Attributes:
        tokens: int32 `(images, n, length)`; no START, the words, END, then PAD. A caption that
            `max_length` cut off has no END. PAD alone where the rules left nothing to say.
        lengths: int32 `(images, n)`, tokens of each, END included.
        scores: `(images, n)`, what the decoder ranks by; its own function says what that is. Minus
            infinity where there is no caption, NaN where the image's logits were no numbers.
        log_probabilities: `(images, n)`, of the tokens, END included, as the model gave them:
            neither temperature nor rules are in them.
        attention: `(images, n, length, locations)`, of the step that gave each token, 0 after the
            caption; or None where the step gives none.
    """

    tokens: Tensor
    lengths: Tensor
    scores: Tensor
    log_probabilities: Tensor
    attention: Tensor | None
