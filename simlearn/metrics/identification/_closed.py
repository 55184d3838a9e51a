"""Closed-set identification: every probe shows somebody of the gallery."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn import search
from simlearn._typing import FloatArray
from simlearn.errors import UserError
from simlearn.metrics.identification._people import as_task, nearest_people, own_and_others


class ClosedSet(NamedTuple):
    """Cumulative match curve ``(people,)`` and the rank of each probe's person ``(probes,)``.

    ``curve[k - 1]`` is the rank-k identification rate, the share of probes whose person is among
    the k nearest; ranks count from 1. `tied` counts the probes to which another person is exactly
    as near as their own: such a tie is counted against them.
    """

    curve: NDArray[np.float64]
    ranks: NDArray[np.int64]
    tied: int


def closed_set_identification(
    probes: ArrayLike,
    labels: ArrayLike,
    gallery: ArrayLike,
    gallery_labels: ArrayLike,
    *,
    ids: ArrayLike | None = None,
    gallery_ids: ArrayLike | None = None,
    distance: search.Distance = search.euclidean,
    block: int = 256,
) -> ClosedSet:
    """Rank the people of the gallery for each probe, and see where the probe's own one comes.

    ``rank(p) = 1 + #{q != person(p): d(p, q) <= d(p, person(p))}``, ``d(p, q)`` the distance to the
    nearest item of q; ``curve[k - 1] = #{p: rank(p) <= k} / probes``.

    Args:
        probes: ``(probes, dim)``, finite.
        labels: ``(probes,)`` integers or strings: whom each probe shows.
        gallery: ``(gallery, dim)``, finite; any number of items a person.
        gallery_labels: ``(gallery,)``.
        ids: ``(probes,)`` integers or strings; a probe is not compared with the gallery's items of
            its id. Needed where probes stand in the gallery themselves.
        gallery_ids: ``(gallery,)``, given together with `ids`.
        distance: a function such as `search.euclidean` or `search.cosine`.
        block: probes and, about, gallery items measured at once; memory grows with
            ``block * (block + people)``.

    Returns:
        `ClosedSet`.

    Raises:
        UserError: if an argument has the wrong shape, type or length, a value is not finite, there
            is no probe, or a probe's person is not in the gallery but for the probe itself.

    Examples:
        >>> found = closed_set_identification(
        ...     [[0.1], [4.0], [8.9]], ["ann", "bob", "bob"],
        ...     [[0.0], [3.0], [9.0]], ["ann", "ann", "bob"])
        >>> found.curve, found.ranks
        (array([0.66666667, 1.        ]), array([1, 2, 1]))

    Reference:
        P. J. Phillips, P. Grother, R. Micheals, Evaluation methods in face recognition, Handbook of
        Face Recognition, Springer, 2005, closed-set identification; deviation: ties, left open
        there, count against the probe.
    """
    task = as_task(probes, labels, gallery, gallery_labels, ids, gallery_ids)
    if not len(task.labels):
        raise UserError("probes: expected at least 1, got none")
    ranks, tied = [], 0
    for rows, nearest in nearest_people(task, distance, block):
        own, others = own_and_others(nearest, task.labels[rows])
        _require_known(own, rows.start)
        ranks.append(1 + np.count_nonzero(others <= own[:, None], axis=1))
        tied += int(np.count_nonzero((others == own[:, None]).any(axis=1)))
    joined = np.concatenate(ranks).astype(np.int64)
    counts = np.bincount(joined, minlength=len(task.starts) + 1)[1:]
    return ClosedSet(np.cumsum(counts) / len(joined), joined, tied)


def _require_known(own: FloatArray, start: int) -> None:
    strangers = np.flatnonzero(~np.isfinite(own))
    if strangers.size:
        raise UserError(
            f"labels: expected people of whom the gallery has an item (of another id), got none "
            f"for probe {start + strangers[0]}; where there are strangers use open_set_matches"
        )
