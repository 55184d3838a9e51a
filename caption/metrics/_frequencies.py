"""In how many images' references does an n-gram occur? The corpus behind CIDEr's weights."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from caption.metrics._checks import check_whole
from caption.metrics._matches import find, runs, sorted_unique
from caption.metrics._references import Captions, Integers, References, Tokens, as_references


class Level(NamedTuple):
    """The n-grams of one length in some captions.

    `keys` tell them apart, ascending: the number of the first n - 1 words times the size of the
    vocabulary, plus the last word. `places` is where each starts, once. Every n-gram of every
    caption is one entry of `caption`, `ngram` (its place in `keys`) and `counts`.
    """

    keys: Integers
    places: Integers
    caption: Integers
    ngram: Integers
    counts: Integers


class _Table(NamedTuple):
    """`keys` as in `Level`, the number of images with each, and last 0 for none of them, row -1."""

    keys: Integers
    images: Integers


@dataclass(frozen=True, eq=False)
class DocumentFrequencies:
    """How many images of a corpus hold each n-gram in any of their references.

    Made by `document_frequencies`; by default, CIDEr makes its own of the references that it
    scores with.

    Attributes:
        images: of the corpus.
        longest: length of the longest n-grams.
        vocabulary: number of each word.
        fingerprint: SHA-256 of the corpus, in hexadecimal.
        tables: of each length the n-grams and their counts.
    """

    images: int
    longest: int
    vocabulary: dict[str, int]
    fingerprint: str
    tables: tuple[_Table, ...]

    def counts_at(self, words: Integers) -> Iterator[Integers]:
        """Of each length n, the images that hold the n-gram which starts at each word.

        Args:
            words: numbers of this vocabulary, -1 for a word that is not in it.

        Yields:
            ``(len(words),)`` counts; what they say of the last n - 1 words means nothing.
        """
        size, numbers = len(self.vocabulary), words
        for length, table in enumerate(self.tables, start=1):
            if length > 1:
                last = np.full(len(words), -1)
                last[: max(0, len(words) - length + 1)] = words[length - 1 :]
                known = (numbers >= 0) & (last >= 0)
                numbers = np.where(known, find(table.keys, numbers * size + last), -1)
            yield table.images[numbers]


def document_frequencies(
    references: References | Sequence[Sequence[Tokens]], *, longest: int = 4
) -> DocumentFrequencies:
    """Count in how many images each n-gram occurs.

    Args:
        references: for each image of the corpus its references, lists of words; or `References`.
        longest: length of the longest n-grams, at least 1.

    Raises:
        UserError: an argument is out of its range.

    Examples:
        >>> corpus = document_frequencies([[["a", "dog"], ["a", "cat"]], [["a", "dog", "barks"]]])
        >>> words = np.array([corpus.vocabulary[word] for word in ("a", "dog", "barks")])
        >>> [counts[0].item() for counts in corpus.counts_at(words)]
        [2, 2, 1, 0]
    """
    prepared = as_references(references)
    levels = ngram_levels(prepared.captions, len(prepared.vocabulary), longest)
    return frequencies_of(prepared, (count_images(level, prepared) for level in levels))


def frequencies_of(references: References, tables: Iterator[_Table]) -> DocumentFrequencies:
    """Frequencies of references whose n-grams were counted."""
    counted = tuple(tables)
    return DocumentFrequencies(
        images=len(references),
        longest=len(counted),
        vocabulary=references.vocabulary,
        fingerprint=references.fingerprint,
        tables=counted,
    )


def count_images(level: Level, references: References) -> _Table:
    """In how many images each n-gram occurs."""
    pairs = sorted_unique(level.ngram * len(references) + references.image_of[level.caption])
    images = np.bincount(pairs // len(references), minlength=len(level.keys) + 1)
    return _Table(level.keys, images)


def ngram_levels(captions: Captions, vocabulary: int, longest: int) -> Iterator[Level]:
    """The n-grams of each length from 1 to `longest` in captions.

    Args:
        captions: their words are numbers below `vocabulary`, all of which occur.
        vocabulary: how many words there are.
        longest: at least 1.
    """
    check_whole("longest", longest, 1)
    caption_of = np.repeat(np.arange(len(captions.lengths)), captions.lengths)
    ends = captions.starts[1:][caption_of]
    begin, numbers = np.arange(len(ends)), captions.words
    keys = np.arange(vocabulary)
    for length in range(1, longest + 1):
        if length > 1:
            fits = begin + length <= ends[begin]
            begin, numbers = begin[fits], numbers[fits]
            every = numbers * vocabulary + captions.words[begin + length - 1]
            keys = sorted_unique(every)
            numbers = np.searchsorted(keys, every)
        places = np.zeros(len(keys), np.int64)
        places[numbers] = begin
        size = max(1, len(keys))
        entries, counts = runs(caption_of[begin] * size + numbers)
        caption, ngram = np.divmod(entries, size)
        yield Level(keys, places, caption, ngram, counts)
