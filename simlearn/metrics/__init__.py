"""Scores of embeddings, in numpy and without Keras."""

from simlearn.metrics.rankings import (
    average_precision_at_r,
    ndcg_at_k,
    precision_at_k,
    r_precision,
    recall_at_k,
    reciprocal_rank,
)
from simlearn.metrics.retrieval import retrieval_scores
from simlearn.metrics.ties import Bounds, retrieval_bounds
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
    "Bounds",
    "EqualErrorRate",
    "OperatingPoint",
    "Roc",
    "accuracy_at",
    "auc",
    "average_precision_at_r",
    "best_accuracy_threshold",
    "equal_error_rate",
    "ndcg_at_k",
    "pair_distances",
    "precision_at_k",
    "r_precision",
    "recall_at_k",
    "reciprocal_rank",
    "retrieval_bounds",
    "retrieval_scores",
    "roc",
    "tar_at_far",
]
