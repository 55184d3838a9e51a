"""ROUGE-L: how long is the longest common subsequence of a caption and its references?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from caption._compat import Compat, check_compat
from caption.metrics._checks import check_positive
from caption.metrics._matches import Alignment, Pairs, align, pairs_of
from caption.metrics._references import (
    Integers,
    References,
    Tokens,
    as_references,
    number_hypotheses,
)
from caption.metrics._scored import Floats, MetricScores, mean_scores

# Words of a hypothesis that fit into the bits of one integer.
_BITS = 64


class RougeL:
    """ROUGE-L of captions that may have several references.

    With L the length of the longest common subsequence,

    ``P = max_r L(h, r) / |h|``, ``R = max_r L(h, r) / |r|``,
    ``F = (1 + beta^2) P R / (R + beta^2 P)``,

    the two maxima each for itself; the corpus' score is the mean.

    Args:
        references: for each image its references, lists of words; or `References`.
        beta: weight of recall R over precision P, positive and finite.
        compat: `"coco"` takes a caption without words for one that holds the empty word, so that
            an empty hypothesis beside an empty reference scores 1 and not 0.

    Raises:
        UserError: an image has no references, or an argument is out of its range.

    Examples:
        >>> rouge = RougeL([[["a", "dog", "runs", "on", "grass"], ["a", "brown", "dog"]]])
        >>> round(rouge.score([["a", "dog", "runs", "fast"]]).corpus["rouge_l"], 4)
        0.6985

    Reference:
        C.-Y. Lin, F. J. Och, Automatic Evaluation of Machine Translation Quality Using Longest
        Common Subsequence and Skip-Bigram Statistics, ACL 2004; beta = 1.2 as in the COCO caption
        evaluation. The subsequences: H. Hyyrö, Bit-parallel LCS-length computation revisited,
        2004.
    """

    def __init__(
        self,
        references: References | Sequence[Sequence[Tokens]],
        *,
        beta: float = 1.2,
        compat: Compat = None,
    ) -> None:
        check_positive("beta", beta)
        check_compat(compat)
        self.beta = beta
        self.compat = compat
        self.references = as_references(references)
        if compat == "coco" and not self.references.captions.lengths.all():
            words = self.references.words_in_order()
            self.references = References([_filled(image) for image in words])

    def score(self, hypotheses: Sequence[Tokens], images: ArrayLike | None = None) -> MetricScores:
        """Score hypotheses.

        Args:
            hypotheses: each a list of words, perhaps empty.
            images: ``(hypotheses,)`` the row of each one's image; not given, there is one for
                each image, in order.

        Returns:
            Scores `rouge_l`, in 0..1, higher is better.

        Raises:
            UserError: another number of hypotheses than of images, or a row out of range.
        """
        if self.compat == "coco":
            hypotheses = _filled(hypotheses)
        numbered = number_hypotheses(hypotheses, self.references, images)
        values = np.zeros(len(numbered))
        for pairs in pairs_of(numbered, self.references):
            values[pairs.rows] = _f_measure(pairs, _common(pairs), self.beta)
        settings = {"beta": f"{self.beta:g}", "empty": "coco" if self.compat else "none"}
        return mean_scores("rouge_l", values, settings)


def _filled(captions: Sequence[Tokens]) -> list[Tokens]:
    """Captions of which each has a word, if only the empty one."""
    return [caption if len(caption) else [""] for caption in captions]


def _f_measure(pairs: Pairs, common: Integers, beta: float) -> Floats:
    own, theirs = pairs.hypotheses.lengths[pairs.hypothesis_of], pairs.references.lengths
    firsts = np.flatnonzero(np.diff(pairs.hypothesis_of, prepend=-1))
    precision = np.maximum.reduceat(common / np.maximum(own, 1), firsts)
    recall = np.maximum.reduceat(common / np.maximum(theirs, 1), firsts)
    below = recall + beta**2 * precision
    above = (1 + beta**2) * precision * recall
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def _common(pairs: Pairs) -> Integers:
    """The length of the longest common subsequence of each pair.

    Only a reference's words that its hypothesis has too can lie on it; the others are gone.
    """
    alignment = align(pairs)
    ends = np.searchsorted(alignment.places, pairs.references.starts)
    own = pairs.hypotheses.lengths[pairs.hypothesis_of]
    common = np.zeros(len(own), np.int64)
    short = np.flatnonzero(own <= _BITS)
    common[short] = _common_of_short(pairs, alignment, ends, short)
    for pair in np.flatnonzero(own > _BITS):
        row = pairs.hypothesis_of[pair]
        hypothesis = slice(*pairs.hypotheses.starts[row : row + 2])
        reference = alignment.matched[ends[pair] : ends[pair + 1]]
        common[pair] = common_length(alignment.words[hypothesis].tolist(), reference.tolist())
    return common


def _common_of_short(
    pairs: Pairs, alignment: Alignment, ends: Integers, short: Integers
) -> Integers:
    """The same for hypotheses whose words fit into the bits of an integer, all pairs at once.

    Bit i of `state` is 0 where the longest common subsequence with the first i + 1 words of the
    hypothesis is longer than with the first i. Each word of the references is one step.
    """
    lengths = pairs.hypotheses.lengths
    place = np.arange(len(alignment.words)) - np.repeat(pairs.hypotheses.starts[:-1], lengths)
    fits = place < _BITS
    masks = np.zeros(alignment.count, np.uint64)
    bits = np.left_shift(np.uint64(1), place[fits].astype(np.uint64))
    np.bitwise_or.at(masks, alignment.words[fits], bits)
    of_step = masks[alignment.matched]
    starts, counts = ends[short], np.diff(ends)[short]
    # The longest first, so that at each step those that go on are the first ones.
    order = np.argsort(-counts, kind="stable")
    starts, going_on = starts[order], np.cumsum(np.bincount(counts)[::-1])[::-1]
    state = np.full(len(short), ~np.uint64(0))
    for step in range(int(counts.max(initial=0))):
        # Overflow is what shifts a carry out at the top, and means nothing.
        active = state[: going_on[step + 1]]
        hits = active & of_step[starts[: going_on[step + 1]] + step]
        state[: going_on[step + 1]] = (active + hits) | (active - hits)
    common = np.empty(len(short), np.int64)
    common[order] = _count_bits(~state)
    return common


def _count_bits(numbers: NDArray[np.uint64]) -> Integers:
    """How many bits of each are set (`numpy.bitwise_count` came with NumPy 2)."""
    octets = numbers.view(np.uint8).reshape(len(numbers), _BITS // 8)
    return np.unpackbits(octets, axis=1).sum(axis=1, dtype=np.int64)


def common_length(left: Sequence[int], right: Sequence[int]) -> int:
    """The length of the longest common subsequence, in the bits of one large integer.

    Args:
        left: numbers of words.
        right: the same of the other side.

    Returns:
        How many words the two share in the same order.

    Examples:
        >>> common_length([3, 5, 7, 5, 2], [5, 3, 5, 2, 7])
        3
    """
    masks: dict[int, int] = {}
    for place, word in enumerate(left):
        masks[word] = masks.get(word, 0) | 1 << place
    every = (1 << len(left)) - 1
    state = every
    for word in right:
        hits = state & masks.get(word, 0)
        state = (state + hits | state - hits) & every
    return (state ^ every).bit_count()
