"""BLEU-1 to BLEU-4: how many of a caption's n-grams stand in its references?"""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from caption._compat import Compat, check_compat
from caption.metrics._checks import check_whole
from caption.metrics._matches import Pairs, pairs_of, shared_ngrams
from caption.metrics._references import (
    Integers,
    References,
    Tokens,
    as_references,
    number_hypotheses,
    resplit_references,
    split_again,
)
from caption.metrics._scored import Floats, MetricScores

# The constants that the COCO caption evaluation adds to numerators and denominators.
_TINY, _SMALL = 1e-15, 1e-9


class Bleu:
    """BLEU of captions that may have several references.

    With c_k of a hypothesis' g_k k-grams found in its references, each at most as often as the
    reference holds it that holds it most often, and both summed over the corpus,

    ``BLEU_n = min(1, exp(1 - r / c)) (prod_k c_k / g_k)^(1/n)``, k = 1..n,

    where c sums the lengths of the hypotheses and r those of the references, of each image the
    reference closest in length, and of two equally close the shorter.

    Args:
        references: for each image its references, lists of words; or `References`.
        longest: n of the last score, at least 1.
        compat: `"coco"` adds the evaluation's constants, 1e-15 to numerators and 1e-9 to
            denominators, and splits a word at a space within it. A corpus' score then differs by
            less than 1e-9; that of one caption without any matching 4-gram is up to 1e-4 and
            not 0.

    Raises:
        UserError: an image has no references, or an argument is out of its range.

    Examples:
        >>> bleu = Bleu([[["a", "dog", "runs", "on", "grass"], ["a", "brown", "dog", "running"]]])
        >>> found = bleu.score([["a", "dog", "runs", "fast"]])
        >>> {name: round(value, 4) for name, value in found.corpus.items()}
        {'bleu_1': 0.75, 'bleu_2': 0.7071, 'bleu_3': 0.63, 'bleu_4': 0.0}

    Reference:
        K. Papineni et al., BLEU: a Method for Automatic Evaluation of Machine Translation, ACL
        2002. Deviation: the reference length is the closest one's, as the COCO evaluation and
        NLTK have it, not the shortest.
    """

    def __init__(
        self,
        references: References | Sequence[Sequence[Tokens]],
        *,
        longest: int = 4,
        compat: Compat = None,
    ) -> None:
        check_whole("longest", longest, 1)
        check_compat(compat)
        self.longest = longest
        self.compat = compat
        self.references = as_references(references)
        if compat == "coco":
            self.references = resplit_references(self.references)

    def score(self, hypotheses: Sequence[Tokens], images: ArrayLike | None = None) -> MetricScores:
        """Score hypotheses.

        Args:
            hypotheses: each a list of words, perhaps empty.
            images: ``(hypotheses,)`` the row of each one's image; not given, there is one for
                each image, in order.

        Returns:
            Scores `bleu_1` to `bleu_<longest>`, in 0..1, higher is better. Of a hypothesis with
            fewer than n words BLEU-n is 0.

        Raises:
            UserError: another number of hypotheses than of images, or a row out of range.
        """
        if self.compat == "coco":
            hypotheses = split_again(hypotheses)
        numbered = number_hypotheses(hypotheses, self.references, images)
        statistics = np.zeros((len(numbered), 2 * self.longest + 2))
        for pairs in pairs_of(numbered, self.references):
            statistics[pairs.rows] = _statistics(pairs, self.longest)
        names = [f"bleu_{n}" for n in range(1, self.longest + 1)]
        aggregate = partial(_aggregate, self.longest, self.compat == "coco")
        corpus = aggregate(statistics.sum(axis=0), len(statistics))
        each = aggregate(statistics, 1)
        return MetricScores(
            corpus=dict(zip(names, corpus.tolist(), strict=True)),
            per_image={name: each[:, n].copy() for n, name in enumerate(names)},
            statistics=statistics,
            aggregate=aggregate,
            settings={"ref_length": "closest", "smoothing": "coco" if self.compat else "none"},
        )


def _statistics(pairs: Pairs, longest: int) -> Floats:
    """Of each hypothesis the matches and k-grams of each length, its own and the closest length."""
    lengths = pairs.hypotheses.lengths
    matched, counted = [], []
    for order, shared in enumerate(shared_ngrams(pairs, longest)):
        most = np.zeros(len(shared.counts), np.int64)
        np.maximum.at(most, shared.ngram, shared.reference_counts)
        clipped = np.minimum(most, shared.counts)
        matched.append(np.bincount(shared.hypothesis_of, clipped, minlength=len(lengths)))
        counted.append(np.maximum(lengths - order, 0))
    return np.stack([*matched, *counted, lengths, _closest(pairs)], axis=1).astype(np.float64)


def _closest(pairs: Pairs) -> Integers:
    """The length of the reference closest to each hypothesis in length; of two, the shorter."""
    lengths = pairs.references.lengths
    distance = np.abs(lengths - pairs.hypotheses.lengths[pairs.hypothesis_of])
    # The lengths decide where distances agree.
    base = int(lengths.max(initial=0)) + 1
    firsts = np.flatnonzero(np.diff(pairs.hypothesis_of, prepend=-1))
    return np.minimum.reduceat(distance * base + lengths, firsts) % base


def _aggregate(longest: int, coco: bool, sums: Floats, count: int) -> Floats:
    """Scores from sums of what `_statistics` counts."""
    tiny, small = (_TINY, _SMALL) if coco else (0.0, 0.0)
    matched, counted = sums[..., :longest] + tiny, sums[..., longest : 2 * longest] + small
    length, closest = sums[..., -2] + tiny, sums[..., -1] + small
    precision = np.divide(matched, counted, out=np.zeros_like(matched), where=counted > 0)
    products = np.cumprod(precision, axis=-1) ** (1.0 / np.arange(1, longest + 1))
    # A hypothesis without words has no precision either, whatever stands here.
    ratio = np.divide(length, closest, out=np.ones_like(length), where=(length > 0) & (closest > 0))
    penalty = np.exp(np.minimum(0.0, 1.0 - 1.0 / ratio))
    result: Floats = products * penalty[..., None]
    return result
