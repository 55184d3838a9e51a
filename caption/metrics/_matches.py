"""Which n-grams hypotheses share with their references, and how often each holds them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from caption.metrics._references import (
    Captions,
    Hypotheses,
    Integers,
    References,
    starts_of,
)

# Hypotheses matched at once: bounds the memory, and keeps the arrays in the processor's caches.
_BLOCK = 512


@dataclass(frozen=True)
class Pairs:
    """Some hypotheses, each beside each reference of its image.

    Attributes:
        rows: which of all hypotheses these are.
        hypotheses: these, from row 0.
        references: the reference of each pair, copied.
        hypothesis_of: ``(pairs,)`` the row in `hypotheses`; ascending.
        reference_of: ``(pairs,)`` the row among all references.
        vocabulary: numbers of words are smaller.
    """

    rows: slice
    hypotheses: Captions
    references: Captions
    hypothesis_of: Integers
    reference_of: Integers
    vocabulary: int


@dataclass(frozen=True)
class Shared:
    """The n-grams of one length: those of the hypotheses, and those that references share.

    Equal n-grams of two hypotheses count as two.

    Attributes:
        hypothesis_of: ``(ngrams,)`` the hypothesis that has it.
        counts: ``(ngrams,)`` how often.
        places: ``(ngrams,)`` where in the words of the hypotheses it occurs, once.
        ngram: ``(shared,)`` which of them a reference holds too, ascending;
        pair: ``(shared,)`` in which pair,
        reference_counts: ``(shared,)`` and how often.
    """

    hypothesis_of: Integers
    counts: Integers
    places: Integers
    ngram: Integers
    pair: Integers
    reference_counts: Integers


@dataclass(frozen=True)
class Alignment:
    """The words of each pair's reference that its hypothesis has too.

    Attributes:
        words: ``(tokens of the hypotheses,)`` a number for the word, another in each hypothesis.
        count: numbers of words are smaller.
        places: ``(matched,)`` where in the references' words; ascending.
        matched: ``(matched,)`` the number of that word.
    """

    words: Integers
    count: int
    places: Integers
    matched: Integers


def pairs_of(hypotheses: Hypotheses, references: References) -> Iterator[Pairs]:
    """The pairs of all hypotheses, some hypotheses at a time."""
    words = len(references.vocabulary) + len(hypotheses.unknown)
    for start in range(0, len(hypotheses), _BLOCK):
        rows = slice(start, min(start + _BLOCK, len(hypotheses)))
        images = hypotheses.images[rows]
        counts = references.firsts[images + 1] - references.firsts[images]
        starts = starts_of(counts)
        reference_of = np.arange(starts[-1]) + np.repeat(
            references.firsts[images] - starts[:-1], counts
        )
        yield Pairs(
            rows=rows,
            hypotheses=hypotheses.captions.take(np.arange(rows.start, rows.stop)),
            references=references.captions.take(reference_of),
            hypothesis_of=np.repeat(np.arange(len(images)), counts),
            reference_of=reference_of,
            vocabulary=words,
        )


def align(pairs: Pairs) -> Alignment:
    """Find the words of each reference in the hypothesis of its pair."""
    owner = np.repeat(np.arange(len(pairs.hypotheses.lengths)), pairs.hypotheses.lengths)
    keys = owner * pairs.vocabulary + pairs.hypotheses.words
    distinct = sorted_unique(keys)
    of_pair = np.repeat(pairs.hypothesis_of, pairs.references.lengths)
    found = find(distinct, of_pair * pairs.vocabulary + pairs.references.words)
    places = np.flatnonzero(found >= 0)
    return Alignment(np.searchsorted(distinct, keys), len(distinct), places, found[places])


def shared_ngrams(pairs: Pairs, longest: int) -> Iterator[Shared]:
    """The n-grams of each length from 1 to `longest`.

    An n-gram is told by the number of its first n - 1 words, given one length earlier, and that
    of its last word: both are below the number of tokens, so that the product never overflows.
    """
    alignment = align(pairs)
    owner = np.repeat(np.arange(len(pairs.hypotheses.lengths)), pairs.hypotheses.lengths)
    pair_of = np.repeat(np.arange(len(pairs.reference_of)), pairs.references.lengths)
    ends = np.repeat(pairs.hypotheses.starts[1:], pairs.hypotheses.lengths)
    reference_ends = np.repeat(pairs.references.starts[1:], pairs.references.lengths)
    words = np.full(len(pair_of), -1)
    words[alignment.places] = alignment.matched
    begin, numbers, size = np.arange(len(owner)), alignment.words, alignment.count
    places, found = alignment.places, alignment.matched
    for length in range(1, longest + 1):
        if length > 1:
            fits = begin + length <= ends[begin]
            begin, numbers = begin[fits], numbers[fits]
            keys = numbers * alignment.count + alignment.words[begin + length - 1]
            distinct = sorted_unique(keys)
            numbers, size = np.searchsorted(distinct, keys), len(distinct)
            fits = places + length <= reference_ends[places]
            places, found = places[fits], found[fits]
            last = words[places + length - 1]
            found = np.where(last >= 0, find(distinct, found * alignment.count + last), -1)
            places, found = places[found >= 0], found[found >= 0]
        one = np.zeros(size, np.int64)
        one[numbers] = begin
        keys, counts = runs(found * len(pairs.reference_of) + pair_of[places])
        ngram, pair = np.divmod(keys, max(1, len(pairs.reference_of)))
        counted = np.bincount(numbers, minlength=size)
        yield Shared(owner[one], counted, one, ngram, pair, counts)


def runs(keys: Integers) -> tuple[Integers, Integers]:
    """The different values, ascending, and how often each occurs."""
    ordered = np.sort(keys)
    starts = np.flatnonzero(_differs(ordered))
    return ordered[starts], np.diff(starts, append=len(ordered))


def sorted_unique(keys: Integers) -> Integers:
    """The different values, ascending; without NumPy's detours, several times faster."""
    ordered = np.sort(keys)
    return ordered[_differs(ordered)]


def find(table: Integers, keys: Integers) -> Integers:
    """The place of each key in an ascending table; -1 where it is not there."""
    if not len(table):
        return np.full(len(keys), -1)
    places = np.searchsorted(table, keys)
    np.minimum(places, len(table) - 1, out=places)
    return np.where(table[places] == keys, places, -1)


def _differs(ordered: Integers) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Where a value differs from the one before it."""
    first = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return first
