"""Open-set identification: some probes show strangers."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from simlearn import search
from simlearn._typing import BoolArray, FloatArray
from simlearn.errors import UserError
from simlearn.metrics.identification._people import as_task, nearest_people, own_and_others


class OpenSet(NamedTuple):
    """For each probe ``(probes,)``: distance to the nearest person, and what that means.

    `known` says whether the probe's person is in the gallery; `correct` whether that person, and no
    other one, is the nearest.
    """

    distances: FloatArray
    known: BoolArray
    correct: BoolArray


class DetectionRate(NamedTuple):
    """Detection and identification rate, *measured* false alarm rate, and the threshold of both."""

    rate: float
    far: float
    threshold: float


def open_set_matches(
    probes: ArrayLike,
    labels: ArrayLike,
    gallery: ArrayLike,
    gallery_labels: ArrayLike,
    *,
    ids: ArrayLike | None = None,
    gallery_ids: ArrayLike | None = None,
    distance: search.Distance = search.euclidean,
    block: int = 256,
) -> OpenSet:
    """Find the nearest person of the gallery for each probe, known or not.

    Arguments are those of `closed_set_identification`, but that a probe's person need not be in
    the gallery. `detection_at_far` and `detection_at` make scores of what this returns.

    Returns:
        `OpenSet`; where two people are exactly as near, no answer is correct.

    Raises:
        UserError: if an argument has the wrong shape, type or length, a value is not finite, or a
            probe has nothing in the gallery to be compared with.

    Examples:
        >>> matches = open_set_matches([[0.1], [4.0], [7.0]], ["ann", "bob", "cid"],
        ...                            [[0.0], [3.0], [9.0]], ["ann", "ann", "bob"])
        >>> matches.known.tolist(), matches.correct.tolist()
        ([True, True, False], [True, False, False])
    """
    task = as_task(probes, labels, gallery, gallery_labels, ids, gallery_ids)
    distances: list[FloatArray] = [np.empty(0, np.float32)]
    known: list[BoolArray] = [np.empty(0, np.bool_)]
    correct: list[BoolArray] = [np.empty(0, np.bool_)]
    for rows, nearest in nearest_people(task, distance, block):
        best = nearest.min(axis=1)
        if not np.isfinite(best).all():
            probe = rows.start + int(np.argmin(np.isfinite(best)))
            raise UserError(f"gallery: expected an item of another id for probe {probe}, got none")
        own, others = own_and_others(nearest, task.labels[rows])
        distances.append(best)
        known.append(np.isfinite(own))
        correct.append(known[-1] & (others > own[:, None]).all(axis=1))
    return OpenSet(np.concatenate(distances), np.concatenate(known), np.concatenate(correct))


def detection_at_far(matches: OpenSet, far: float) -> DetectionRate:
    """Detection and identification rate at the largest threshold that few strangers pass.

    A stranger whose nearest person is within the threshold raises a false alarm; a known probe is
    detected and identified where its own person is the nearest and within the threshold. The
    threshold is meant for probes other than these: `detection_at`.

    Args:
        matches: from `open_set_matches`.
        far: the share of strangers who may raise an alarm, in 0..1 exclusive.

    Returns:
        `DetectionRate`; threshold minus infinity and rates 0 where even the smallest distance lets
        too many strangers pass.

    Raises:
        UserError: if there is no known probe, `far` is outside its range, or there are fewer than
            ``1 / far`` strangers, among whom such a rate cannot be observed.

    Examples:
        >>> matches = OpenSet(np.array([0.1, 0.2, 0.3, 0.4, 0.5]),
        ...                   np.array([True, False, True, False, True]),
        ...                   np.array([True, False, True, False, False]))
        >>> detection_at_far(matches, 0.5)
        DetectionRate(rate=0.6666666666666666, far=0.5, threshold=0.3)

    Reference:
        P. J. Phillips, P. Grother, R. Micheals, Evaluation methods in face recognition, Handbook of
        Face Recognition, Springer, 2005, open-set identification at rank 1.
    """
    if not 0.0 < far < 1.0:
        raise UserError(f"far: expected a rate between 0 and 1 exclusive, got {far!r}")
    _check_kinds(matches)
    strangers = np.sort(matches.distances[~matches.known])
    if 1.0 / len(strangers) > far:
        raise UserError(
            f"far: expected at least {1.0 / len(strangers):.3g} with {len(strangers)} probes of "
            f"strangers, one of which is the smallest rate that they can show, got {far!r}"
        )
    candidates = np.unique(matches.distances)
    alarms = np.searchsorted(strangers, candidates, side="right") / len(strangers)
    allowed = candidates[alarms <= far]
    return detection_at(matches, float(allowed[-1]) if allowed.size else -np.inf)


def detection_at(matches: OpenSet, threshold: float) -> DetectionRate:
    """Detection and identification rate at a threshold chosen elsewhere.

    Args:
        matches: from `open_set_matches`.
        threshold: answer where the nearest person is at most this far; not NaN.

    Returns:
        `DetectionRate`.

    Raises:
        UserError: if `threshold` is NaN, or there are no strangers or no known probes.

    Examples:
        >>> matches = OpenSet(np.array([0.1, 0.2, 0.3]), np.array([True, False, True]),
        ...                   np.array([True, False, False]))
        >>> detection_at(matches, 0.25)
        DetectionRate(rate=0.5, far=1.0, threshold=0.25)
    """
    if np.isnan(threshold):
        raise UserError("threshold: expected a number, got NaN")
    _check_kinds(matches)
    # In float64: the threshold must not be rounded to the distances' type.
    within = matches.distances.astype(np.float64) <= threshold
    return DetectionRate(
        rate=float((within & matches.correct)[matches.known].mean()),
        far=float(within[~matches.known].mean()),
        threshold=float(threshold),
    )


def _check_kinds(matches: OpenSet) -> None:
    known = int(np.count_nonzero(matches.known))
    if known in (0, len(matches.known)):
        raise UserError(
            f"matches: expected probes of known people and of strangers, "
            f"got {known} and {len(matches.known) - known}"
        )
