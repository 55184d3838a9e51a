"""Phrases of captions that stand in the paraphrase table."""

from collections.abc import Iterator, Sequence

import numpy as np

from caption.metrics.meteor._hashing import BLOCK, Int64s
from caption.metrics.meteor._table import ParaphraseTable

Spans = list[tuple[int, int]]
"""Where a phrase stands in a sentence: first word, and number of words."""


class Phrases:
    """What the table says of some sentences.

    Attributes:
        spans: for each sentence its phrases, by number, with where they stand.
        targets: a phrase's paraphrases among those of the sentences, with their places in the
            table.
        sources: those phrases that a phrase is a paraphrase of.
    """

    def __init__(self, sentences: Sequence[Sequence[str]], table: ParaphraseTable) -> None:
        parts = [_found(*block, table) for block in _blocks(sentences)]
        sentence, start, length, phrase = (
            np.concatenate([part[column] for part in parts] or [np.zeros(0, np.int64)])
            for column in range(4)
        )
        one, other, place = table.among(np.unique(phrase))
        self.targets: dict[int, dict[int, int]] = {}
        self.sources: dict[int, set[int]] = {}
        pairs = zip(one.tolist(), other.tolist(), place.tolist(), strict=True)
        for source, target, row in pairs:
            self.targets.setdefault(source, {}).setdefault(target, row)
            self.sources.setdefault(target, set()).add(source)
        self.spans: list[dict[int, Spans]] = [{} for _ in sentences]
        matched = np.isin(phrase, np.union1d(one, other))
        columns = (column[matched].tolist() for column in (sentence, start, length, phrase))
        for at, first, words, number in zip(*columns, strict=True):
            self.spans[at].setdefault(number, []).append((first, words))


def _blocks(sentences: Sequence[Sequence[str]]) -> Iterator[tuple[bytes, Int64s, Int64s]]:
    """Yield texts of a bounded size, with the number of each sentence and of its words."""
    lines: list[bytes] = []
    counts: list[int] = []
    first, size = 0, 0
    for number, sentence in enumerate(sentences):
        line = " ".join(sentence).encode("utf-8", "surrogatepass")
        if lines and size + len(line) > BLOCK // 4:
            yield b"\n".join(lines), np.arange(first, number), np.array(counts)
            lines, counts, first, size = [], [], number, 0
        lines.append(line)
        counts.append(len(sentence))
        size += len(line) + 1
    if lines:
        yield b"\n".join(lines), np.arange(first, len(sentences)), np.array(counts)


def _found(
    text: bytes, numbers: Int64s, counts: Int64s, table: ParaphraseTable
) -> tuple[Int64s, Int64s, Int64s, Int64s]:
    """Look up all runs of words up to the table's longest phrase."""
    letters = np.frombuffer(text, np.uint8)
    inside = (letters != ord(" ")) & (letters != ord("\n"))
    edges = np.diff(np.concatenate(([False], inside, [False])).astype(np.int8))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    sentence = np.repeat(numbers, counts)
    place = np.arange(len(starts)) - np.repeat(np.cumsum(counts) - counts, counts)
    longest = min(table.longest, int(counts.max(initial=0)))
    lasts = np.zeros((longest, len(starts)), np.int64)
    for more in range(longest):
        whole = sentence[: len(starts) - more] == sentence[more:]
        lasts[more, : len(starts) - more] = np.where(whole, ends[more:], 0)
    (more_words, words), phrase = table.find(text, starts, lasts)
    return sentence[words], place[words], more_words + 1, phrase
