"""Detection metrics: were the boxes found that annotators drew, and how many others?

A found box is right where it overlaps an annotated one by more than a threshold (intersection over
union), each annotated box counting once, the surest found box first.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn._typing import BoolArray, FloatArray
from simlearn.errors import UserError


class DetectionMatches(NamedTuple):
    """What all found boxes of a data set are, by falling score.

    Attributes:
        scores: ``(found,)``, boxes that count neither way left out.
        correct: ``(found,)`` booleans.
        annotated: how many boxes were to be found.
        pictures: how many pictures were looked at.
    """

    scores: NDArray[np.float64]
    correct: BoolArray
    annotated: int
    pictures: int


class DetectionRoc(NamedTuple):
    """At each score that occurs, falling: ``(points,)``.

    Attributes:
        false_positives: how many found boxes are wrong, over all pictures.
        true_positive_rate: share of the annotated boxes that are found.
        scores: boxes of at least this score are taken.
    """

    false_positives: NDArray[np.int64]
    true_positive_rate: NDArray[np.float64]
    scores: NDArray[np.float64]


def box_overlaps(left: ArrayLike, right: ArrayLike) -> NDArray[np.float64]:
    """Intersection over union of each box with each other one.

    Args:
        left: ``(n, 4)``: left, top, right and bottom edge.
        right: ``(m, 4)``.

    Returns:
        ``(n, m)`` in 0..1; 0 where both are empty.

    Raises:
        UserError: if a shape is another, or an edge is on the wrong side of its opposite.

    Examples:
        >>> box_overlaps([[0, 0, 2, 2]], [[1, 0, 3, 2], [5, 5, 6, 6]]).round(3).tolist()
        [[0.333, 0.0]]
    """
    shared, a, b = shared_areas(_boxes(left, "left"), _boxes(right, "right"))
    either = a[:, np.newaxis] + b - shared
    return np.divide(shared, either, out=np.zeros_like(shared), where=either > 0)


def shared_areas(left: FloatArray, right: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Areas of the intersections ``(n, m)``, of the left boxes ``(n,)`` and of the right ones."""
    low = np.maximum(left[:, np.newaxis, :2], right[np.newaxis, :, :2])
    high = np.minimum(left[:, np.newaxis, 2:], right[np.newaxis, :, 2:])
    shared = np.maximum(high - low, 0.0).prod(axis=2)
    return shared, _areas(left), _areas(right)


def detection_matches(
    found: Sequence[ArrayLike],
    scores: Sequence[ArrayLike],
    annotated: Sequence[ArrayLike],
    *,
    ignored: Sequence[ArrayLike] | None = None,
    overlap: float = 0.5,
) -> DetectionMatches:
    """Tell right from wrong boxes, picture by picture.

    By falling score, each found box takes the annotated box that it overlaps most and that is not
    taken. One that overlaps an ignored box enough, and no other, counts neither way.

    Args:
        found: for each picture, boxes ``(k, 4)``: left, top, right and bottom edge.
        scores: for each picture ``(k,)``, finite.
        annotated: for each picture, the boxes to be found ``(m, 4)``.
        ignored: for each picture booleans ``(m,)``: annotated boxes that need not be found.
        overlap: a box is right where intersection over union exceeds this, in [0, 1).

    Returns:
        `DetectionMatches`.

    Raises:
        UserError: if lengths or shapes do not fit, a score is not finite, or nothing is annotated.

    Examples:
        >>> matches = detection_matches(
        ...     [[[0, 0, 9, 10], [50, 50, 60, 60]]], [[0.9, 0.8]], [[[0, 0, 10, 10]]])
        >>> matches.correct.tolist(), matches.annotated
        ([True, False], 1)

    Reference:
        M. Everingham et al., The Pascal Visual Object Classes (VOC) Challenge, IJCV 88, 2010,
        section 4.2: the criterion, and that a second box on the same object is wrong.
    """
    if not len(found) == len(scores) == len(annotated):
        raise UserError(
            f"expected as many pictures everywhere, got {len(found)}, {len(scores)} "
            f"and {len(annotated)}"
        )
    if not 0 <= overlap < 1:
        raise UserError(f"overlap: expected a share in [0, 1), got {overlap!r}")
    values: list[NDArray[np.float64]] = [np.empty(0)]
    kinds: list[BoolArray] = [np.empty(0, np.bool_)]
    total = 0
    for picture, (boxes, sure, truth) in enumerate(zip(found, scores, annotated, strict=True)):
        real = _boxes(truth, "annotated")
        skip = np.zeros(len(real), np.bool_)
        if ignored is not None:
            skip = np.asarray(ignored[picture], np.bool_).reshape(-1)
        if len(skip) != len(real):
            raise UserError(f"ignored: expected {len(real)} in picture {picture}, got {len(skip)}")
        total += int(np.count_nonzero(~skip))
        score = _scores(sure, len(_boxes(boxes, "found")), picture)
        right, counted = _one(_boxes(boxes, "found"), score, real, skip, overlap)
        values.append(score[counted])
        kinds.append(right[counted])
    if not total:
        raise UserError("annotated: expected boxes to be found, got none")
    everything, correct = np.concatenate(values), np.concatenate(kinds)
    order = np.argsort(-everything, kind="stable")
    return DetectionMatches(everything[order], correct[order], total, len(found))


def detection_average_precision(matches: DetectionMatches) -> float:
    """Area under the precision-recall curve, precision made falling.

    ``sum_k (recall_k - recall_(k-1)) max_(j >= k) precision_j`` over the scores that occur.

    Args:
        matches: of `detection_matches`.

    Returns:
        In 0..1; 0 where nothing was found.

    Examples:
        >>> matches = detection_matches(
        ...     [[[0, 0, 9, 10], [50, 50, 60, 60]]], [[0.9, 0.8]],
        ...     [[[0, 0, 10, 10], [20, 20, 30, 30]]])
        >>> detection_average_precision(matches)
        0.5

    Reference:
        M. Everingham et al., The Pascal Visual Object Classes Challenge: A Retrospective, IJCV 111,
        2015, section 2.2: all points, as since 2010. Deviation: boxes of equal score are one point.
    """
    hits, _, _, taken = _cumulated(matches)
    recall = hits / matches.annotated
    precision = np.maximum.accumulate((hits / taken)[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def detection_roc(matches: DetectionMatches) -> DetectionRoc:
    """True positive rate against the number of false positives, as FDDB draws it.

    Args:
        matches: of `detection_matches`.

    Returns:
        `DetectionRoc`.

    Examples:
        >>> matches = detection_matches(
        ...     [[[0, 0, 9, 10], [50, 50, 60, 60]]], [[0.9, 0.8]],
        ...     [[[0, 0, 10, 10], [20, 20, 30, 30]]])
        >>> curve = detection_roc(matches)
        >>> curve.false_positives.tolist(), curve.true_positive_rate.tolist()
        ([0, 1], [0.5, 0.5])

    Reference:
        V. Jain, E. Learned-Miller, FDDB: A Benchmark for Face Detection in Unconstrained Settings,
        University of Massachusetts technical report UM-CS-2010-009, section 5, the discrete score.
        Deviations: boxes where FDDB has ellipses, which costs tilted faces some overlap, and boxes
        taken by falling score where FDDB assigns all of a picture at once.
    """
    hits, wrong, scores, _ = _cumulated(matches)
    return DetectionRoc(wrong.astype(np.int64), hits / matches.annotated, scores)


def _cumulated(
    matches: DetectionMatches,
) -> tuple[FloatArray, FloatArray, NDArray[np.float64], FloatArray]:
    """Right and wrong ones down to each score that occurs, the scores, and how many these are."""
    scores = np.asarray(matches.scores, np.float64)
    last = np.append(scores[1:] != scores[:-1], True)[: len(scores)]
    hits = np.cumsum(matches.correct)[last].astype(np.float64)
    taken = (np.flatnonzero(last) + 1).astype(np.float64)
    return hits, taken - hits, scores[last], taken


def _one(
    boxes: NDArray[np.float64],
    scores: NDArray[np.float64],
    truth: NDArray[np.float64],
    ignored: BoolArray,
    limit: float,
) -> tuple[BoolArray, BoolArray]:
    """Which boxes of one picture are right, and which count at all."""
    right, counted = np.zeros(len(boxes), np.bool_), np.ones(len(boxes), np.bool_)
    overlaps = box_overlaps(boxes, truth)
    free = ~ignored
    for row in np.argsort(-scores, kind="stable"):
        open_ = np.where(free, overlaps[row], -1.0)
        if len(open_) and open_.max() > limit:
            right[row] = True
            free[open_.argmax()] = False
        elif (overlaps[row][ignored] > limit).any():
            counted[row] = False
    return right, counted


def _areas(boxes: FloatArray) -> FloatArray:
    return np.asarray((boxes[:, 2:] - boxes[:, :2]).prod(axis=1))


def _boxes(values: ArrayLike, name: str) -> NDArray[np.float64]:
    boxes = np.asarray(values, np.float64)
    if boxes.size == 0:
        return np.empty((0, 4))
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise UserError(f"{name}: expected boxes (n, 4), got {boxes.shape}")
    if not (boxes[:, :2] <= boxes[:, 2:]).all():
        raise UserError(f"{name}: expected left, top, right, bottom, got an edge beyond its other")
    return boxes


def _scores(values: ArrayLike, count: int, picture: int) -> NDArray[np.float64]:
    scores = np.asarray(values, np.float64).reshape(-1)
    if len(scores) != count or not np.isfinite(scores).all():
        raise UserError(
            f"scores: expected {count} finite ones for picture {picture}, got {len(scores)}"
        )
    return scores
