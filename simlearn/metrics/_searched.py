"""Rankings by `search.nearest_blocks`: any distance, any data, every pair in float64."""

from collections.abc import Iterator

import numpy as np

from simlearn import search
from simlearn._typing import IntArray
from simlearn.metrics._places import Ranked
from simlearn.metrics._task import Task


def rank_by_search(
    task: Task, rows: IntArray, depth: int, distance: search.Distance, block: int
) -> Iterator[Ranked]:
    """Rank the gallery for some queries, each of which has a relevant item.

    Args:
        task: what is sought where.
        rows: which queries, ascending.
        depth: how many places count.
        distance: any.
        block: rows of each side measured at once.

    Returns:
        What was found, a block of queries at a time.
    """
    some = task.only(rows)
    blocks = search.nearest_blocks(
        some.queries,
        some.gallery,
        depth,
        distance=distance,
        query_keys=some.ids,
        gallery_keys=some.gallery_ids,
        block=block,
    )
    for part, found in blocks:
        # Index -1 would pick the last label: an empty place is never relevant.
        same = some.gallery_labels[found.indices] == some.labels[part, None]
        relevance = same & (found.indices >= 0)
        first = 1 + relevance.argmax(axis=1)
        beyond = np.flatnonzero(~relevance.any(axis=1))
        first[beyond] = _first(some.only(part.start + beyond), distance, block)
        yield Ranked(rows[part], relevance, first)


def _first(task: Task, distance: search.Distance, block: int) -> IntArray:
    """Place of the first relevant item, by counting what is nearer than it."""
    if not len(task.queries):
        return np.empty(0, np.int64)
    nearest = search.nearest(
        task.queries,
        task.gallery,
        1,
        distance=distance,
        query_keys=task.ids,
        gallery_keys=task.gallery_ids,
        query_groups=task.labels,
        gallery_groups=task.gallery_labels,
        block=block,
    )
    count = np.zeros(len(task.queries), np.int64)
    for start in range(0, len(task.gallery), block):
        columns = np.arange(start, min(start + block, len(task.gallery)))
        distances = np.asarray(distance(task.queries, task.gallery[columns]))
        before = distances < nearest.distances
        before |= (distances == nearest.distances) & (columns < nearest.indices)
        # The nearest relevant item itself may be measured anew in a block of another shape.
        before &= task.labels[:, None] != task.gallery_labels[columns]
        if task.ids is not None and task.gallery_ids is not None:
            before &= task.ids[:, None] != task.gallery_ids[columns]
        count += before.sum(axis=1)
    return 1 + count
