"""Which tokens may come next."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from keras import ops

from caption._tokens import END, PAD, START, UNKNOWN
from caption.decoding._arguments import check_vocabulary, check_whole, check_words
from simlearn._typing import Tensor
from simlearn.errors import UserError


@dataclass(frozen=True)
class Rules:
    """What any decoder must keep to.

    Attributes:
        max_length: tokens at most, END included.
        minimum_length: words before END may come.
        no_repeat: n of the n-grams that may come once only; 0 for no such rule.
        forbidden: tokens that never come.
    """

    max_length: int
    minimum_length: int
    no_repeat: int
    forbidden: tuple[int, ...]

    def strike(
        self, logits: Tensor, tokens: Tensor, time: Tensor, owing: Tensor | None = None
    ) -> Tensor:
        """The logits, minus infinity for what may not come.

        Args:
            logits: `(rows, vocabulary)`.
            tokens: `(rows, max_length)`, so far.
            time: how many tokens there are so far, a scalar.
            owing: bool `(rows,)`, the rows that must not end yet.
        """
        vocabulary = logits.shape[-1]
        never, end = np.zeros((2, vocabulary), "bool")
        never[list(self.forbidden)] = True
        end[END] = True
        early = ops.logical_and(end, ops.less(time, self.minimum_length))
        logits = ops.where(ops.logical_or(never, early), -math.inf, logits)
        columns = []
        if 0 < self.no_repeat <= self.max_length:
            columns.append(self._repeats(tokens, time))
        if owing is not None:
            columns.append(ops.where(owing, END, PAD)[:, None])
        return _strike_columns(logits, ops.concatenate(columns, axis=1)) if columns else logits

    def _repeats(self, tokens: Tensor, time: Tensor) -> Tensor:
        """Words `(rows, places)` that would end an n-gram a second time; PAD for none."""
        before = self.no_repeat - 1
        places = self.max_length - before
        latest = ops.maximum(time - before + np.arange(before, dtype="int32"), 0)
        following = tokens[:, before:]
        again = ops.less(np.arange(before, self.max_length, dtype="int32"), time)[None]
        for offset in range(before):
            word = ops.take(tokens, latest[offset], axis=1)[:, None]
            again = ops.logical_and(again, tokens[:, offset : offset + places] == word)
        return ops.where(again, following, PAD)


def make_rules(
    max_length: int, minimum_length: int, no_repeat: int, forbidden: Iterable[int], unknown: bool
) -> Rules:
    """Rules, checked; PAD and START never come, UNKNOWN only where asked for."""
    check_whole("max_length", max_length, low=1)
    check_whole("minimum_length", minimum_length, low=0, high=max_length)
    check_whole("no_repeat", no_repeat, low=0)
    words = check_words("forbidden", forbidden)
    if END in words:
        raise UserError(f"expected forbidden without END ({END}): no caption could end")
    always = {PAD, START} if unknown else {PAD, START, UNKNOWN}
    return Rules(max_length, minimum_length, no_repeat, tuple(sorted(always | set(words))))


def check_rules(rules: Rules, vocabulary: int | None) -> None:
    """Refuse rules on words that the model does not have."""
    if vocabulary is None or vocabulary <= UNKNOWN:
        raise UserError(
            f"expected logits for a known number of words above {UNKNOWN}, received {vocabulary}"
        )
    check_vocabulary("forbidden", rules.forbidden, vocabulary)


def _strike_columns(logits: Tensor, columns: Tensor) -> Tensor:
    """Minus infinity at `columns` `(rows, n)` of each row; PAD is struck out in any case."""
    rows = ops.broadcast_to(ops.arange(ops.shape(columns)[0])[:, None], ops.shape(columns))
    places = ops.reshape(ops.stack([rows, columns], axis=-1), (-1, 2))
    struck = ops.full(ops.shape(places)[:1], -math.inf, dtype=logits.dtype)
    return ops.scatter_update(logits, places, struck)
