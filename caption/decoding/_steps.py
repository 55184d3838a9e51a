"""One step of a model, and the state between steps."""

import math
from typing import Any, NamedTuple

import keras
from keras import ops

from caption._tokens import START
from caption.decoding._arguments import check_images
from caption.decoding._decoded import Step
from caption.decoding._rules import Rules, check_rules
from simlearn._numerics import at_least_float32
from simlearn._typing import Tensor
from simlearn.errors import UserError


class Stepped(NamedTuple):
    """What a step gave.

    Attributes:
        logits: `(rows, vocabulary)`, float32 or better.
        state: a nest of tensors, rows first.
        attention: `(rows, locations)`, or None.
    """

    logits: Tensor
    state: Any
    attention: Tensor | None


def begin(step: Step, state: Any, images: int | Tensor, rules: Rules) -> tuple[Stepped, Tensor]:
    """Step from START, one row an image; also how many images there are, a number if known."""
    if not callable(step):
        raise UserError(f"expected step as a function, received {step!r}")
    check_images(images)
    state = _tensors(state)
    for leaf in keras.tree.flatten(state):
        known = leaf.shape[0] if len(leaf.shape) else 0
        if ops.is_tensor(images) and known:
            images = known
        if known is not None and known != images:
            raise UserError(
                f"expected a state with one row for each of {images} images, received a tensor of "
                f"shape {tuple(leaf.shape)}"
            )
    first = take_step(step, ops.full((images,), START, dtype="int32"), state)
    check_rules(rules, first.logits.shape[-1])
    return first, images


def take_step(step: Step, tokens: Tensor, state: Any) -> Stepped:
    """Step, and check what came."""
    given = step(tokens, state)
    if not isinstance(given, tuple) or len(given) != 3:
        raise UserError(
            f"expected step to return (logits, state, attention), received {type(given).__name__}"
        )
    logits, following, attention = given
    logits = at_least_float32(logits)
    for name, wanted, value in (
        ("logits", "(rows, vocabulary)", logits),
        ("attention", "(rows, locations)", attention),
    ):
        if value is not None and not _fits(value, tokens):
            raise UserError(
                f"expected {name} of shape {wanted} for {tokens.shape[0]} rows, received "
                f"{tuple(value.shape)}"
            )
    _check_state(state, following)
    return Stepped(logits, following, attention)


def log_normalizer(logits: Tensor) -> tuple[Tensor, Tensor]:
    """What to take from the logits `(rows, vocabulary)` for log-probabilities; which are numbers.

    Rows of minus infinity, where nothing can come, are sound and stay as they are.
    """
    peak = ops.max(logits, axis=-1)
    nothing = ops.equal(peak, -math.inf)
    # The largest probability is exp(peak - total), and softmax is the quickest way there.
    total = peak - ops.log(ops.max(ops.softmax(logits, axis=-1), axis=-1))
    return ops.where(nothing, 0.0, total), ops.logical_or(nothing, ops.isfinite(total))


def repeat_rows(state: Any, times: int) -> Any:
    """Each row of each leaf so many times, one after the other."""
    if times == 1:
        return state
    return keras.tree.map_structure(lambda leaf: ops.repeat(leaf, times, axis=0), state)


def gather_rows(before: Any, after: Any, rows: Tensor) -> Any:
    """The state `after` a step at `rows`; leaves that the step left alone are the same for all."""
    return keras.tree.map_structure(
        lambda old, new: old if new is old else ops.take(new, rows, axis=0), before, after
    )


def write_column(history: Tensor, time: Tensor, values: Tensor) -> Tensor:
    """A history `(rows, max_length)` with `values` `(rows,)` at `time`."""
    now = ops.equal(ops.arange(history.shape[1], dtype="int32"), time)
    return ops.where(now, values[:, None], history)


def _tensors(state: Any) -> Any:
    try:
        return keras.tree.map_structure(ops.convert_to_tensor, state)
    except (TypeError, ValueError) as error:
        raise UserError(f"expected a state of tensors, received {_shapes(state)}") from error


def _fits(value: Tensor, tokens: Tensor) -> bool:
    return len(value.shape) == 2 and (
        None in (value.shape[0], tokens.shape[0]) or value.shape[0] == tokens.shape[0]
    )


def _check_state(before: Any, after: Any) -> None:
    try:
        keras.tree.assert_same_structure(before, after)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"expected step to return a state like the one it got, {_shapes(before)}, received "
            f"{_shapes(after)}"
        ) from error
    for old, new in zip(keras.tree.flatten(before), keras.tree.flatten(after), strict=True):
        alike = len(old.shape) == len(new.shape) and all(
            None in (wanted, found) or wanted == found
            for wanted, found in zip(old.shape, new.shape, strict=True)
        )
        if not alike or old.dtype != new.dtype:
            raise UserError(
                f"expected step to keep its state's shapes and types, {_shapes(before)}, received "
                f"{_shapes(after)}"
            )


def _shapes(state: Any) -> str:
    def named(leaf: Any) -> str:
        if not hasattr(leaf, "shape"):
            return type(leaf).__name__
        return f"{keras.backend.standardize_dtype(leaf.dtype)} {tuple(leaf.shape)}"

    return str(keras.tree.map_structure(named, state))
