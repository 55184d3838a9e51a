"""Measures a loss of pytorch-metric-learning.

Names for the expression: `losses`, `miners`, `distances`, `reducers`, `classes`, `dim`, and

- `degrees(radians)`: the unit that the margins of angles have there;
- `mined(loss, miner)`: the loss of what the miner picks;
- `two_views(loss)`: the loss of the batch's first half against its second.
"""

import math
from typing import Any

import numpy as np
from measuring import Prepare, Request, Step, serve


def load(request: Request) -> Prepare:
    """Import pytorch-metric-learning, and say how to make the step."""
    import torch
    from torch_step import make_step

    torch.set_num_threads(request.threads)
    torch.set_num_interop_threads(request.threads)
    from pytorch_metric_learning import distances, losses, miners, reducers

    names = {
        "losses": losses,
        "miners": miners,
        "distances": distances,
        "reducers": reducers,
        "classes": request.classes,
        "dim": request.dim,
        "degrees": math.degrees,
        "mined": _Mined,
        "two_views": _TwoViews,
    }

    def prepare(labels: np.ndarray, rows: np.ndarray) -> Step:
        loss = eval(request.loss, names)
        weights = dict(loss.named_parameters()) if hasattr(loss, "named_parameters") else {}
        for name, weight in weights.items():
            _set(torch, name, weight, request)

        def call(labels: Any, rows: Any) -> Any:
            return loss(rows, labels)

        return make_step(torch, call, labels, rows, weights=list(weights.values()))

    return prepare


class _Mined:
    def __init__(self, loss: Any, miner: Any) -> None:
        self.loss = loss
        self.miner = miner

    def __call__(self, rows: Any, labels: Any) -> Any:
        return self.loss(rows, labels, self.miner(rows, labels))


class _TwoViews:
    def __init__(self, loss: Any) -> None:
        self.loss = loss

    def __call__(self, rows: Any, labels: Any) -> Any:
        half = len(rows) // 2
        return self.loss(rows[:half], ref_emb=rows[half:])


def _set(torch: Any, name: str, weight: Any, request: Request) -> None:
    """Give proxies, and nothing else, the numbers that ours have."""
    if name == "proxies":
        weight.data = torch.from_numpy(request.proxies(weight.shape[0]))
    elif name in ("W", "fc"):
        weight.data = torch.from_numpy(request.proxies(weight.shape[1])).T.contiguous()


if __name__ == "__main__":
    serve(load, ("pytorch-metric-learning", "torch", "numpy"))
