"""Captions drawn at random."""

import math
from collections.abc import Iterable
from typing import Any

import keras
from keras import ops

from caption.decoding._arguments import check_images, check_number, check_whole
from caption.decoding._decoded import Decoded, Step
from caption.decoding._rollout import roll_out
from caption.decoding._rules import make_rules
from simlearn._typing import Tensor
from simlearn.errors import UserError


def sample(
    step: Step,
    state: Any,
    *,
    images: int | Tensor,
    max_length: int,
    samples: int = 1,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | keras.random.SeedGenerator | None = None,
    minimum_length: int = 0,
    no_repeat: int = 0,
    forbidden: Iterable[int] = (),
    unknown: bool = False,
) -> Decoded:
    """Captions drawn token by token from `q(y) ~ p(y)^(1 / temperature)`, perhaps cut to a part.

    What may not come is struck out first, then `top_k` keeps the likeliest tokens, then `top_p`
    the fewest of these whose `q` sums to it; what is kept is drawn with `q` in proportion.

    Args:
        step: as of `greedy`.
        state: as of `greedy`.
        images: how many.
        max_length: tokens of a caption at most, END included; 1 or more.
        samples: captions an image, drawn independently; 1 or more.
        temperature: above 0; below 1 the likely becomes likelier.
        top_k: tokens kept at each step; None for all.
        top_p: of the nucleus, in `(0, 1]`; None for no nucleus.
        seed: a number gives the same captions at each call, a `keras.random.SeedGenerator` new ones
            (and is what a `tf.function` needs for that); None for Keras' own generator.
        minimum_length: words before END may come.
        no_repeat: no n-gram of this many tokens comes twice in a caption; 0 for no such rule.
        forbidden: words that never come. PAD and START never do.
        unknown: whether UNKNOWN may come.

    Returns:
        Captions as they were drawn, not sorted; a score is the log-probability of the draw, under
        `q` after all cuts.

    Raises:
        UserError: an argument is out of range, or the step returns what does not fit.

    Examples:
        >>> import numpy as np
        >>> from caption.decoding import sample
        >>> def step(tokens, state):  # END with 0.5, else 4 or 5
        ...     logits = np.log([[1e-9, 1e-9, 0.5, 1e-9, 0.3, 0.2]])
        ...     return np.repeat(logits, len(tokens), axis=0), state, None
        >>> found = sample(
        ...     step, np.zeros((1, 1)), images=1, max_length=3, samples=500, top_k=2, seed=1
        ... )
        >>> sorted(set(np.array(found.tokens).flatten().tolist()))
        [0, 2, 4]
        >>> bool(abs(np.mean(found.tokens[..., 0] == 2) - 0.5 / 0.8) < 0.05)
        True

    Reference:
        top_p: Holtzman et al., "The Curious Case of Neural Text Degeneration", ICLR 2020, section
        3.1. top_k: Fan et al., "Hierarchical Neural Story Generation", ACL 2018, section 5.
    """
    rules = make_rules(max_length, minimum_length, no_repeat, forbidden, unknown)
    check_images(images)
    check_whole("samples", samples, low=1)
    check_number("temperature", temperature, low=0.0, high=math.inf, bounds="()")
    if top_k is not None:
        check_whole("top_k", top_k, low=1)
    if top_p is not None:
        check_number("top_p", top_p, low=0.0, high=1.0, bounds="(]")
    if not (seed is None or isinstance(seed, int | keras.random.SeedGenerator)):
        raise UserError(f"expected seed as a number or a SeedGenerator, received {seed!r}")
    # Drawn at once, so that the loop has no state of its own.
    chances = keras.random.uniform((max_length, images * samples), seed=seed)

    def choose(logits: Tensor, normalizer: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
        kept, tokens = _cut(logits / temperature, top_k, top_p)
        now = ops.cast(ops.take(chances, time, axis=0), kept.dtype)
        places = _draw(kept, now)[:, None]
        drawn = ops.take_along_axis(kept, places, axis=1)[:, 0]
        if tokens is not None:
            places = ops.take_along_axis(tokens, places, axis=1)
        return places[:, 0], drawn - ops.logsumexp(kept, axis=-1)

    return roll_out(step, state, images, rules, choose, samples)


def _cut(logits: Tensor, top_k: int | None, top_p: float | None) -> tuple[Tensor, Tensor | None]:
    """Logits `(rows, kept)`, minus infinity for what is cut, and of which tokens; None for all."""
    if top_k is None and top_p is None:
        return logits, None
    words = logits.shape[-1]
    values, tokens = ops.top_k(logits, min(top_k or words, words))
    if top_p is not None:
        weights = _weights(values)
        sums = ops.cumsum(weights, axis=-1)
        values = ops.where(sums - weights < top_p * sums[:, -1:], values, -math.inf)
    return values, ops.cast(tokens, "int32")


def _weights(logits: Tensor) -> Tensor:
    """Probabilities times a factor of each row; the largest is 1."""
    return ops.exp(logits - ops.max(logits, axis=-1, keepdims=True))


def _draw(logits: Tensor, chances: Tensor) -> Tensor:
    """Where the running sum of the probabilities passes the chance, `(rows,)`."""
    weights = _weights(logits)
    sums = ops.cumsum(weights, axis=-1)
    # Of what has no probability none is drawn, whichever way the sums are rounded.
    passed = ops.logical_and(sums > chances[:, None] * sums[:, -1:], weights > 0)
    return ops.cast(ops.argmax(passed, axis=-1), "int32")
