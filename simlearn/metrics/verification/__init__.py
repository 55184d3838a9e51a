"""Verification metrics: do two items show the same thing? Decided by a threshold on distance.

A pair is accepted where its distance is at most the threshold. ``far``, the false accept rate, is
the accepted share of the pairs that differ; ``tar``, the true accept rate, the accepted share of
those that are the same. A threshold is chosen on *validation* pairs and applied to *test* pairs
(`accuracy_at`): chosen and scored on the same pairs, it flatters the model.
"""

from simlearn.metrics.verification._bootstrap import BootstrapInterval, identity_bootstrap
from simlearn.metrics.verification._choosing import choose_threshold
from simlearn.metrics.verification._curve import EqualErrorRate, Roc, auc, equal_error_rate, roc
from simlearn.metrics.verification._folds import FoldScores, fold_scores
from simlearn.metrics.verification._operating import (
    BestAccuracy,
    OperatingPoint,
    accuracy_at,
    best_accuracy_threshold,
    tar_at_far,
)
from simlearn.metrics.verification._pairs import pair_distances, pair_rows
from simlearn.metrics.verification._proportion import Interval, wilson_interval
from simlearn.metrics.verification._saved import Threshold
from simlearn.metrics.verification._scores import verification_scores

__all__ = [
    "BestAccuracy",
    "BootstrapInterval",
    "EqualErrorRate",
    "FoldScores",
    "Interval",
    "OperatingPoint",
    "Roc",
    "Threshold",
    "accuracy_at",
    "auc",
    "best_accuracy_threshold",
    "choose_threshold",
    "equal_error_rate",
    "fold_scores",
    "identity_bootstrap",
    "pair_distances",
    "pair_rows",
    "roc",
    "tar_at_far",
    "verification_scores",
    "wilson_interval",
]
