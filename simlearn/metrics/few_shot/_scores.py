"""Scores of embeddings on episodes, and their interval."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn import search
from simlearn.errors import UserError
from simlearn.metrics.few_shot._drawing import Episodes

# The 97.5 % point of the normal distribution.
_NORMAL = 1.959963984540054


class MeanInterval(NamedTuple):
    """A mean and its 95 % interval, `mean` give or take `half_width`, over `draws` values."""

    mean: float
    half_width: float
    draws: int


def episode_accuracies(
    embeddings: ArrayLike, episodes: Episodes, *, distance: search.Distance = search.cosine
) -> NDArray[np.float64]:
    """Share of queries that lie nearest to the prototype of their class, per episode.

    The prototype of a class is the mean of its support; with one shot this is the nearest
    neighbour. Where the right prototype ties with others for nearest, the query counts for its
    chance of being drawn among them, so that equal embeddings score 1 / ways.

    Args:
        embeddings: `(items, dim)`, finite.
        episodes: rows of `embeddings`.
        distance: a function such as `search.cosine` or `search.squared_euclidean`.

    Returns:
        `(episodes,)` in 0..1.

    Raises:
        UserError: if the embeddings are no finite matrix, or a row lies outside of them.

    Examples:
        >>> points = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.8, 0.2]])
        >>> episodes = Episodes(np.array([[[0], [2]]]), np.array([[[1], [3]]]))
        >>> episode_accuracies(points, episodes)
        array([0.5])

    Reference:
        Snell, Swersky, Zemel, Prototypical Networks for Few-shot Learning, NIPS 2017, eq. 1 and 2.
    """
    vectors = search.as_vectors(embeddings, "embeddings")
    support, query = (np.asarray(rows) for rows in episodes)
    _check_rows(support, query, len(vectors))
    scores = np.empty(len(support))
    for episode, (examples, asked) in enumerate(zip(support, query, strict=True)):
        prototypes = vectors[examples].mean(axis=1, dtype=np.float64)
        answers = np.repeat(np.arange(len(asked)), asked.shape[1])
        scores[episode] = nearest_accuracy(
            vectors[asked.ravel()], prototypes, answers, distance=distance
        )
    return scores


def nearest_accuracy(
    queries: ArrayLike,
    prototypes: ArrayLike,
    answers: ArrayLike,
    *,
    distance: search.Distance = search.cosine,
) -> float:
    """Share of queries whose nearest prototype is the right one; ties as `episode_accuracies`.

    Args:
        queries: `(queries, dim)`, finite, at least one.
        prototypes: `(ways, dim)`, finite.
        answers: `(queries,)` integers, the row of the right prototype.
        distance: a function such as `search.cosine`.

    Returns:
        The accuracy in 0..1.

    Raises:
        UserError: if a shape or type is wrong, a value is not finite, or an answer is no row of
            `prototypes`.

    Examples:
        >>> nearest_accuracy([[0.9, 0.1], [0.2, 0.8]], [[0.0, 1.0], [1.0, 0.0]], [1, 0])
        1.0
    """
    asked = search.as_vectors(queries, "queries")
    shown = search.as_vectors(prototypes, "prototypes")
    rows = search.as_keys(answers, len(asked), "answers")
    if asked.shape[1] != shown.shape[1]:
        raise UserError(
            f"queries and prototypes: expected one dimension, got {asked.shape} and {shown.shape}"
        )
    if not len(asked) or rows.dtype.kind not in "iu":
        raise UserError(f"answers: expected at least one integer, got {rows.dtype} of {rows.shape}")
    if rows.min() < 0 or rows.max() >= len(shown):
        raise UserError(
            f"answers: expected 0 to {len(shown) - 1}, got {rows.min()} to {rows.max()}"
        )
    distances = np.asarray(distance(asked, shown))
    tied = distances == distances.min(axis=1, keepdims=True)
    return float(np.mean(tied[np.arange(len(rows)), rows] / tied.sum(axis=1)))


def mean_interval(values: ArrayLike) -> MeanInterval:
    """Mean of independent values with its 95 % interval, ``mean +- 1.96 sd / sqrt(n)``.

    Args:
        values: `(n,)`, finite, at least two; such as the accuracies of episodes.

    Returns:
        `MeanInterval`; what it covers is the draw of the episodes, not the training.

    Raises:
        UserError: if there are fewer than two values or one is not finite.

    Examples:
        >>> mean_interval([0.5, 1.0, 0.75, 0.75]).mean
        0.75
    """
    numbers = np.asarray(values, np.float64)
    if numbers.ndim != 1 or len(numbers) < 2 or not np.isfinite(numbers).all():
        raise UserError(
            f"values: expected at least two finite numbers of shape (n,), got shape {numbers.shape}"
        )
    half_width = _NORMAL * numbers.std(ddof=1) / np.sqrt(len(numbers))
    return MeanInterval(float(numbers.mean()), float(half_width), len(numbers))


def _check_rows(support: NDArray[np.int64], query: NDArray[np.int64], items: int) -> None:
    if support.ndim != 3 or query.ndim != 3 or support.shape[:2] != query.shape[:2]:
        raise UserError(
            "episodes: expected support (episodes, ways, shots) and query (episodes, ways, "
            f"queries), got {support.shape} and {query.shape}"
        )
    for rows in (support, query):
        if rows.size and not 0 <= rows.min() <= rows.max() < items:
            raise UserError(
                f"episodes: expected rows from 0 to {items - 1}, got {rows.min()} to {rows.max()}"
            )
