"""One step of value and gradient in PyTorch."""

from collections.abc import Callable
from typing import Any

import numpy as np
from measuring import Step


def make_step(
    torch: Any,
    loss: Callable[[Any, Any], Any],
    labels: np.ndarray,
    rows: np.ndarray,
    *,
    weights: list[Any],
) -> Step:
    """The loss and its gradient, one operation after the other.

    Args:
        torch: PyTorch.
        loss: `(labels, rows) -> scalar`.
        labels: `(batch,)`.
        rows: `(batch, dim)`.
        weights: trainable parameters of the loss, which get their gradient as well.
    """
    classes, leaf = torch.from_numpy(labels), torch.from_numpy(rows).requires_grad_(True)

    def step() -> tuple[float, Any]:
        for variable in (leaf, *weights):
            variable.grad = None
        value = loss(classes, leaf)
        value.backward()
        return value.item(), leaf.grad

    return step
