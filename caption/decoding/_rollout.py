"""One caption a row, a token at a time."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from keras import ops

from caption._tokens import END, PAD
from caption.decoding._decoded import Decoded, Step
from caption.decoding._rules import Rules
from caption.decoding._steps import (
    Stepped,
    begin,
    log_normalizer,
    repeat_rows,
    take_step,
    write_column,
)
from simlearn._typing import Tensor

Choose: TypeAlias = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
"""`choose(logits, normalizer, time) -> (tokens (rows,), scores (rows,))`, of what may come."""


class _Rows(NamedTuple):
    """Captions so far, one a row; `maps` is empty or holds `(max_length, rows, locations)`."""

    tokens: Tensor
    lengths: Tensor
    log_probabilities: Tensor
    scores: Tensor
    ended: Tensor
    state: Any
    maps: tuple[Tensor, ...]


def roll_out(
    step: Step, state: Any, images: int | Tensor, rules: Rules, choose: Choose, count: int = 1
) -> Decoded:
    """Captions whose every token `choose` picks, `count` an image."""
    first, images = begin(step, state, images, rules)
    first = _repeat(first, count)
    rows = _advance(_no_rows(first, images * count, rules), first, 0, rules, choose)

    def goes_on(time: Tensor, rows: _Rows) -> Tensor:
        return ops.logical_and(ops.less(time, rules.max_length), ops.any(~rows.ended))

    def body(time: Tensor, rows: _Rows) -> tuple[Tensor, _Rows]:
        stepped = take_step(step, ops.take(rows.tokens, time - 1, axis=1), rows.state)
        return time + 1, _advance(rows, stepped, time, rules, choose)

    _, rows = ops.while_loop(goes_on, body, (ops.convert_to_tensor(1, "int32"), rows))
    return _decoded(rows, count)


def _no_rows(first: Stepped, rows: int | Tensor, rules: Rules) -> _Rows:
    zeros = ops.zeros((rows,), dtype=first.logits.dtype)
    maps: tuple[Tensor, ...] = ()
    if first.attention is not None:
        shape = (rules.max_length, rows, first.attention.shape[1])
        maps = (ops.zeros(shape, dtype=first.attention.dtype),)
    return _Rows(
        tokens=ops.full((rows, rules.max_length), PAD, dtype="int32"),
        lengths=ops.zeros((rows,), dtype="int32"),
        log_probabilities=zeros,
        scores=zeros,
        ended=ops.zeros((rows,), dtype="bool"),
        state=first.state,
        maps=maps,
    )


def _advance(rows: _Rows, stepped: Stepped, time: Tensor, rules: Rules, choose: Choose) -> _Rows:
    """One token more for each row that has not ended."""
    total, _ = log_normalizer(stepped.logits)
    struck = rules.strike(stepped.logits, rows.tokens, time)
    token, score = choose(struck, total, time)
    token = ops.where(rows.ended, PAD, token)
    chosen = ops.take_along_axis(struck, token[:, None], axis=1)[:, 0] - total
    log_probabilities = rows.log_probabilities + ops.where(rows.ended, 0.0, chosen)
    maps = rows.maps
    if stepped.attention is not None:
        maps = (ops.scatter_update(maps[0], [[time]], stepped.attention[None]),)
    return _Rows(
        tokens=write_column(rows.tokens, time, token),
        lengths=rows.lengths + ops.cast(~rows.ended, "int32"),
        log_probabilities=log_probabilities,
        scores=rows.scores + ops.where(rows.ended, 0.0, score),
        ended=rows.ended | (token == END) | (log_probabilities == -math.inf),
        state=stepped.state,
        maps=maps,
    )


def _decoded(rows: _Rows, count: int) -> Decoded:
    """The captions image by image; where the rules left nothing to say, none."""
    dead = rows.log_probabilities == -math.inf
    lengths = ops.where(dead, 0, rows.lengths)
    scores = ops.where(dead, -math.inf, rows.scores)
    # A cut may have dropped the logits that are no numbers.
    scores = ops.where(ops.isnan(rows.log_probabilities), math.nan, scores)
    attention = None
    if rows.maps:
        shown = ops.transpose(rows.maps[0], (1, 0, 2))
        spoken = ops.arange(rows.tokens.shape[1], dtype="int32") < lengths[:, None]
        shown = ops.where(spoken[..., None], shown, ops.zeros((), shown.dtype))
        attention = ops.reshape(shown, (-1, count, *shown.shape[1:]))

    def split(values: Tensor) -> Tensor:
        return ops.reshape(values, (-1, count, *values.shape[1:]))

    return Decoded(
        tokens=split(ops.where(dead[:, None], PAD, rows.tokens)),
        lengths=split(lengths),
        scores=split(scores),
        log_probabilities=split(rows.log_probabilities),
        attention=attention,
    )


def _repeat(stepped: Stepped, count: int) -> Stepped:
    logits, state, attention = stepped
    shown = None if attention is None else repeat_rows(attention, count)
    return Stepped(repeat_rows(logits, count), repeat_rows(state, count), shown)
