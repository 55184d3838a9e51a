"""Thresholds: how to choose one, and how one does."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from simlearn.errors import UserError
from simlearn.metrics.verification._arguments import as_pairs
from simlearn.metrics.verification._curve import Roc, roc


class OperatingPoint(NamedTuple):
    """True accept rate and *measured* false accept rate of a threshold."""

    tar: float
    far: float
    threshold: float


class BestAccuracy(NamedTuple):
    """A threshold and the share of pairs that it decides rightly."""

    threshold: float
    accuracy: float


def tar_at_far(distances: ArrayLike, same: ArrayLike, far: float) -> OperatingPoint:
    """True accept rate at the largest threshold whose false accept rate is at most `far`.

    Also known as VAL@FAR. The measured FAR stands beside it, for among few pairs, or with ties, it
    can be far below the one asked for. The threshold is meant for pairs other than these.

    Args:
        distances: ``(pairs,)``, finite; smaller is more similar.
        same: ``(pairs,)`` booleans (or 0 and 1), both values present.
        far: the false accept rate allowed, in 0..1 exclusive.

    Returns:
        `OperatingPoint`; threshold minus infinity and rates 0 where even the smallest distance
        accepts too many different pairs.

    Raises:
        UserError: as `roc`, if `far` is outside its range, or if there are fewer than ``1 / far``
            different pairs, among which such a rate cannot be observed.

    Examples:
        >>> tar_at_far([0.1, 0.2, 0.3, 0.4, 0.5], [True, False, True, False, False], 0.5)
        OperatingPoint(tar=1.0, far=0.3333333333333333, threshold=0.3)

    Reference:
        F. Schroff et al., FaceNet: A Unified Embedding for Face Recognition and Clustering,
        CVPR 2015, the definition of VAL(d) and FAR(d) in its section on evaluation.
    """
    check_far(far)
    values, positive = as_pairs(distances, same)
    negatives = int(np.count_nonzero(~positive))
    if not can_show(far, negatives):
        raise UserError(
            f"far: expected at least {1.0 / negatives:.3g} with {negatives} different pairs, "
            f"one of which is the smallest rate that they can show, got {far!r}"
        )
    return point_at(roc(values, positive), far)


def best_accuracy_threshold(distances: ArrayLike, same: ArrayLike) -> BestAccuracy:
    """Find the threshold that decides most pairs rightly; the smallest of several.

    Meant for validation pairs: the accuracy of the threshold on test pairs is `accuracy_at`.

    Args:
        distances: ``(pairs,)``, finite; smaller is more similar.
        same: ``(pairs,)`` booleans (or 0 and 1), both values present.

    Returns:
        `BestAccuracy`; threshold minus infinity where accepting nothing is best.

    Raises:
        UserError: as `roc`.

    Examples:
        >>> best_accuracy_threshold([0.1, 0.2, 0.3, 0.4], [True, True, False, True])
        BestAccuracy(threshold=0.2, accuracy=0.75)
    """
    values, positive = as_pairs(distances, same)
    curve = roc(values, positive)
    positives = np.count_nonzero(positive)
    negatives = len(positive) - positives
    # Whole counts again, so that equally good thresholds tie and the accuracy is exact.
    right = np.rint(curve.tar * positives) + negatives - np.rint(curve.far * negatives)
    best = int(np.argmax(right))
    return BestAccuracy(float(curve.thresholds[best]), float(right[best] / len(positive)))


def accuracy_at(distances: ArrayLike, same: ArrayLike, threshold: float) -> float:
    """Share of pairs that a threshold chosen elsewhere decides rightly.

    Args:
        distances: ``(pairs,)``, finite; smaller is more similar.
        same: ``(pairs,)`` booleans (or 0 and 1), both values present.
        threshold: accept where the distance is at most this; not NaN.

    Returns:
        The accuracy in 0..1.

    Raises:
        UserError: as `roc`, or if `threshold` is NaN.

    Examples:
        >>> accuracy_at([0.1, 0.2, 0.3, 0.4], [True, False, True, False], 0.2)
        0.5
    """
    values, positive = as_pairs(distances, same)
    if np.isnan(threshold):
        raise UserError("threshold: expected a number, got NaN")
    return float(np.mean((values <= threshold) == positive))


def check_far(far: float) -> None:
    """Refuse a false accept rate outside 0..1 exclusive."""
    if not 0.0 < far < 1.0:
        raise UserError(f"far: expected a rate between 0 and 1 exclusive, got {far!r}")


def can_show(far: float, negatives: int) -> bool:
    """Whether so many negatives can show a rate as small as `far`: one of them at least."""
    # Not negatives * far < 1, which rounds 49 * (1 / 49) to below 1.
    return 1.0 / negatives <= far


def point_at(curve: Roc, far: float) -> OperatingPoint:
    """The last point of the curve whose false accept rate is at most `far`."""
    last = int(np.searchsorted(curve.far, far, side="right")) - 1
    return OperatingPoint(
        float(curve.tar[last]), float(curve.far[last]), float(curve.thresholds[last])
    )
