"""One step of value and gradient in TensorFlow's graph mode; of any TensorFlow."""

from collections.abc import Callable
from typing import Any

import numpy as np
from measuring import Request, Step


def quieten(tf: Any, request: Request) -> None:
    """The same number of threads as every other subject."""
    tf.config.threading.set_intra_op_parallelism_threads(request.threads)
    tf.config.threading.set_inter_op_parallelism_threads(request.threads)


def make_step(
    tf: Any,
    loss: Callable[[Any, Any], Any],
    labels: np.ndarray,
    rows: np.ndarray,
    *,
    weights: list[Any],
    compiled: bool = False,
) -> Step:
    """A compiled graph of the loss and its gradient.

    Args:
        tf: TensorFlow.
        loss: `(labels, rows) -> scalar`.
        labels: `(batch,)`.
        rows: `(batch, dim)`.
        weights: trainable variables of the loss, which get their gradient as well.
        compiled: whether by XLA.
    """
    labels, rows = tf.constant(labels), tf.constant(rows)

    @tf.function(jit_compile=compiled)
    def graph(labels: Any, rows: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(rows)
            value = loss(labels, rows)
        return value, tape.gradient(value, [rows, *weights])

    def step() -> tuple[float, Any]:
        value, gradients = graph(labels, rows)
        return float(value), gradients[0]

    return step
