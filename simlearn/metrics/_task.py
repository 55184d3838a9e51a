"""What is asked of a retrieval: who seeks among whom, and how much there is to find."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn import search
from simlearn._typing import IntArray
from simlearn.errors import UserError


class Task(NamedTuple):
    """Vectors of both sides, with labels and ids numbered across both; `own` if they are one."""

    queries: NDArray[Any]
    gallery: NDArray[Any]
    labels: IntArray
    gallery_labels: IntArray
    ids: IntArray | None
    gallery_ids: IntArray | None
    own: bool

    def only(self, rows: IntArray) -> "Task":
        """The same with these queries alone."""
        ids = None if self.ids is None else self.ids[rows]
        return self._replace(
            queries=self.queries[rows], labels=self.labels[rows], ids=ids, own=False
        )


def make_task(
    embeddings: ArrayLike,
    labels: ArrayLike,
    gallery: ArrayLike | None,
    gallery_labels: ArrayLike | None,
    ids: ArrayLike | None,
    gallery_ids: ArrayLike | None,
) -> Task:
    """Check the arguments of `retrieval_scores`."""
    queries = search.as_vectors(embeddings, "embeddings")
    own = gallery is None
    if gallery is None:
        if gallery_labels is not None or gallery_ids is not None:
            raise UserError("gallery: expected with gallery_labels and gallery_ids, got None")
        ids = np.arange(len(queries)) if ids is None else ids
        gallery, gallery_labels, gallery_ids = queries, labels, ids
    if gallery_labels is None:
        raise UserError("gallery_labels: expected together with gallery, got None")
    if (ids is None) != (gallery_ids is None):
        missing = "ids" if ids is None else "gallery_ids"
        raise UserError(f"{missing}: expected ids and gallery_ids together, got None")
    items = search.as_vectors(gallery, "gallery")
    if queries.shape[1] != items.shape[1]:
        raise UserError(
            f"embeddings and gallery: expected the same dimension, "
            f"got {queries.shape} and {items.shape}"
        )
    sizes = (len(queries), len(items))
    codes = _codes(labels, gallery_labels, sizes, "labels")
    if ids is None or gallery_ids is None:
        return Task(queries, items, *codes, None, None, own)
    return Task(queries, items, *codes, *_codes(ids, gallery_ids, sizes, "ids"), own)


def count_relevant(task: Task) -> IntArray:
    """How many gallery items share a query's label and not its id, ``(queries,)``.

    Raises:
        UserError: if that is none for every query.
    """
    relevant = _occurrences(task.labels, task.gallery_labels)
    if task.ids is not None and task.gallery_ids is not None:
        # Of the items with the query's label, those with its id as well are left out.
        width = 1 + max(task.ids.max(initial=0), task.gallery_ids.max(initial=0))
        relevant = relevant - _occurrences(
            task.labels * width + task.ids, task.gallery_labels * width + task.gallery_ids
        )
    if not relevant.any():
        raise UserError(
            f"labels: expected a query with another item of its label in the gallery, "
            f"got none in {len(relevant)} queries"
        )
    return relevant


def _codes(
    own: ArrayLike, others: ArrayLike, sizes: tuple[int, int], name: str
) -> tuple[IntArray, IntArray]:
    return search.shared_codes(
        search.as_keys(own, sizes[0], name),
        search.as_keys(others, sizes[1], f"gallery_{name}"),
        name,
    )


def _occurrences(codes: IntArray, among: IntArray) -> IntArray:
    left, right = search.shared_codes(codes, among, "codes")
    return np.bincount(right, minlength=1 + left.max(initial=0))[left]
