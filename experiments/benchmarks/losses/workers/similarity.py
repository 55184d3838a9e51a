"""Measures a loss of tensorflow-similarity.

Names for the expression: `losses`, `distances`, and

- `two_views(loss)`: the loss of the batch's first half against its second, averaged.
"""

import importlib.util
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np
from measuring import Prepare, Request, Step, serve

Loss = Callable[[Any, Any], Any]


def load(request: Request) -> Prepare:
    """Import tensorflow-similarity's losses, and say how to make the step."""
    import tensorflow as tf
    from tensorflow_step import make_step, quieten

    quieten(tf, request)
    _without_the_rest("tensorflow_similarity")
    from tensorflow_similarity import distances, losses

    def two_views(loss: Loss) -> Loss:
        half = request.batch // 2
        return lambda labels, rows: tf.reduce_mean(loss(rows[:half], rows[half:]))

    names = {"losses": losses, "distances": distances, "two_views": two_views}

    def prepare(labels: np.ndarray, rows: np.ndarray) -> Step:
        return make_step(tf, eval(request.loss, names), labels, rows, weights=[])

    return prepare


def _without_the_rest(package: str) -> None:
    """Stand in for the package itself, whose import wants its index, plots and data sets."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"No module named {package!r}")
    parent = types.ModuleType(package)
    parent.__path__ = list(spec.submodule_search_locations)
    sys.modules[package] = parent


if __name__ == "__main__":
    serve(load, ("tensorflow-similarity", "tensorflow-cpu", "numpy"))
