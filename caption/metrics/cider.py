"""CIDEr and CIDEr-D: does a caption say what the references agree on, weighted by rarity?"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from caption.metrics._frequencies import (
    DocumentFrequencies,
    Level,
    count_images,
    frequencies_of,
    ngram_levels,
)
from caption.metrics._matches import Pairs, Shared, pairs_of, shared_ngrams
from caption.metrics._references import (
    Integers,
    References,
    Tokens,
    as_references,
    number_hypotheses,
    split_again,
)
from caption.metrics._scored import Compat, Floats, MetricScores, check_compat, mean_scores
from caption.metrics.bleu import resplit_references
from simlearn.errors import UserError


class _Weighted(NamedTuple):
    """References whose n-grams have weights.

    `norms` is ``(lengths of n-grams, references)``; `words` gives the number that a word of the
    references' vocabulary has in that of the frequencies, or -1.
    """

    references: References
    frequencies: DocumentFrequencies
    norms: Floats
    words: Integers


class CiderD:
    """CIDEr-D, the metric that the COCO caption evaluation calls CIDEr.

    An n-gram that a caption holds c times weighs ``g = c (log N - log max(1, df))``, where df of
    the N images of a corpus hold it in any reference. With n = 1..4 and d the difference of the
    lengths,

    ``CIDEr-D = 10 mean_n mean_r exp(-d^2 / (2 sigma^2)) sum min(g_h, g_r) g_r / (|g_h| |g_r|)``.

    The references are prepared once, so that scoring some hundred hypotheses takes milliseconds,
    as a reward in training needs it.

    Args:
        references: for each image its references, lists of words; or `References`.
        frequencies: of a corpus; by default of these references.
        sigma: of the penalty for another length, in words, positive.
        longest: length of the longest n-grams, at least 1.
        compat: `"coco"` scores a single image without frequencies of a corpus, which is then 0
            whatever the caption, and splits a word at a space within it.

    Raises:
        UserError: an image has no references, an argument is out of its range, or there is a
            single image and no corpus, so that every n-gram would weigh nothing.

    Examples:
        >>> dogs = [["a", "brown", "dog", "runs", "on", "grass"], ["the", "brown", "dog", "runs"]]
        >>> cats = [["a", "cat", "sleeps", "on", "a", "sofa"]]
        >>> reward = CiderD([dogs, cats])
        >>> reward.score([dogs[1], ["a", "cat", "sleeps"]]).per_image["cider_d"].round(2)
        array([6.92, 4.3 ])
        >>> reward.score([["a", "dog"], ["brown", "dog"]], images=[0, 0]).corpus["cider_d"] > 0
        True

    Reference:
        R. Vedantam et al., CIDEr: Consensus-based Image Description Evaluation, CVPR 2015.
        Deviations, those of the evaluation: words are not stemmed, and the difference of the
        lengths is that of the bigrams, the same wherever both captions hold a word.
    """

    name = "cider_d"

    def __init__(
        self,
        references: References | Sequence[Sequence[Tokens]],
        *,
        frequencies: DocumentFrequencies | None = None,
        sigma: float = 6.0,
        longest: int = 4,
        compat: Compat = None,
    ) -> None:
        if not sigma > 0:
            raise UserError(f"sigma: expected a positive number, got {sigma}")
        check_compat(compat)
        prepared = as_references(references)
        if compat == "coco":
            prepared = resplit_references(prepared)
        elif len(prepared) == 1 and frequencies is None:
            raise UserError(
                f"{self.name}: expected at least 2 images or the frequencies of a corpus, got 1 "
                "image: every n-gram would weigh log(1/1) = 0, and so every caption"
            )
        self.sigma = sigma
        self.compat = compat
        self._weighted = _weigh(prepared, frequencies, longest)

    @property
    def frequencies(self) -> DocumentFrequencies:
        """Of the corpus that the weights come from."""
        return self._weighted.frequencies

    def score(self, hypotheses: Sequence[Tokens], images: ArrayLike | None = None) -> MetricScores:
        """Score hypotheses.

        Args:
            hypotheses: each a list of words, perhaps empty.
            images: ``(hypotheses,)`` the row of each one's image; not given, there is one for
                each image, in order.

        Returns:
            Scores `cider_d`, in 0..10, higher is better.

        Raises:
            UserError: another number of hypotheses than of images, or a row out of range.
        """
        if self.compat == "coco":
            hypotheses = split_again(hypotheses)
        return _scores(self.name, hypotheses, images, self._weighted, self.sigma)


class Cider:
    """CIDEr as first published: stems, no clipping, no penalty for another length.

    ``CIDEr = 10 mean_n mean_r sum g_h g_r / (|g_h| |g_r|)``, with weights as of `CiderD`. It can
    be gamed by repeating what is rare; CIDEr-D is what papers report.

    Args:
        references: for each image its references, lists of words.
        stem: from a word to its stem; by default the Snowball stemmer for English of NLTK.
        frequencies: of a corpus of *stems*; by default of these references.
        longest: length of the longest n-grams, at least 1.

    Raises:
        UserError: as of `CiderD`, or NLTK is missing.

    Examples:
        >>> dogs = [["a", "brown", "dog", "runs"], ["two", "dogs", "run"]]
        >>> cider = Cider([dogs, [["a", "cat"]]], stem=lambda word: word.rstrip("s"))
        >>> cider.score([["a", "dog", "run"], ["a", "cat"]]).per_image["cider"].round(2)
        array([3.18, 5.  ])

    Reference:
        R. Vedantam et al., CIDEr: Consensus-based Image Description Evaluation, CVPR 2015.
        Deviation: the factor 10 of CIDEr-D. The paper names no stemmer.
    """

    name = "cider"

    def __init__(
        self,
        references: Sequence[Sequence[Tokens]],
        *,
        stem: Callable[[str], str] | None = None,
        frequencies: DocumentFrequencies | None = None,
        longest: int = 4,
    ) -> None:
        self._stem = stem or english_stemmer()
        self._stems: dict[str, str] = {}
        prepared = References([self._stemmed(image) for image in references])
        if len(prepared) == 1 and frequencies is None:
            raise UserError(
                f"{self.name}: expected at least 2 images or the frequencies of a corpus, got 1"
            )
        self._weighted = _weigh(prepared, frequencies, longest)

    @property
    def frequencies(self) -> DocumentFrequencies:
        """Of the corpus that the weights come from."""
        return self._weighted.frequencies

    def score(self, hypotheses: Sequence[Tokens], images: ArrayLike | None = None) -> MetricScores:
        """Score hypotheses, as `CiderD.score` does; the scores are called `cider`."""
        return _scores(self.name, self._stemmed(hypotheses), images, self._weighted, None)

    def _stemmed(self, captions: Sequence[Tokens]) -> list[list[str]]:
        for caption in captions:
            for word in caption:
                if word not in self._stems:
                    self._stems[word] = self._stem(word)
        return [[self._stems[word] for word in caption] for caption in captions]


def english_stemmer() -> Callable[[str], str]:
    """NLTK's Snowball stemmer for English.

    Raises:
        UserError: NLTK is missing.
    """
    try:
        from nltk.stem.snowball import EnglishStemmer
    except ImportError as error:
        raise UserError(
            "stems: expected NLTK, which is not installed: pip install 'simlearn[captions]'"
        ) from error
    stem: Callable[[str], str] = EnglishStemmer().stem
    return stem


def _weigh(
    references: References, frequencies: DocumentFrequencies | None, longest: int
) -> _Weighted:
    """Weigh the n-grams of references by given frequencies, or by their own."""
    captions, size = references.captions, len(references.vocabulary)
    levels = ngram_levels(captions, size, longest)
    if frequencies is None:
        norms, tables = [], []
        for level in levels:
            tables.append(count_images(level, references))
            norms.append(_norms(level, references, idf(tables[-1].images, len(references))))
        own = frequencies_of(references, iter(tables))
        return _Weighted(references, own, np.stack(norms), np.arange(size))
    if frequencies.longest < longest:
        raise UserError(
            f"frequencies: expected n-grams up to {longest} words, got {frequencies.longest}"
        )
    words = _words_in(frequencies, tuple(references.vocabulary))
    counts = frequencies.counts_at(words[captions.words])
    norms = [
        _norms(level, references, idf(images[level.places], frequencies.images))
        for level, images in zip(levels, counts, strict=False)
    ]
    return _Weighted(references, frequencies, np.stack(norms), words)


def idf(images: Integers, corpus: int) -> Floats:
    """``log N - log max(1, df)``, the weight of one occurrence of an n-gram."""
    weights: Floats = np.log(float(corpus)) - np.log(np.maximum(images, 1))
    return weights


def _words_in(frequencies: DocumentFrequencies, words: tuple[str, ...]) -> Integers:
    return np.array([frequencies.vocabulary.get(word, -1) for word in words], np.int64)


def _norms(level: Level, references: References, weights: Floats) -> Floats:
    """The length of the vector of weights of each reference."""
    squares = (level.counts * weights[level.ngram]) ** 2
    return np.sqrt(np.bincount(level.caption, squares, len(references.captions.lengths)))


def _scores(
    name: str,
    hypotheses: Sequence[Tokens],
    images: ArrayLike | None,
    weighted: _Weighted,
    sigma: float | None,
) -> MetricScores:
    """Scores of hypotheses; `sigma` for CIDEr-D, None for CIDEr."""
    numbered = number_hypotheses(hypotheses, weighted.references, images)
    unknown = np.full(len(numbered.unknown), -1)
    frequencies = weighted.frequencies
    if frequencies.vocabulary is not weighted.references.vocabulary:
        unknown = _words_in(frequencies, numbered.unknown)
    words = np.concatenate([weighted.words, unknown])
    values = np.zeros(len(numbered))
    for pairs in pairs_of(numbered, weighted.references):
        values[pairs.rows] = _of_pairs(pairs, weighted, words, sigma)
    settings = {"idf": frequencies.fingerprint[:12], "idf_images": str(frequencies.images)}
    if sigma is not None:
        settings["sigma"] = f"{sigma:g}"
    return mean_scores(name, values, settings)


def _of_pairs(pairs: Pairs, weighted: _Weighted, words: Integers, sigma: float | None) -> Floats:
    """The score of each hypothesis of some pairs."""
    similarity = np.zeros(len(pairs.reference_of))
    counts = weighted.frequencies.counts_at(words[pairs.hypotheses.words])
    longest = len(weighted.norms)
    for order, shared in enumerate(shared_ngrams(pairs, longest)):
        weights = idf(next(counts)[shared.places], weighted.frequencies.images)
        norms = weighted.norms[order, pairs.reference_of]
        similarity += _cosines(pairs, shared, weights, norms, clipped=sigma is not None)
    if sigma is not None:
        own = _bigrams(pairs.hypotheses.lengths)[pairs.hypothesis_of]
        difference = (own - _bigrams(pairs.references.lengths)).astype(np.float64)
        similarity *= np.exp(-(difference**2) / (2 * sigma**2))
    count = len(pairs.hypotheses.lengths)
    sums = np.bincount(pairs.hypothesis_of, similarity, count)
    result: Floats = 10.0 * sums / longest / np.bincount(pairs.hypothesis_of, minlength=count)
    return result


def _cosines(
    pairs: Pairs, shared: Shared, weights: Floats, norms: Floats, *, clipped: bool
) -> Floats:
    """Of each pair the cosine of its vectors of weights, for n-grams of one length."""
    count = len(pairs.hypotheses.lengths)
    own = np.sqrt(np.bincount(shared.hypothesis_of, (shared.counts * weights) ** 2, count))
    times = shared.counts[shared.ngram]
    if clipped:
        times = np.minimum(times, shared.reference_counts)
    products = weights[shared.ngram] ** 2 * (times * shared.reference_counts)
    dots = np.bincount(shared.pair, products, len(norms))
    lengths = own[pairs.hypothesis_of] * norms
    return np.divide(dots, lengths, out=np.zeros_like(lengths), where=lengths > 0)


def _bigrams(lengths: Integers) -> Integers:
    return np.maximum(lengths - 1, 0)
