"""Score an embedding: retrieval and verification on test pictures, threshold from validation."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlearn import metrics
from simlearn._typing import BoolArray, FloatArray
from simlearn.data import LabelledImages, Splits
from simlearn.metrics.verification import OperatingPoint, Roc


@dataclass(frozen=True)
class Evaluation:
    """One embedding's figures on the test part.

    Attributes:
        embeddings: of the test pictures, `(n, dim)`.
        scores: by name, all in `[0, 1]`.
        roc: over all pairs of test pictures.
        chosen: the working point of the threshold that was best on the validation pairs.
    """

    embeddings: FloatArray
    scores: dict[str, float]
    roc: Roc
    chosen: OperatingPoint


def evaluate(embed: Any, data: Splits, *, pair_images: int, seed: int) -> Evaluation:
    """Score an embedding.

    Args:
        embed: images uint8 `(n, h, w, c)` to vectors `(n, dim)`.
        data: the test part is scored; the threshold is chosen on the validation part.
        pair_images: verification looks at all pairs of at most this many pictures of a part.
        seed: draws those pictures.
    """
    embeddings = np.asarray(embed(data.test.images))
    retrieval = metrics.retrieval_scores(embeddings, data.test.labels, ids=data.test.ids)
    distances, same = _pairs(embeddings, data.test, pair_images, seed)
    validation = np.asarray(embed(data.validation.images))
    threshold = metrics.best_accuracy_threshold(
        *_pairs(validation, data.validation, pair_images, seed)
    ).threshold
    accepted = distances <= threshold
    chosen = OperatingPoint(
        tar=float(accepted[same].mean()), far=float(accepted[~same].mean()), threshold=threshold
    )
    scores = {
        "recall_at_1": retrieval["recall_at_1"],
        "map_at_r": retrieval["map_at_r"],
        "auc": metrics.auc(distances, same),
        "eer": metrics.equal_error_rate(distances, same).rate,
        "accuracy": metrics.accuracy_at(distances, same, threshold),
    }
    return Evaluation(embeddings, scores, metrics.roc(distances, same), chosen)


def _pairs(
    embeddings: FloatArray, data: LabelledImages, limit: int, seed: int
) -> tuple[FloatArray, BoolArray]:
    rows: NDArray[np.int64] = np.arange(len(data))
    if len(rows) > limit:
        rows = np.sort(np.random.default_rng(seed).choice(rows, limit, replace=False))
    return metrics.pair_distances(embeddings[rows], data.labels[rows], data.ids[rows])
