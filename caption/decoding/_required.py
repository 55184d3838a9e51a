"""Words that must come."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from keras import ops

from caption._tokens import END
from caption.decoding._arguments import check_words
from caption.decoding._rules import Rules
from simlearn._typing import BoolArray, IntArray, Tensor
from simlearn.errors import UserError


@dataclass(frozen=True)
class Required:
    """Sets of words, of each of which a caption must hold one.

    Attributes:
        words: `(words,)`, all of them, each once.
        members: bool `(words, sets)`, which word is in which set.
    """

    words: IntArray
    members: BoolArray

    @property
    def count(self) -> int:
        """Number of sets."""
        return self.members.shape[1]

    def met_by(self, tokens: Tensor) -> Tensor:
        """Which sets each token is of, bool `(..., sets)`."""
        equal = ops.equal(tokens[..., None], self.words)
        return ops.any(ops.logical_and(equal[..., None], self.members), axis=-2)

    def add_to(self, values: Tensor, tokens: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Candidates `(rows, n)` and, behind them, all words that must come, each once."""
        twice = ops.any(ops.equal(tokens[..., None], self.words), axis=-1)
        wanted = ops.take(logits, self.words, axis=1)
        words = ops.broadcast_to(self.words[None], ops.shape(wanted))
        values = ops.concatenate([ops.where(twice, -math.inf, values), wanted], axis=1)
        return values, ops.concatenate([tokens, words], axis=1)


def make_required(required: Iterable[int | Iterable[int]], rules: Rules) -> Required:
    """Sets of words, checked."""
    if isinstance(required, str) or not isinstance(required, Iterable):
        raise UserError(f"expected required as words or sets of words, received {required!r}")
    sets = [
        check_words("required", words if isinstance(words, Iterable) else [words])
        for words in required
    ]
    if not all(sets):
        raise UserError("expected at least one word in each set of required, received an empty one")
    if len(sets) > rules.max_length:
        raise UserError(
            f"expected required of up to max_length = {rules.max_length} sets, received {len(sets)}"
        )
    words = sorted({word for alternatives in sets for word in alternatives})
    for word in words:
        if word == END or word in rules.forbidden:
            raise UserError(f"expected required words that may come, received {word}")
    members = np.array([[word in alternatives for alternatives in sets] for word in words], "bool")
    return Required(np.array(words, "int32"), members.reshape(len(words), len(sets)))
