"""Verification metrics: do two items show the same thing? Decided by a threshold on distance.

A pair is accepted where its distance is at most the threshold. ``far``, the false accept rate, is
the accepted share of the pairs that differ; ``tar``, the true accept rate, the accepted share of
those that are the same. A threshold is chosen on *validation* pairs and applied to *test* pairs
(`accuracy_at`): chosen and scored on the same pairs, it flatters the model.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn import search
from simlearn._typing import BoolArray, FloatArray, IntArray
from simlearn.errors import UserError


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


class OperatingPoint(NamedTuple):
    """True accept rate and *measured* false accept rate of a threshold."""

    tar: float
    far: float
    threshold: float


class BestAccuracy(NamedTuple):
    """A threshold and the share of pairs that it decides rightly."""

    threshold: float
    accuracy: float


def pair_distances(
    embeddings: ArrayLike,
    labels: ArrayLike,
    ids: ArrayLike | None = None,
    *,
    distance: search.Distance = search.euclidean,
    block: int = 256,
) -> tuple[FloatArray, BoolArray]:
    """Measure every unordered pair once, never an item with itself.

    Args:
        embeddings: ``(items, dim)``, finite.
        labels: ``(items,)`` integers or strings.
        ids: ``(items,)`` integers or strings; items of equal id (two crops of one picture) form
            no pair. Every row is its own by default.
        distance: a function such as `search.euclidean` or `search.cosine`, symmetric.
        block: rows measured at once against all others.

    Returns:
        Distances ``(pairs,)`` and whether the labels agree ``(pairs,)``, ordered by the first
        item, then the second: (0, 1), (0, 2), ..., (1, 2), ...

    Raises:
        UserError: if an argument has the wrong shape, type or length, or a value is not finite.

    Examples:
        >>> pair_distances(np.array([[0.0], [1.0], [5.0]]), [7, 7, 8])
        (array([1., 5., 4.]), array([ True, False, False]))
    """
    vectors = search.as_vectors(embeddings, "embeddings")
    keys = _codes(labels, len(vectors), "labels")
    names = None if ids is None else _codes(ids, len(vectors), "ids")
    distances: list[FloatArray] = [np.empty(0, np.float32)]
    same: list[BoolArray] = [np.empty(0, np.bool_)]
    for start in range(0, len(vectors), search.as_count(block, "block")):
        rows, rest = slice(start, start + block), slice(start, None)
        counted = np.triu(np.ones((len(vectors[rows]), len(vectors[rest])), np.bool_), k=1)
        if names is not None:
            counted &= names[rows, None] != names[None, rest]
        distances.append(np.asarray(distance(vectors[rows], vectors[rest]))[counted])
        same.append((keys[rows, None] == keys[None, rest])[counted])
    return np.concatenate(distances), np.concatenate(same)


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
    values, positive = _checked(distances, same)
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
    curve = roc(distances, same)
    heights = (curve.tar[1:] + curve.tar[:-1]) / 2.0
    return float(np.sum(np.diff(curve.far) * heights))


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
    curve = roc(distances, same)
    # Strictly ascending from -1 to 1: every operating point accepts at least one more pair.
    excess = curve.far + curve.tar - 1.0
    after = int(np.searchsorted(excess, 0.0))
    before = after - 1
    weight = -excess[before] / (excess[after] - excess[before])
    rate = curve.far[before] + weight * (curve.far[after] - curve.far[before])
    # On a draw the later point: the first accepts nothing, and its threshold is not a distance.
    nearer = after if excess[after] <= -excess[before] else before
    return EqualErrorRate(float(rate), float(curve.thresholds[nearer]))


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
    if not 0.0 < far < 1.0:
        raise UserError(f"far: expected a rate between 0 and 1 exclusive, got {far!r}")
    values, positive = _checked(distances, same)
    negatives = int(np.count_nonzero(~positive))
    # Not negatives * far < 1, which rounds 49 * (1 / 49) to below 1.
    if 1.0 / negatives > far:
        raise UserError(
            f"far: expected at least {1.0 / negatives:.3g} with {negatives} different pairs, "
            f"one of which is the smallest rate that they can show, got {far!r}"
        )
    curve = roc(values, positive)
    last = int(np.searchsorted(curve.far, far, side="right")) - 1
    return OperatingPoint(*(float(column[last]) for column in (curve.tar, curve.far, curve[2])))


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
    values, positive = _checked(distances, same)
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
    values, positive = _checked(distances, same)
    if np.isnan(threshold):
        raise UserError("threshold: expected a number, got NaN")
    return float(np.mean((values <= threshold) == positive))


def _codes(values: ArrayLike, length: int, name: str) -> IntArray:
    _, codes = np.unique(search.as_keys(values, length, name), return_inverse=True)
    return codes


def _checked(distances: ArrayLike, same: ArrayLike) -> tuple[NDArray[np.float64], BoolArray]:
    values, positive = np.asarray(distances), np.asarray(same)
    if values.ndim != 1 or values.shape != positive.shape:
        raise UserError(
            f"distances and same: expected shape (pairs,) for both, "
            f"got {values.shape} and {positive.shape}"
        )
    positives = np.count_nonzero(positive)
    if positives in (0, len(positive)):
        raise UserError(
            f"same: expected pairs of both kinds, "
            f"got {positives} same and {len(positive) - positives} different"
        )
    if positive.dtype.kind not in "biu" or not np.isin(positive, (0, 1)).all():
        raise UserError(
            f"same: expected booleans, or integers 0 and 1, got {positive.dtype} from "
            f"{positive.min()!s} to {positive.max()!s}"
        )
    if values.dtype.kind not in "fiu":
        raise UserError(f"distances: expected real numbers, got {values.dtype}")
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise UserError(
            f"distances: expected finite values, got {values[bad[0]]} for pair {bad[0]} "
            f"and {bad.size - 1} more"
        )
    return values.astype(np.float64), positive.astype(np.bool_)
