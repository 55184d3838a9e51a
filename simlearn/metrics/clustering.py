"""Clustering scores: do the clusters that were found agree with the classes that are known?

All of them compare two ways of putting the same items together, whatever the names of clusters
and classes. Items in cluster -1, the noise of a density clusterer, are each a cluster of their
own: noise is neither a class that was found nor left out of the score.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn import search
from simlearn._typing import IntArray
from simlearn.errors import UserError

_NOISE = -1


class Agreement(NamedTuple):
    """Precision, recall and their harmonic mean, each in 0..1."""

    precision: float
    recall: float
    f_score: float


class _Table(NamedTuple):
    """Non-empty cells of the contingency table, and the sizes of classes and of clusters."""

    labels: IntArray
    clusters: IntArray
    cells: NDArray[np.int64]
    class_sizes: NDArray[np.int64]
    cluster_sizes: NDArray[np.int64]
    cell_class: IntArray
    cell_cluster: IntArray


def normalized_mutual_information(labels: ArrayLike, clusters: ArrayLike) -> float:
    """Mutual information of classes and clusters over the mean of their entropies.

    ``NMI = I(L; C) / ((H(L) + H(C)) / 2)``. It rises with the number of clusters even where these
    are drawn at random: `adjusted_mutual_information` does not.

    Args:
        labels: ``(items,)`` integers or strings, the classes.
        clusters: ``(items,)`` integers from 0 with -1 for noise, or strings.

    Returns:
        The score in 0..1, higher is better.

    Raises:
        UserError: if there is no item, or a shape, type or number is wrong.

    Examples:
        >>> round(normalized_mutual_information([0, 0, 1, 1], [1, 1, 0, 2]), 3)
        0.8

    Reference:
        N. X. Vinh, J. Epps, J. Bailey, Information theoretic measures for clusterings comparison,
        Journal of Machine Learning Research 11, 2010 (NMI_sum); computed by scikit-learn.
    """
    from sklearn.metrics import normalized_mutual_info_score

    table = _table(labels, clusters)
    return float(normalized_mutual_info_score(table.labels, table.clusters))


def adjusted_mutual_information(labels: ArrayLike, clusters: ArrayLike) -> float:
    """Mutual information of classes and clusters, corrected for chance.

    ``AMI = (I - E I) / ((H(L) + H(C)) / 2 - E I)``, ``E I`` the mean over all clusterings with
    clusters and classes of the same sizes. Arguments and errors are those of
    `normalized_mutual_information`.

    Returns:
        The score, about 0 for chance and 1 for agreement.

    Examples:
        >>> round(adjusted_mutual_information([0, 0, 1, 1], [1, 1, 0, 2]), 3)
        0.571

    Reference:
        N. X. Vinh, J. Epps, J. Bailey, Information theoretic measures for clusterings comparison,
        Journal of Machine Learning Research 11, 2010 (AMI_sum); computed by scikit-learn.
    """
    from sklearn.metrics import adjusted_mutual_info_score

    table = _table(labels, clusters)
    return float(adjusted_mutual_info_score(table.labels, table.clusters))


def adjusted_rand_index(labels: ArrayLike, clusters: ArrayLike) -> float:
    """Agreement of classes and clusters on pairs of items, corrected for chance.

    ``ARI = (T - E) / ((P + Q) / 2 - E)``: T pairs in one class and one cluster, P in one class,
    Q in one cluster, ``E = P Q / (all pairs)``. Arguments and errors are those of
    `normalized_mutual_information`.

    Returns:
        The score, about 0 for chance and 1 for agreement; it can fall below 0.

    Examples:
        >>> round(adjusted_rand_index([0, 0, 1, 1], [1, 1, 0, 2]), 3)
        0.571

    Reference:
        L. Hubert, P. Arabie, Comparing partitions, Journal of Classification 2, 1985; computed by
        scikit-learn.
    """
    from sklearn.metrics import adjusted_rand_score

    table = _table(labels, clusters)
    return float(adjusted_rand_score(table.labels, table.clusters))


def b_cubed(labels: ArrayLike, clusters: ArrayLike) -> Agreement:
    """B-cubed precision and recall: how pure and how whole clusters are, seen from each item.

    Precision is the mean over the items of the share of the item's cluster that is of its class,
    ``1/n sum_ij n_ij^2 / c_j``; recall that of the share of its class that is in its cluster,
    ``1/n sum_ij n_ij^2 / l_i``; the item itself counts in both. Arguments and errors are those of
    `normalized_mutual_information`.

    Returns:
        `Agreement`.

    Examples:
        >>> b_cubed([0, 0, 1, 1], [1, 1, 0, 2])
        Agreement(precision=1.0, recall=0.75, f_score=0.8571428571428571)

    Reference:
        A. Bagga, B. Baldwin, Entity-based cross-document coreferencing using the vector space
        model, COLING-ACL 1998, with equal weights.
    """
    table = _table(labels, clusters)
    squares = table.cells.astype(np.float64) ** 2 / len(table.labels)
    return _agreement(
        float(np.sum(squares / table.cluster_sizes[table.cell_cluster])),
        float(np.sum(squares / table.class_sizes[table.cell_class])),
    )


def pairwise_agreement(labels: ArrayLike, clusters: ArrayLike) -> Agreement:
    """Precision and recall of putting two items into one cluster.

    ``precision = T / Q``, ``recall = T / P``: T pairs in one class and one cluster, Q in one
    cluster, P in one class. Large clusters weigh by the square of their size. Where no pair is in
    one cluster none is wrong, and the precision is 1; where none is in one class, the recall.
    Arguments and errors are those of `normalized_mutual_information`.

    Returns:
        `Agreement`.

    Examples:
        >>> pairwise_agreement([0, 0, 1, 1], [1, 1, 1, 2])
        Agreement(precision=0.3333333333333333, recall=0.5, f_score=0.4)

    Reference:
        E. Amigo et al., A comparison of extrinsic clustering evaluation metrics based on formal
        constraints, Information Retrieval 12, 2009, metrics based on counting pairs.
    """
    table = _table(labels, clusters)
    together, found, true = map(_pairs, (table.cells, table.cluster_sizes, table.class_sizes))
    return _agreement(
        together / found if found else 1.0,
        together / true if true else 1.0,
    )


def clustering_scores(labels: ArrayLike, clusters: ArrayLike) -> dict[str, float]:
    """All scores of this module at once, for a table.

    Args:
        labels: ``(items,)`` integers or strings, the classes.
        clusters: ``(items,)`` integers from 0 with -1 for noise, or strings.

    Returns:
        ``nmi``, ``ami``, ``ari``; ``b_cubed_precision``, ``b_cubed_recall``, ``b_cubed_f``;
        ``pairwise_precision``, ``pairwise_recall``, ``pairwise_f``; and the counts ``classes``,
        ``clusters`` (noise not among them) and ``noise``, the items in cluster -1.

    Raises:
        UserError: if there is no item, or a shape, type or number is wrong.

    Examples:
        >>> scores = clustering_scores([0, 0, 1, 1], [0, 0, -1, -1])
        >>> scores["b_cubed_recall"], scores["clusters"], scores["noise"]
        (0.75, 1.0, 2.0)
    """
    table = _table(labels, clusters)
    cubed, pairs = b_cubed(labels, clusters), pairwise_agreement(labels, clusters)
    given = np.asarray(clusters)
    noise = int(np.count_nonzero(given == _NOISE)) if given.dtype.kind in "iu" else 0
    return {
        "nmi": normalized_mutual_information(labels, clusters),
        "ami": adjusted_mutual_information(labels, clusters),
        "ari": adjusted_rand_index(labels, clusters),
        "b_cubed_precision": cubed.precision,
        "b_cubed_recall": cubed.recall,
        "b_cubed_f": cubed.f_score,
        "pairwise_precision": pairs.precision,
        "pairwise_recall": pairs.recall,
        "pairwise_f": pairs.f_score,
        "classes": float(len(table.class_sizes)),
        "clusters": float(len(table.cluster_sizes) - noise),
        "noise": float(noise),
    }


def _table(labels: ArrayLike, clusters: ArrayLike) -> _Table:
    shape = np.shape(labels)
    length = shape[0] if len(shape) == 1 else -1
    if length < 1:
        raise UserError(f"labels: expected shape (items,) with at least 1 item, got {shape}")
    keys = search.as_keys(labels, length, "labels")
    _, class_codes = np.unique(keys, return_inverse=True)
    codes = _apart(search.as_keys(clusters, length, "clusters"))
    joined = class_codes * np.int64(codes.max() + 1) + codes
    filled, cells = np.unique(joined, return_counts=True)
    return _Table(
        labels=class_codes,
        clusters=codes,
        cells=cells,
        class_sizes=np.bincount(class_codes),
        cluster_sizes=np.bincount(codes),
        cell_class=filled // (codes.max() + 1),
        cell_cluster=filled % (codes.max() + 1),
    )


def _apart(clusters: NDArray[np.generic]) -> IntArray:
    """Numbers of clusters without gaps; each item of noise has one of its own."""
    _, codes = np.unique(clusters, return_inverse=True)
    if clusters.dtype.kind != "i" or (lowest := int(clusters.min())) >= 0:
        return codes
    if lowest < _NOISE:
        raise UserError(f"clusters: expected numbers from 0, or -1 for noise, got {lowest}")
    noise = np.flatnonzero(clusters == _NOISE)
    # Noise has code 0: one of its items may keep it.
    codes[noise[1:]] = codes.max() + np.arange(1, len(noise))
    return codes


def _pairs(sizes: NDArray[np.int64]) -> float:
    wide = sizes.astype(np.float64)
    return float(np.sum(wide * (wide - 1.0)) / 2.0)


def _agreement(precision: float, recall: float) -> Agreement:
    both = precision + recall
    return Agreement(precision, recall, 2.0 * precision * recall / both if both else 0.0)
