"""Counts of an alignment, and the score made of them."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from caption.metrics.meteor._aligner import Match, chunks_of

Floats = NDArray[np.float64]

ALPHA: Final = 0.85
"""Weight of precision against recall."""
BETA: Final = 0.2
"""Power of the fragmentation."""
GAMMA: Final = 0.6
"""Largest penalty."""
DELTA: Final = 0.75
"""Weight of content words against function words."""
WEIGHTS: Final = (1.0, 0.6, 0.8, 0.6)
"""Of matches: exact, stem, synonym, paraphrase."""

COLUMNS: Final = 23
_CHUNKS, _MATCHED, _MATCHED_REFERENCE = 20, 21, 22


def count(matches: list[Match], hypothesis: list[bool], reference: list[bool]) -> list[int]:
    """Return the counts of one alignment, in the order in which METEOR prints them.

    Words of the hypothesis and the reference, function words of both; for each stage matched
    content words of both and function words of both; chunks; matched words of both.

    Args:
        matches: Sorted.
        hypothesis: Whether each of its words is a function word.
        reference: The same.
    """
    counts = [0] * COLUMNS
    counts[0], counts[1] = len(hypothesis), len(reference)
    counts[2], counts[3] = sum(hypothesis), sum(reference)
    for j, stage, _, i, i_length, j_length in matches:
        # Both directions of the paraphrase table are one stage.
        column = 4 + 4 * min(stage, 3)
        if i_length == 1 == j_length:
            counts[column + 2 * hypothesis[i]] += 1
            counts[column + 1 + 2 * reference[j]] += 1
        else:
            functions = sum(hypothesis[i : i + i_length])
            counts[column] += i_length - functions
            counts[column + 2] += functions
            functions = sum(reference[j : j + j_length])
            counts[column + 1] += j_length - functions
            counts[column + 3] += functions
        counts[_MATCHED] += i_length
        counts[_MATCHED_REFERENCE] += j_length
    counts[_CHUNKS] = chunks_of(matches)
    return counts


def perfect(counts: Floats) -> NDArray[np.bool_]:
    """Return where all words of both sentences are matched in one chunk."""
    return (
        (counts[..., _MATCHED] == counts[..., 0])
        & (counts[..., _MATCHED_REFERENCE] == counts[..., 1])
        & (counts[..., _CHUNKS] == 1)
    )


def score_of(counts: Floats) -> Floats:
    r"""Return the score of each row of counts.

    P and R are the weighted shares of matched words; F = PR / (a P + (1 - a) R); the fragmentation
    f = chunks / (mean number of matched words of the two sentences), 0 for a perfect match; the
    score is F (1 - g f^b).

    Args:
        counts: `(..., 23)`.

    Returns:
        `(...)` in [0, 1].

    Reference:
        Denkowski and Lavie, WMT 2014, section 3; parameters for English from METEOR 1.5's
        ranking task.
    """
    stages = counts[..., 4:20].reshape(*counts.shape[:-1], 4, 4)
    weights = np.array(WEIGHTS)
    shares = []
    for side in (0, 1):
        matched = DELTA * stages[..., side] + (1 - DELTA) * stages[..., side + 2]
        functions = counts[..., side + 2]
        length = DELTA * (counts[..., side] - functions) + (1 - DELTA) * functions
        shares.append((weights * matched).sum(-1) / np.where(length > 0, length, 1))
    precision, recall = shares
    both = ALPHA * precision + (1 - ALPHA) * recall
    mean = precision * recall / np.where(both > 0, both, 1)
    words = counts[..., _MATCHED] + counts[..., _MATCHED_REFERENCE]
    fragments = 2 * counts[..., _CHUNKS] / np.where(words > 0, words, 1)
    fragments = np.where(perfect(counts), 0, fragments)
    return np.asarray(mean * (1 - GAMMA * fragments**BETA))


def corpus_score(counts: Floats) -> float:
    """Return the score of a corpus: that of the sum of its counts.

    Args:
        counts: `(segments, 23)`.
    """
    if not len(counts):
        return 0.0
    return float(score_of(summands(counts).sum(0)))


def summands(counts: Floats) -> Floats:
    """Return what a corpus sums: a perfect match adds no chunk, as its own fragmentation is 0.

    Args:
        counts: `(segments, 23)`.

    Returns:
        The same, in an array of its own.
    """
    found = counts.copy()
    found[perfect(counts), _CHUNKS] = 0
    return found
