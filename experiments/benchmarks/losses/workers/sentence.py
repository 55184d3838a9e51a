"""Measures a loss of sentence-transformers, on embeddings and without a model.

Names for the expression: `losses`, `euclidean`, `squared_euclidean`.
"""

from typing import Any

import numpy as np
from measuring import Prepare, Request, Step, serve


def load(request: Request) -> Prepare:
    """Import sentence-transformers, and say how to make the step."""
    import torch
    from torch_step import make_step

    torch.set_num_threads(request.threads)
    torch.set_num_interop_threads(request.threads)
    from sentence_transformers.sentence_transformer import losses

    euclidean = losses.BatchHardTripletLossDistanceFunction.euclidean_distance

    def squared_euclidean(rows: Any) -> Any:
        return euclidean(rows, squared=True)

    names = {"losses": losses, "euclidean": euclidean, "squared_euclidean": squared_euclidean}

    def prepare(labels: np.ndarray, rows: np.ndarray) -> Step:
        loss = eval(request.loss, names)

        def call(labels: Any, rows: Any) -> Any:
            return loss.compute_loss_from_embeddings([rows], labels)

        return make_step(torch, call, labels, rows, weights=[])

    return prepare


if __name__ == "__main__":
    serve(load, ("sentence-transformers", "torch", "numpy"))
