"""Sums of many steps with their gradients, in the memory of one step.

Differentiating a loop afterwards would keep what every step computed. Here each step is
differentiated where it stands, and only sums survive: one pass, nothing computed twice. Called by
the losses that go through a batch in blocks.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from simlearn._typing import Tensor

Step = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def accumulate(step: Step, point: Tensor, steps: Tensor) -> tuple[Tensor, Tensor]:
    """Sum `step(0, point) ... step(steps - 1, point)`, differentiable once in `point`.

    Args:
        step: from a step's number and `point` to totals `(kinds,)`, to be differentiated, and
            counts `(kinds,)`, which are not. Gradients flow to `point` alone.
        point: float tensor.
        steps: int, at least 1; may be known at run time only.

    Returns:
        Totals `(kinds,)` and counts `(kinds,)`.
    """
    # The loop must not see what an outer gradient follows, or that would record every step.
    here = ops.stop_gradient(point)

    def one(index: Tensor) -> tuple[Tensor, ...]:
        totals, counts, slopes = _totals_and_slopes(lambda at: step(index, at), here)
        return tuple(map(ops.stop_gradient, (totals, counts, slopes)))

    def body(index: Tensor, *sums: Tensor) -> tuple[Tensor, ...]:
        return index + 1, *(a + b for a, b in zip(sums, one(_after(index, sums[0])), strict=True))

    first = ops.convert_to_tensor(0, dtype="int32")
    steps = ops.cast(steps, "int32")
    # The first step stands before the loop: it tells how many kinds there are.
    _, totals, counts, slopes = ops.while_loop(
        lambda index, *_: index < steps, body, (first + 1, *one(first))
    )
    return _with_slopes(totals, slopes, point, here), counts


def _with_slopes(totals: Tensor, slopes: Tensor, point: Tensor, here: Tensor) -> Tensor:
    """Totals whose gradient is `slopes`: a plane through the point, which adds 0 to the value."""
    axes = tuple(range(1, len(slopes.shape)))
    return totals + ops.sum(slopes * (point - here)[None], axis=axes)


def _after(index: Tensor, sums: Tensor) -> Tensor:
    """The same index, but not before `sums` is known: TensorFlow would start ten steps at once."""
    if keras.backend.backend() != "tensorflow":
        return index
    import tensorflow as tf

    with tf.control_dependencies([sums]):
        return tf.identity(index)


def _totals_and_slopes(
    function: Callable[[Tensor], tuple[Tensor, Tensor]], point: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Totals `(kinds,)`, counts, and the gradient of each total `(kinds, *point.shape)`."""
    backend: Any = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
    return backend[keras.backend.backend()](function, point)


def _tensorflow(function: Any, point: Any) -> Any:
    import tensorflow as tf

    with tf.GradientTape(persistent=True) as tape:
        tape.watch(point)
        totals, counts = function(point)
        kinds = tf.unstack(totals)
    zero = tf.UnconnectedGradients.ZERO
    slopes = [tape.gradient(total, point, unconnected_gradients=zero) for total in kinds]
    return totals, counts, tf.stack(slopes)


def _jax(function: Any, point: Any) -> Any:
    import jax

    def parts(at: Any) -> Any:
        totals, counts = function(at)
        return totals, (totals, counts)

    slopes, (totals, counts) = jax.jacrev(parts, has_aux=True)(point)
    return totals, counts, slopes


def _torch(function: Any, point: Any) -> Any:
    import torch

    with torch.enable_grad():
        point = point.detach().requires_grad_()
        totals, counts = function(point)
        slopes = [_torch_slope(total, point) for total in totals]
    return totals.detach(), counts.detach(), torch.stack(slopes)


def _torch_slope(total: Any, point: Any) -> Any:
    import torch

    if not total.requires_grad:  # No gradient reaches the point: nothing was selected at all.
        return torch.zeros_like(point)
    (slope,) = torch.autograd.grad(total, point, retain_graph=True, allow_unused=True)
    return torch.zeros_like(point) if slope is None else slope
