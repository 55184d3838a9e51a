"""How near the people of a gallery are to probes, in blocks."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn import search
from simlearn._typing import FloatArray, IntArray
from simlearn.errors import UserError


class Task(NamedTuple):
    """Checked arguments. The gallery is ordered by person, of whom number p begins at starts[p].

    Labels are numbers of people; -1 for those who are not in the gallery.
    """

    probes: NDArray[Any]
    gallery: NDArray[Any]
    labels: IntArray
    starts: IntArray
    ids: IntArray
    gallery_ids: IntArray


def as_task(
    probes: ArrayLike,
    labels: ArrayLike,
    gallery: ArrayLike,
    gallery_labels: ArrayLike,
    ids: ArrayLike | None,
    gallery_ids: ArrayLike | None,
) -> Task:
    """Check the arguments and order the gallery by person."""
    left, right = search.as_vectors(probes, "probes"), search.as_vectors(gallery, "gallery")
    if left.shape[1] != right.shape[1] or not len(right):
        raise UserError(
            f"probes and gallery: expected the same dimension and a gallery that is not empty, "
            f"got {left.shape} and {right.shape}"
        )
    if ids is None and gallery_ids is None:
        # All different.
        ids, gallery_ids = np.arange(len(left)), np.arange(-len(right), 0)
    if ids is None or gallery_ids is None:
        missing = "ids" if ids is None else "gallery_ids"
        raise UserError(f"{missing}: expected ids and gallery_ids together, got None")
    sizes = (len(left), len(right))
    own, others = _codes(labels, gallery_labels, sizes, "labels")
    names, gallery_names = _codes(ids, gallery_ids, sizes, "ids")
    order = np.argsort(others, kind="stable")
    people, starts = np.unique(others[order], return_index=True)
    place = np.minimum(np.searchsorted(people, own), len(people) - 1)
    numbers = np.where(people[place] == own, place, -1)
    return Task(left, right[order], numbers, starts, names, gallery_names[order])


def nearest_people(
    task: Task, distance: search.Distance, block: int
) -> Iterator[tuple[slice, FloatArray]]:
    """Yield rows of the probes and their distances to each person, ``(rows, people)``.

    Infinity where a person has no item of another id.
    """
    size = search.as_count(block, "block")
    chunks = list(_chunks(task.starts, len(task.gallery), size))
    for start in range(0, len(task.probes), size):
        rows = slice(start, min(start + size, len(task.probes)))
        parts = []
        for columns, starts in chunks:
            measured = _measured(distance, task.probes[rows], task.gallery[columns])
            itself = task.ids[rows, None] == task.gallery_ids[None, columns]
            parts.append(np.minimum.reduceat(np.where(itself, np.inf, measured), starts, axis=1))
        yield rows, np.concatenate(parts, axis=1)


def own_and_others(nearest: FloatArray, labels: IntArray) -> tuple[FloatArray, FloatArray]:
    """Distance to each probe's own person, and to all others with infinity in that one's place.

    The former is infinite for a stranger, and for a person without an item of another id.
    """
    rows = np.flatnonzero(labels >= 0)
    own = np.full(len(nearest), np.inf, nearest.dtype)
    own[rows] = nearest[rows, labels[rows]]
    others = nearest.copy()
    others[rows, labels[rows]] = np.inf
    return own, others


def _codes(
    own: ArrayLike, others: ArrayLike, sizes: tuple[int, int], name: str
) -> tuple[IntArray, IntArray]:
    return search.shared_codes(
        search.as_keys(own, sizes[0], name),
        search.as_keys(others, sizes[1], f"gallery_{name}"),
        name,
    )


def _chunks(starts: IntArray, length: int, size: int) -> Iterator[tuple[slice, IntArray]]:
    """Whole people, about `size` items at a time, and where each person begins in the chunk."""
    first = 0
    while first < len(starts):
        begin = int(starts[first])
        after = max(first + 1, int(np.searchsorted(starts, begin + size, side="right")) - 1)
        after = len(starts) if length - begin <= size else after
        end = length if after >= len(starts) else int(starts[after])
        yield slice(begin, end), starts[first:after] - begin
        first = after


def _measured(distance: search.Distance, probes: NDArray[Any], items: NDArray[Any]) -> FloatArray:
    with np.errstate(over="ignore", invalid="ignore"):
        measured = np.asarray(distance(probes, items))
    if measured.shape != (len(probes), len(items)) or not np.isfinite(measured).all():
        raise UserError(
            f"distance: expected finite values of shape {(len(probes), len(items))}, "
            f"got shape {measured.shape} or NaN or infinity"
        )
    return measured
