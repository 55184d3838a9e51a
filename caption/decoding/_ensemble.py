"""Several models as one."""

import math
from collections.abc import Sequence
from typing import Any

from keras import ops

from caption.decoding._decoded import Step
from simlearn._numerics import at_least_float32
from simlearn._typing import Tensor
from simlearn.errors import UserError


def ensemble(steps: Sequence[Step]) -> Step:
    """A step that averages the probabilities of several models: `p = 1/M sum_m p_m`.

    Args:
        steps: of models with one vocabulary.

    Returns:
        A step over a tuple of states, one a model. Its logits are log-probabilities. Its attention
        is the mean over the models that give one, or None where none does or their numbers of
        locations differ: those maps have no cells in common.

    Raises:
        UserError: no steps; or, at the first step, another number of states than of models or
            different vocabularies.

    Examples:
        >>> import numpy as np
        >>> def says(*probabilities):
        ...     return lambda tokens, state: (np.log([probabilities]), state, None)
        >>> both = ensemble([says(0.2, 0.8), says(0.6, 0.4)])
        >>> logits, _, _ = both(np.array([1]), (np.zeros((1, 1)), np.zeros((1, 1))))
        >>> np.exp(logits).round(4)
        array([[0.4, 0.6]])
    """
    members = tuple(steps)
    if not members or not all(callable(step) for step in members):
        raise UserError(f"expected steps of one or more models, received {steps!r}")

    def step(tokens: Tensor, states: Any) -> tuple[Tensor, Any, Tensor | None]:
        if not isinstance(states, tuple) or len(states) != len(members):
            raise UserError(f"expected a tuple of {len(members)} states, received {states!r}")
        given = [member(tokens, state) for member, state in zip(members, states, strict=True)]
        logits = [at_least_float32(logits) for logits, _, _ in given]
        sizes = sorted({found.shape[-1] for found in logits})
        if len(sizes) > 1:
            raise UserError(f"expected models with one vocabulary, received {sizes} words")
        maps = [attention for _, _, attention in given if attention is not None]
        return _mean(logits), tuple(state for _, state, _ in given), _mean_map(maps)

    return step


def _mean(logits: list[Tensor]) -> Tensor:
    each = ops.stack([ops.log_softmax(found, axis=-1) for found in logits])
    return ops.logsumexp(each, axis=0) - math.log(len(logits))


def _mean_map(maps: list[Tensor]) -> Tensor | None:
    if not maps or len({attention.shape[-1] for attention in maps}) > 1:
        return None
    return ops.mean(ops.stack(maps), axis=0)
