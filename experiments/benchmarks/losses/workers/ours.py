"""Measures a loss of simlearn's, in TensorFlow's graph mode or compiled by XLA.

Names for the expression: `losses`, `addons`, `heads`, `distances`, `mining`, `dim`, `classes`, and

- `with_head(head, loss)`: the loss of what the layer `head` makes of the rows;
- `two_views(loss)`: the loss of the batch's first half against its second;
- `stacked(loss, *sizes)`: the loss of rows stacked by so many on further axes;
- `two_levels(loss)`: labels of four classes at a time beside the classes;
- `of_products(loss)`: the loss of the matrix of inner products;
- `one_hot(loss)`: labels as indicators `(batch, classes)`.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from measuring import Prepare, Request, Step, serve

Loss = Callable[[Any, Any], Any]


def load(request: Request) -> Prepare:
    """Import simlearn, and say how to make the step."""
    import tensorflow as tf
    from tensorflow_step import make_step, quieten

    quieten(tf, request)
    from simlearn import addons, distances, heads, losses, mining

    def prepare(labels: np.ndarray, rows: np.ndarray) -> Step:
        weights: list[Any] = []

        def with_head(head: Any, loss: Loss) -> Loss:
            head.build(rows.shape)
            for weight in head.trainable_variables:
                _set(weight, request)
                weights.append(weight.value)
            return lambda labels, rows: loss(labels, head(rows))

        def of_products(loss: Loss) -> Loss:
            return lambda labels, rows: loss(labels, tf.matmul(rows, rows, transpose_b=True))

        def one_hot(loss: Loss) -> Loss:
            return lambda labels, rows: loss(tf.one_hot(labels, request.classes), rows)

        def two_levels(loss: Loss) -> Loss:
            return lambda labels, rows: loss(tf.stack([labels // 4, labels], axis=1), rows)

        def two_views(loss: Loss) -> Loss:
            half = request.batch // 2

            def call(labels: Any, rows: Any) -> Any:
                return loss(labels[:half], tf.stack([rows[:half], rows[half:]], axis=1))

            return call

        def stacked(loss: Loss, *sizes: int) -> Loss:
            count = request.batch // math.prod(sizes)

            def call(labels: Any, rows: Any) -> Any:
                used = rows[: count * math.prod(sizes)]
                return loss(labels[:count], tf.reshape(used, (count, *sizes, request.dim)))

            return call

        names = {
            "losses": losses,
            "addons": addons,
            "heads": heads,
            "distances": distances,
            "mining": mining,
            "with_head": with_head,
            "of_products": of_products,
            "one_hot": one_hot,
            "stacked": stacked,
            "two_levels": two_levels,
            "two_views": two_views,
            "classes": request.classes,
            "dim": request.dim,
        }
        loss = eval(request.loss, names)
        return make_step(tf, loss, labels, rows, weights=weights, compiled=request.compiled)

    return prepare


def _set(weight: Any, request: Request) -> None:
    """Give proxies the numbers that the peers' have."""
    *centers, classes, dim = weight.shape
    count = math.prod(centers)
    # The peers' go through the centres of one class, then through those of the next.
    numbers = request.proxies(classes * count).reshape((classes, count, dim))
    weight.assign(np.moveaxis(numbers, 1, 0).reshape(weight.shape))


if __name__ == "__main__":
    serve(load, ("keras", "tensorflow", "numpy"))
