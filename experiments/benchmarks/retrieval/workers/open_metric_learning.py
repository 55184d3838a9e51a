"""open-metric-learning's search and retrieval metrics.

Its precision@k divides by min(k, R), and with k = R is R-precision where all classes are of one
size. Its map@k divides by the relevant items found where MAP@R divides by R: times its precision@R
it is AP@R, query by query, which is how the two are compared here.
"""

from measuring import SETTINGS, measure

import numpy as np  # isort: skip
import torch  # isort: skip
import oml  # isort: skip
from oml.functional.knn import batched_knn  # isort: skip
from oml.functional.metrics import calc_retrieval_metrics  # isort: skip


def scores(vectors: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """The three scores, as far as they define them."""
    rows = torch.arange(len(vectors))
    classes = torch.from_numpy(labels)
    depth = int(torch.bincount(classes).max()) - 1
    _, retrieved, relevant = batched_knn(
        torch.from_numpy(vectors), ids_query=rows, ids_gallery=rows, top_n=depth, labels_gt=classes
    )
    found = calc_retrieval_metrics(
        retrieved,
        relevant,
        cmc_top_k=(1,),
        precision_top_k=(depth,),
        map_top_k=(depth,),
        reduce=False,
        verbose=False,
    )
    precision, average = found["precision"][depth].double(), found["map"][depth].double()
    return {
        "recall_at_1": float(found["cmc"][1].double().mean()),
        "r_precision": float(precision.mean()),
        "map_at_r": float((precision * average).mean()),
    }


if __name__ == "__main__":
    torch.set_num_threads(SETTINGS["threads"])
    versions = {
        "open-metric-learning": oml.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
    }
    measure(scores, versions)
