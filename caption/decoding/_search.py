"""Beam search in a loop of the graph: all hypotheses of all images in one step."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from keras import ops

from caption._tokens import END, PAD
from caption.decoding._arguments import check_vocabulary
from caption.decoding._choosing import (
    Candidates,
    Chosen,
    Hypotheses,
    candidates,
    choose,
    sameness,
)
from caption.decoding._decoded import Decoded, Step
from caption.decoding._normalize import Normalize
from caption.decoding._required import Required
from caption.decoding._rules import Rules
from caption.decoding._steps import (
    Stepped,
    begin,
    gather_rows,
    log_normalizer,
    repeat_rows,
    take_step,
    write_column,
)
from simlearn._typing import Tensor


@dataclass(frozen=True)
class Search:
    """How to search; each attribute as `beam_search` explains it."""

    rules: Rules
    required: Required
    beams: int
    results: int
    groups: int
    diversity: float
    normalize: Normalize


class Maps(NamedTuple):
    """Attention as it came, and where each hypothesis finds its own.

    Attributes:
        seen: `(max_length, rows, locations)`.
        sources: int32 `(rows, max_length)`, the row of `seen` at each time.
    """

    seen: Tensor
    sources: Tensor


class Beams(NamedTuple):
    """Hypotheses so far; `tokens` and the maps have a row each, the others `(images, beams)`."""

    tokens: Tensor
    lengths: Tensor
    log_probabilities: Tensor
    objectives: Tensor
    ended: Tensor
    met: Tensor
    sound: Tensor
    state: Any
    maps: tuple[Maps, ...]

    @property
    def done(self) -> Tensor:
        """Hypotheses that nothing can be added to: with END, or dead."""
        return ops.logical_or(self.ended, self.log_probabilities == -math.inf)


def search_beams(step: Step, state: Any, images: int | Tensor, search: Search) -> Decoded:
    """Search, and rank what was found."""
    first, images = begin(step, state, images, search.rules)
    check_vocabulary("required", search.required.words, first.logits.shape[-1])
    beams = _advance(_no_beams(first, images, search), first.state, first, 0, search)

    def goes_on(time: Tensor, beams: Beams) -> Tensor:
        more = ops.less(time, search.rules.max_length)
        return ops.logical_and(more, ~ops.all(_settled(beams, time, search)))

    def body(time: Tensor, beams: Beams) -> tuple[Tensor, Beams]:
        stepped = take_step(step, ops.take(beams.tokens, time - 1, axis=1), beams.state)
        return time + 1, _advance(beams, beams.state, stepped, time, search)

    _, beams = ops.while_loop(goes_on, body, (ops.convert_to_tensor(1, "int32"), beams))
    return _ranked(beams, search)


def _no_beams(first: Stepped, images: int | Tensor, search: Search) -> Beams:
    """One empty hypothesis an image; its attention has room for all that will follow."""
    zeros = ops.zeros((images, 1), dtype=first.logits.dtype)
    maps: tuple[Maps, ...] = ()
    length = search.rules.max_length
    if first.attention is not None:
        shape = (length, images * search.beams, first.attention.shape[1])
        maps = (
            Maps(
                ops.zeros(shape, dtype=first.attention.dtype),
                ops.zeros((images, length), dtype="int32"),
            ),
        )
    return Beams(
        tokens=ops.full((images, length), PAD, dtype="int32"),
        lengths=ops.zeros((images, 1), dtype="int32"),
        log_probabilities=zeros,
        objectives=zeros,
        ended=ops.zeros((images, 1), dtype="bool"),
        met=ops.zeros((images, 1, search.required.count), dtype="bool"),
        sound=ops.ones((images, 1), dtype="bool"),
        state=first.state,
        maps=maps,
    )


def _advance(beams: Beams, before: Any, stepped: Stepped, time: Tensor, search: Search) -> Beams:
    """One token more for each hypothesis, of one an image or of all."""
    chosen, sound = _next(beams, stepped.logits, time, search)
    width = beams.ended.shape[1]
    images = ops.shape(beams.ended)[0]
    starts = ops.arange(images, dtype="int32")[:, None] * width
    rows = ops.reshape(starts + chosen.parents, (-1,))

    def of_parents(values: Tensor) -> Tensor:
        rest = values.shape[2:]
        flat = ops.reshape(values, (images * width, *rest))
        return ops.reshape(ops.take(flat, rows, axis=0), (images, search.beams, *rest))

    ended = of_parents(beams.ended)
    log_probabilities = of_parents(beams.log_probabilities) + chosen.gains
    alive = ~of_parents(beams.done)
    met = ops.logical_or(of_parents(beams.met), search.required.met_by(chosen.tokens))
    tokens = ops.take(beams.tokens, rows, axis=0)
    return Beams(
        tokens=write_column(tokens, time, ops.reshape(chosen.tokens, (-1,))),
        lengths=of_parents(beams.lengths) + ops.cast(alive, "int32"),
        log_probabilities=log_probabilities,
        objectives=of_parents(beams.objectives) + chosen.gains - chosen.penalties,
        ended=ops.logical_or(ended, chosen.tokens == END),
        met=met,
        sound=ops.logical_and(beams.sound, sound),
        state=gather_rows(before, stepped.state, rows)
        if width == search.beams
        else repeat_rows(stepped.state, search.beams),
        maps=tuple(
            _seen(held, stepped.attention, rows, time, search.beams // width) for held in beams.maps
        ),
    )


def _seen(held: Maps, attention: Tensor, rows: Tensor, time: Tensor, times: int) -> Maps:
    """Maps with those of this step, in which each row stands for so many hypotheses."""
    return Maps(
        ops.scatter_update(held.seen, [[time]], repeat_rows(attention, times)[None]),
        write_column(ops.take(held.sources, rows, axis=0), time, rows * times),
    )


def _next(beams: Beams, logits: Tensor, time: Tensor, search: Search) -> tuple[Chosen, Tensor]:
    """What each image's hypotheses go on with, group after group; whose logits are numbers."""
    done = beams.done
    normalizer, sound = log_normalizer(logits)
    owing = None
    if search.required.count:
        owing = ops.reshape(~ops.all(beams.met, axis=-1), (-1,))
    struck = search.rules.strike(logits, beams.tokens, time, owing)
    found = candidates(struck, normalizer, done, search.beams, search.required)
    so_far = Hypotheses(beams.objectives, beams.lengths, done, beams.met)
    size = search.beams // search.groups
    width = done.shape[1]
    parts: list[Chosen] = []
    for group in range(search.groups):
        # At first there is one hypothesis an image, and every group goes on from it.
        start, stop = (0, 1) if width == 1 else (group * size, (group + 1) * size)
        mine = Candidates(*(values[:, start:stop] for values in found))
        penalties = ops.zeros_like(mine.gains)
        if parts:
            others = ops.concatenate([part.tokens for part in parts], axis=1)
            penalties = ops.cast(sameness(mine.tokens, others, search.diversity), mine.gains.dtype)
        chosen = choose(
            Hypotheses(*(values[:, start:stop] for values in so_far)),
            mine,
            penalties,
            time,
            size,
            normalize=search.normalize,
            required=search.required,
        )
        parts.append(chosen._replace(parents=chosen.parents + start))
    whole = Chosen(*(ops.concatenate(values, axis=1) for values in zip(*parts, strict=True)))
    heard = ops.logical_or(ops.reshape(sound, (-1, width)), done)
    return whole, ops.all(heard, axis=1, keepdims=True)


def _settled(beams: Beams, time: Tensor, search: Search) -> Tensor:
    """Images `(images,)` to which going on would change nothing that is returned."""
    done = beams.done
    everything = ops.all(done, axis=1)
    if search.groups > 1 or search.required.count:
        return everything
    scores = _scores(beams, search.normalize)
    ended, _ = ops.top_k(ops.where(done, scores, -math.inf), search.results)
    # No hypothesis gets likelier; at best it stays as likely, and ends where that scores most.
    lengths = ops.arange(1, search.rules.max_length + 1, dtype="int32")
    hoped = search.normalize(beams.log_probabilities[..., None], ops.cast(lengths, scores.dtype))
    hoped = ops.where(lengths >= time, hoped, -math.inf)
    hoped = ops.where(done[..., None], -math.inf, hoped)
    return ops.logical_or(everything, ended[:, -1] >= ops.max(hoped, axis=(1, 2)))


def _scores(beams: Beams, normalize: Normalize) -> Tensor:
    lengths = ops.cast(ops.maximum(beams.lengths, 1), beams.log_probabilities.dtype)
    return normalize(beams.log_probabilities, lengths)


def _ranked(beams: Beams, search: Search) -> Decoded:
    """The best of each image, those with more required sets first."""
    scores, places = ops.top_k(_scores(beams, search.normalize), search.beams)
    if search.required.count:
        met = ops.sum(ops.cast(beams.met, "int32"), axis=-1)
        met = ops.where(beams.log_probabilities == -math.inf, -1, met)
        met = ops.take_along_axis(met, places, axis=1)
        order = met * search.beams - ops.arange(search.beams, dtype="int32")
        _, order = ops.top_k(order, search.beams)
        places = ops.take_along_axis(places, order, axis=1)
        scores = ops.take_along_axis(scores, order, axis=1)
    places, scores = places[:, : search.results], scores[:, : search.results]
    starts = ops.arange(ops.shape(places)[0], dtype="int32")[:, None] * search.beams
    rows = starts + places

    def best(values: Tensor) -> Tensor:
        return ops.take(ops.reshape(values, (-1, *values.shape[2:])), rows, axis=0)

    log_probabilities = best(beams.log_probabilities)
    dead = log_probabilities == -math.inf
    lengths = ops.where(dead, 0, best(beams.lengths))
    tokens = ops.where(dead[..., None], PAD, ops.take(beams.tokens, rows, axis=0))
    return Decoded(
        tokens=tokens,
        lengths=lengths,
        scores=ops.where(beams.sound, scores, math.nan),
        log_probabilities=ops.where(beams.sound, log_probabilities, math.nan),
        attention=_own_maps(beams.maps[0], rows, lengths) if beams.maps else None,
    )


def _own_maps(maps: Maps, rows: Tensor, lengths: Tensor) -> Tensor:
    """The attention `(images, results, max_length, locations)` that gave each token."""
    length, locations = maps.seen.shape[0], maps.seen.shape[2]
    times = ops.arange(length, dtype="int32")
    places = ops.take(maps.sources, rows, axis=0) + times * ops.shape(maps.seen)[1]
    found = ops.take(ops.reshape(maps.seen, (-1, locations)), places, axis=0)
    spoken = ops.expand_dims(times < lengths[..., None], -1)
    return ops.where(spoken, found, ops.zeros((), found.dtype))
