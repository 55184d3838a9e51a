"""All pairs of a set of items, each once."""

import numpy as np
from numpy.typing import ArrayLike

from simlearn import search
from simlearn._typing import BoolArray, FloatArray, IntArray
from simlearn.errors import UserError


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


def pair_rows(items: int, ids: ArrayLike | None = None) -> tuple[IntArray, IntArray]:
    """Which two items each pair of `pair_distances` is made of, in its order.

    Args:
        items: how many items there are, at least 0.
        ids: ``(items,)`` integers or strings, as given to `pair_distances`.

    Returns:
        The rows of the first and of the second items, int64 ``(pairs,)`` each.

    Raises:
        UserError: if `items` is negative or `ids` has the wrong shape or type.

    Examples:
        >>> left, right = pair_rows(3)
        >>> left.tolist(), right.tolist()
        ([0, 0, 1], [1, 2, 2])
        >>> labels = np.array(["ann", "ann", "bob"])
        >>> labels[left].tolist(), labels[right].tolist()
        (['ann', 'ann', 'ann'], ['ann', 'bob', 'bob'])
    """
    if items < 0:
        raise UserError(f"items: expected at least 0, got {items}")
    left, right = (rows.astype(np.int64) for rows in np.triu_indices(items, k=1))
    if ids is None:
        return left, right
    names = _codes(ids, items, "ids")
    counted = names[left] != names[right]
    return left[counted], right[counted]


def _codes(values: ArrayLike, length: int, name: str) -> IntArray:
    _, codes = np.unique(search.as_keys(values, length, name), return_inverse=True)
    return codes
