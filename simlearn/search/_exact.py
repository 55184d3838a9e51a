"""Exact nearest and farthest neighbours in blocks."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from simlearn.errors import UserError
from simlearn.search._arguments import as_count, as_vectors, paired_codes
from simlearn.search._distances import Distance, euclidean
from simlearn.search._scan import Neighbours, nothing_found, scan


def nearest(
    queries: ArrayLike,
    gallery: ArrayLike,
    k: int,
    *,
    distance: Distance = euclidean,
    query_keys: ArrayLike | None = None,
    gallery_keys: ArrayLike | None = None,
    query_groups: ArrayLike | None = None,
    gallery_groups: ArrayLike | None = None,
    block: int = 1024,
) -> Neighbours:
    """Find the k nearest gallery items of each query, exactly.

    Neighbours come in ascending distance, equal distances by lower gallery index.

    Args:
        queries: ``(queries, dim)``, finite.
        gallery: ``(gallery, dim)``, finite.
        k: neighbours wanted, at least 1.
        distance: a function such as `euclidean`, `cosine` or `dot`.
        query_keys: ``(queries,)`` integers or strings; pairs with *equal* keys are left out.
        gallery_keys: ``(gallery,)``, given together with `query_keys`.
        query_groups: ``(queries,)`` integers or strings; pairs with *unequal* groups are left out.
        gallery_groups: ``(gallery,)``, given together with `query_groups`.
        block: rows of each side measured at once; memory grows with ``block^2 + queries * k``.

    Returns:
        `Neighbours`; index -1 and distance infinity where fewer than k items qualify.

    Raises:
        UserError: if an argument has the wrong shape, type or length, or a value is not finite.

    Examples:
        >>> points = np.array([[0.0], [1.0], [5.0]])
        >>> nearest(points, points, 1, query_keys=[0, 1, 2], gallery_keys=[0, 1, 2]).indices[:, 0]
        array([1, 0, 1])
    """
    blocks = nearest_blocks(
        queries,
        gallery,
        k,
        distance=distance,
        query_keys=query_keys,
        gallery_keys=gallery_keys,
        query_groups=query_groups,
        gallery_groups=gallery_groups,
        block=block,
    )
    found = [nothing_found(0, k), *(neighbours for _, neighbours in blocks)]
    return Neighbours(
        np.concatenate([part.distances for part in found]),
        np.concatenate([part.indices for part in found]),
    )


def farthest(
    queries: ArrayLike,
    gallery: ArrayLike,
    k: int,
    *,
    distance: Distance = euclidean,
    query_keys: ArrayLike | None = None,
    gallery_keys: ArrayLike | None = None,
    query_groups: ArrayLike | None = None,
    gallery_groups: ArrayLike | None = None,
    block: int = 1024,
) -> Neighbours:
    """Find the k farthest gallery items of each query, exactly.

    With labels as groups and ids as keys these are the hardest positives. Arguments are those of
    `nearest`.

    Returns:
        `Neighbours` in descending distance, equal distances by lower gallery index; index -1 and
        distance minus infinity where fewer than k items qualify.

    Raises:
        UserError: as `nearest`.

    Examples:
        >>> points, labels, ids = np.array([[0.0], [1.0], [5.0], [9.0]]), [0, 0, 0, 1], range(4)
        >>> farthest(points, points, 1, query_groups=labels, gallery_groups=labels,
        ...          query_keys=ids, gallery_keys=ids).indices[:, 0]
        array([ 2,  2,  0, -1])
    """
    found = nearest(
        queries,
        gallery,
        k,
        distance=lambda left, right: np.negative(distance(left, right)),
        query_keys=query_keys,
        gallery_keys=gallery_keys,
        query_groups=query_groups,
        gallery_groups=gallery_groups,
        block=block,
    )
    return Neighbours(np.negative(found.distances), found.indices)


def nearest_blocks(
    queries: ArrayLike,
    gallery: ArrayLike,
    k: int,
    *,
    distance: Distance = euclidean,
    query_keys: ArrayLike | None = None,
    gallery_keys: ArrayLike | None = None,
    query_groups: ArrayLike | None = None,
    gallery_groups: ArrayLike | None = None,
    block: int = 1024,
) -> Iterator[tuple[slice, Neighbours]]:
    """Yield what `nearest` finds, one block of queries at a time.

    For a k so large that even ``(queries, k)`` should not be held: memory grows with
    ``block * (block + k)``. Arguments are those of `nearest`.

    Returns:
        An iterator over (rows of the queries, their `Neighbours`), rows ascending.

    Raises:
        UserError: as `nearest`; all but an unusable distance before the first block.

    Examples:
        >>> points = np.arange(5.0)[:, None]
        >>> [(rows.start, rows.stop) for rows, _ in nearest_blocks(points, points, 1, block=2)]
        [(0, 2), (2, 4), (4, 5)]
    """
    left, right = as_vectors(queries, "queries"), as_vectors(gallery, "gallery")
    if left.shape[1] != right.shape[1]:
        raise UserError(
            f"queries and gallery: expected the same dimension, got {left.shape} and {right.shape}"
        )
    lengths = (len(left), len(right))
    return scan(
        left,
        right,
        as_count(k, "k"),
        distance=distance,
        keys=paired_codes(query_keys, gallery_keys, lengths, "keys"),
        groups=paired_codes(query_groups, gallery_groups, lengths, "groups"),
        block=as_count(block, "block"),
    )
