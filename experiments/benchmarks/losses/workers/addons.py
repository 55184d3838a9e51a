"""Measures a loss of tensorflow-addons.

Names for the expression: `losses`, and

- `of_products(loss)`: the loss of the matrix of inner products, which N-pairs takes;
- `one_hot(loss)`: labels as indicators `(batch, classes)`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from measuring import Prepare, Request, Step, serve

Loss = Callable[[Any, Any], Any]


def load(request: Request) -> Prepare:
    """Import tensorflow-addons, and say how to make the step."""
    import warnings

    import tensorflow as tf
    from tensorflow_step import make_step, quieten

    quieten(tf, request)
    warnings.simplefilter("ignore")
    from tensorflow_addons import losses

    def of_products(loss: Loss) -> Loss:
        return lambda labels, rows: loss(labels, tf.matmul(rows, rows, transpose_b=True))

    def one_hot(loss: Loss) -> Loss:
        return lambda labels, rows: loss(tf.one_hot(labels, request.classes), rows)

    names = {"losses": losses, "of_products": of_products, "one_hot": one_hot}

    def prepare(labels: np.ndarray, rows: np.ndarray) -> Step:
        return make_step(tf, eval(request.loss, names), labels, rows, weights=[])

    return prepare


if __name__ == "__main__":
    serve(load, ("tensorflow-addons", "tensorflow-cpu", "numpy"))
