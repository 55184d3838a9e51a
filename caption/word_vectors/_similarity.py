"""Are the vectors of words alike that people call alike? Rank correlation on lists of pairs."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from scipy import stats

from caption.word_vectors._lines import lines_in
from caption.word_vectors._vectors import WordVectors
from simlearn.errors import DatasetError

_FEWEST: Final = 4
"""Pairs without which there is no interval."""


class Pair(NamedTuple):
    """Two words and how alike people call them, on any scale that rises."""

    first: str
    second: str
    score: float


@dataclass(frozen=True, kw_only=True)
class Similarity:
    """How well vectors agree with people on one list of pairs.

    Attributes:
        name: of the list.
        spearman: rank correlation of cosine and people's score over the pairs found, from -1 to
            1; None where fewer than two were, or all are alike.
        interval: from where to where it lies in 95 of 100 such lists; None below four pairs.
        found: pairs of which both words have a vector.
        pairs: of the list.
        missing: words of the list without a vector.
    """

    name: str
    spearman: float | None
    interval: tuple[float, float] | None
    found: int
    pairs: int
    missing: tuple[str, ...]

    @property
    def coverage(self) -> float:
        """Share of pairs found, from 0 to 1."""
        return self.found / max(self.pairs, 1)

    def as_json(self) -> dict[str, Any]:
        """All of it but the missing words, of which there is the number; for results.json."""
        return asdict(self) | {"missing": len(self.missing), "coverage": self.coverage}


def read_pairs(path: str | Path) -> tuple[Pair, ...]:
    """Read a list of word pairs: on each line two words and a score, between spaces or tabs.

    So are WordSim-353, SimLex-999, MEN and others written in Faruqui's collection.

    Raises:
        DatasetError: The file cannot be read, is empty, or a line is not of this format.
    """
    pairs = []
    for line in lines_in(path):
        first, second, score = line.tokens(3)
        pairs.append(Pair(first, second, line.decimal(score, "the score of two words")))
    if not pairs:
        raise DatasetError(f"{path}: expected lines of two words and a score, and found none")
    return tuple(pairs)


def similarity(vectors: WordVectors, pairs: Sequence[Pair], *, name: str) -> Similarity:
    """Compare the cosines of pairs of words with what people say, by rank.

    Ranks are shared among equals. A word that is there in small letters only is found. The pairs
    that are not found count in the coverage alone, so that scores at different coverage are of
    different lists and cannot be compared. The interval is Fisher's, `tanh(atanh(r) +- 1.96
    sqrt((1 + r^2 / 2) / (n - 3)))`.

    Args:
        vectors: the words' vectors.
        pairs: from `read_pairs`.
        name: what to call the list.

    Examples:
        >>> vectors = WordVectors(("cat", "dog", "car"), np.array([[3.0, 1], [2, 1], [0, 1]]))
        >>> pairs = [Pair("cat", "dog", 9), Pair("dog", "car", 5), Pair("Cat", "car", 1)]
        >>> similarity(vectors, [*pairs, Pair("cat", "zebra", 3)], name="pets").as_json()
        {'name': 'pets', 'spearman': 1.0, 'interval': None, 'found': 3, 'pairs': 4, 'missing': 1,
         'coverage': 0.75}

    Reference:
        Faruqui, Dyer: Community Evaluation and Exchange of Word Vectors at wordvectors.org. ACL
        demonstrations 2014. Interval: Bonett, Wright: Sample Size Requirements for Estimating
        Pearson, Kendall and Spearman Correlations. Psychometrika 2000.
    """
    places = [(vectors.find(pair.first), vectors.find(pair.second)) for pair in pairs]
    found = [row for row, (a, b) in enumerate(places) if a is not None and b is not None]
    rows = np.array([places[row] for row in found], np.int64).reshape(-1, 2)
    cosines = vectors.unit[rows].prod(axis=1).sum(axis=1, dtype=np.float64)
    people = np.array([pairs[row].score for row in found], np.float64)
    correlation = None
    if len(found) > 1 and np.ptp(cosines) > 0 and np.ptp(people) > 0:
        correlation = float(stats.spearmanr(cosines, people).statistic)
    absent = {word for pair in pairs for word in pair[:2] if vectors.find(word) is None}
    return Similarity(
        name=name,
        spearman=correlation,
        interval=None if correlation is None else _interval(correlation, len(found)),
        found=len(found),
        pairs=len(pairs),
        missing=tuple(sorted(absent)),
    )


def _interval(correlation: float, count: int) -> tuple[float, float] | None:
    if count < _FEWEST:
        return None
    if abs(correlation) > 1 - 1e-12:
        return (correlation, correlation)
    half = 1.96 * math.sqrt((1 + correlation**2 / 2) / (count - 3))
    middle = math.atanh(correlation)
    return (math.tanh(middle - half), math.tanh(middle + half))
