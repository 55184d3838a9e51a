"""Scores of embeddings, in numpy and without Keras."""

from simlearn.metrics.retrieval import (
    average_precision_at_r,
    r_precision,
    recall_at_k,
    retrieval_scores,
)
from simlearn.metrics.verification import (
    BestAccuracy,
    EqualErrorRate,
    OperatingPoint,
    Roc,
    accuracy_at,
    auc,
    best_accuracy_threshold,
    equal_error_rate,
    pair_distances,
    roc,
    tar_at_far,
)

__all__ = [
    "BestAccuracy",
    "EqualErrorRate",
    "OperatingPoint",
    "Roc",
    "accuracy_at",
    "auc",
    "average_precision_at_r",
    "best_accuracy_threshold",
    "equal_error_rate",
    "pair_distances",
    "r_precision",
    "recall_at_k",
    "retrieval_scores",
    "roc",
    "tar_at_far",
]
