"""The receiver operating characteristic, its area and its equal error rate."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn.metrics.verification._arguments import as_pairs


class Roc(NamedTuple):
    """Operating points ``(points,)`` by ascending threshold, from (0, 0) to (1, 1).

    The first accepts nothing, at threshold minus infinity; then there is one for each distinct
    distance.
    """

    far: NDArray[np.float64]
    tar: NDArray[np.float64]
    thresholds: NDArray[np.float64]


class EqualErrorRate(NamedTuple):
    """The rate at which FAR = FRR, and the threshold whose two rates come nearest to it."""

    rate: float
    threshold: float


def roc(distances: ArrayLike, same: ArrayLike) -> Roc:
    """Trace the receiver operating characteristic of accepting pairs by distance.

    Pairs at equal distance are accepted together: no order among them is invented.

    Args:
        distances: ``(pairs,)``, finite; smaller is more similar.
        same: ``(pairs,)`` booleans (or 0 and 1), both values present.

    Returns:
        `Roc`.

    Raises:
        UserError: if lengths differ, a distance is not finite, `same` is not boolean, or all pairs
            are of one kind.

    Examples:
        >>> curve = roc([0.1, 0.4, 0.4, 0.9], [True, True, False, False])
        >>> curve.far.tolist(), curve.tar.tolist(), curve.thresholds.tolist()
        ([0.0, 0.0, 0.5, 1.0], [0.0, 0.5, 1.0, 1.0], [-inf, 0.1, 0.4, 0.9])

    Reference:
        T. Fawcett, An introduction to ROC analysis, Pattern Recognition Letters 27, 2006,
        algorithm 1.
    """
    values, positive = as_pairs(distances, same)
    order = np.argsort(values, kind="stable")
    values, positive = values[order], positive[order]
    last_of_group = np.append(values[1:] != values[:-1], True)
    accepted_same = np.cumsum(positive)[last_of_group]
    accepted_other = np.cumsum(~positive)[last_of_group]
    return Roc(
        far=np.append(0.0, accepted_other / accepted_other[-1]),
        tar=np.append(0.0, accepted_same / accepted_same[-1]),
        thresholds=np.append(-np.inf, values[last_of_group]),
    )


def auc(distances: ArrayLike, same: ArrayLike) -> float:
    """Area under the ROC curve: chance that a same pair is nearer than a different one.

    ``P(d_same < d_other) + P(d_same = d_other) / 2``, by the trapezoid rule on `roc`.

    Args:
        distances: ``(pairs,)``, finite; smaller is more similar.
        same: ``(pairs,)`` booleans (or 0 and 1), both values present.

    Returns:
        The area in 0..1; 0.5 for chance.

    Raises:
        UserError: as `roc`.

    Examples:
        >>> auc([0.1, 0.4, 0.4, 0.9], [True, True, False, False])
        0.875

    Reference:
        T. Fawcett, An introduction to ROC analysis, Pattern Recognition Letters 27, 2006,
        algorithm 2.
    """
    return auc_of(roc(distances, same))


def equal_error_rate(distances: ArrayLike, same: ArrayLike) -> EqualErrorRate:
    """Find the rate at which as many same pairs are refused as different pairs are accepted.

    ``FAR(t) = FRR(t) = 1 - TAR(t)``, linear between the two operating points that bracket it. No
    threshold need reach the rate; the one returned is that of the bracketing point where FAR and
    FRR differ least. It is meant for pairs other than those it was found on.

    Args:
        distances: ``(pairs,)``, finite; smaller is more similar.
        same: ``(pairs,)`` booleans (or 0 and 1), both values present.

    Returns:
        `EqualErrorRate`; the rate is in 0..1, lower is better.

    Raises:
        UserError: as `roc`.

    Examples:
        >>> equal_error_rate([0.1, 0.2, 0.3, 0.4], [True, False, True, False])
        EqualErrorRate(rate=0.5, threshold=0.2)
    """
    return equal_error_of(roc(distances, same))


def auc_of(curve: Roc) -> float:
    """`auc` of a curve that is already there."""
    heights = (curve.tar[1:] + curve.tar[:-1]) / 2.0
    return float(np.sum(np.diff(curve.far) * heights))


def equal_error_of(curve: Roc) -> EqualErrorRate:
    """`equal_error_rate` of a curve that is already there."""
    # Strictly ascending from -1 to 1: every operating point accepts at least one more pair.
    excess = curve.far + curve.tar - 1.0
    after = int(np.searchsorted(excess, 0.0))
    before = after - 1
    weight = -excess[before] / (excess[after] - excess[before])
    rate = curve.far[before] + weight * (curve.far[after] - curve.far[before])
    # On a draw the later point: the first accepts nothing, and its threshold is not a distance.
    nearer = after if excess[after] <= -excess[before] else before
    return EqualErrorRate(float(rate), float(curve.thresholds[nearer]))
