"""The weights of n-grams, and what hypotheses score by them: what CIDEr and CIDEr-D share."""

from collections.abc import Sequence
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
from caption.metrics._references import Integers, References, Tokens, number_hypotheses
from caption.metrics._scored import Floats, MetricScores, mean_scores
from simlearn.errors import UserError


class Weighted(NamedTuple):
    """References whose n-grams have weights.

    `norms` is ``(lengths of n-grams, references)``; `words` gives the number that a word of the
    references' vocabulary has in that of the frequencies, or -1.
    """

    references: References
    frequencies: DocumentFrequencies
    norms: Floats
    words: Integers


def weigh(
    references: References, frequencies: DocumentFrequencies | None, longest: int
) -> Weighted:
    """Weigh the n-grams of references by given frequencies, or by their own."""
    captions, size = references.captions, len(references.vocabulary)
    levels = ngram_levels(captions, size, longest)
    if frequencies is None:
        norms, tables = [], []
        for level in levels:
            tables.append(count_images(level, references))
            norms.append(_norms(level, references, idf(tables[-1].images, len(references))))
        own = frequencies_of(references, iter(tables))
        return Weighted(references, own, np.stack(norms), np.arange(size))
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
    return Weighted(references, frequencies, np.stack(norms), words)


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


def scores_of(
    name: str,
    hypotheses: Sequence[Tokens],
    images: ArrayLike | None,
    weighted: Weighted,
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


def _of_pairs(pairs: Pairs, weighted: Weighted, words: Integers, sigma: float | None) -> Floats:
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
