"""All matches between two sentences."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Final

from caption.metrics.meteor._aligner import (
    EXACT,
    PARAPHRASE_OF_HYPOTHESIS,
    PARAPHRASE_OF_REFERENCE,
    Match,
)
from caption.metrics.meteor._phrases import Phrases, Spans
from caption.metrics.meteor._table import ParaphraseTable
from caption.metrics.meteor._vocabulary import Vocabulary
from simlearn.errors import UserError

MOST_MATCHES: Final = 250_000
"""Between two captions; more would take minutes, and gigabytes before long."""

# Words of one caption times words of the other.
_SURELY_FEW: Final = 2_000


class Sentence:
    """A caption, ready to be matched.

    Attributes:
        words: what METEOR compares them by, their hashes.
        places: where each word stands, by number.
        functions: whether each word is a function word.
        spans: its phrases in the table and where they stand.
        near: words that match one of its words by stem or meaning.
        paraphrases: phrases that the table lists under one of its phrases.
    """

    __slots__ = ("functions", "near", "paraphrases", "places", "spans", "words")

    def __init__(
        self,
        numbers: list[int],
        words: list[int],
        functions: list[bool],
        spans: dict[int, Spans],
    ) -> None:
        self.words = words
        self.functions = functions
        self.spans = spans
        self.places: dict[int, list[int]] = {}
        for place, word in enumerate(numbers):
            self.places.setdefault(word, []).append(place)
        self.near: frozenset[int] = frozenset()
        self.paraphrases: frozenset[int] = frozenset()


class Corpus:
    """Sentences, and what is known of the matches between them.

    Args:
        texts: Distinct captions.
        vocabulary: Grows by their words.
        table: Of paraphrases.
    """

    def __init__(
        self, texts: Sequence[str], vocabulary: Vocabulary, table: ParaphraseTable
    ) -> None:
        self._vocabulary = vocabulary
        lines = [vocabulary.words_of(text) for text in texts]
        self._phrases = Phrases(lines, table)
        self.sentences = [
            self._sentence(line, spans)
            for line, spans in zip(lines, self._phrases.spans, strict=True)
        ]
        # Only now: later words are related to earlier ones too.
        related, targets = vocabulary.related, self._phrases.targets
        for sentence in self.sentences:
            sentence.near = frozenset().union(*[related[word] for word in sentence.places])
            sentence.paraphrases = frozenset().union(
                *[targets[phrase] for phrase in sentence.spans if phrase in targets]
            )

    def _sentence(self, line: list[str], spans: dict[int, Spans]) -> Sentence:
        hashes, functions = self._vocabulary.hashes, self._vocabulary.functions
        numbers = [self._vocabulary.number(word) for word in line]
        return Sentence(
            numbers,
            [hashes[number] for number in numbers],
            [functions[number] for number in numbers],
            spans,
        )

    def matches(self, hypothesis: Sentence, reference: Sentence) -> list[Match]:
        """Return all matches, sorted.

        Between equal sentences only exact ones, as METEOR does.

        Raises:
            UserError: There are more than `MOST_MATCHES`.
        """
        matches = self._all(hypothesis, reference)
        if len(hypothesis.words) * len(reference.words) > _SURELY_FEW:
            # A word said 8,000 times on either side makes 64 million.
            matches = islice(matches, MOST_MATCHES + 1)
        found = list(matches)
        if len(found) > MOST_MATCHES:
            raise UserError(
                f"expected captions with at most {MOST_MATCHES} matches between their words, got "
                f"more between {len(hypothesis.words)} and {len(reference.words)} words"
            )
        found.sort()
        return found

    def _all(self, hypothesis: Sentence, reference: Sentence) -> Iterator[Match]:
        same = (
            (j, EXACT, i, i, 1, 1)
            for word in hypothesis.places.keys() & reference.places.keys()
            for j in reference.places[word]
            for i in hypothesis.places[word]
        )
        alike = self._alike(hypothesis, reference)
        if hypothesis.words == reference.words:
            return chain(same, (match for match in alike if match[1] == EXACT))
        return chain(
            same,
            alike,
            self._listed_under_reference(hypothesis, reference),
            self._listed_under_hypothesis(hypothesis, reference),
        )

    def _alike(self, hypothesis: Sentence, reference: Sentence) -> Iterator[Match]:
        for word in hypothesis.near & reference.places.keys():
            related = self._vocabulary.related[word]
            for other in related.keys() & hypothesis.places.keys():
                for stage in related[other]:
                    for j in reference.places[word]:
                        for i in hypothesis.places[other]:
                            yield (j, stage, i, i, 1, 1)

    def _listed_under_reference(self, hypothesis: Sentence, reference: Sentence) -> Iterator[Match]:
        """By length of the reference's phrase, then as in the table, then by place."""
        sources, targets = self._phrases.sources, self._phrases.targets
        for target in reference.paraphrases & hypothesis.spans.keys():
            for source in sources[target] & reference.spans.keys():
                row = targets[source][target]
                for j, j_length in reference.spans[source]:
                    for i, i_length in hypothesis.spans[target]:
                        order = j_length << 64 | row << 24 | i
                        yield (j, PARAPHRASE_OF_REFERENCE, order, i, i_length, j_length)

    def _listed_under_hypothesis(
        self, hypothesis: Sentence, reference: Sentence
    ) -> Iterator[Match]:
        """By place of the hypothesis' phrase, then by its length, then as in the table."""
        sources, targets = self._phrases.sources, self._phrases.targets
        for target in hypothesis.paraphrases & reference.spans.keys():
            for source in sources[target] & hypothesis.spans.keys():
                row = targets[source][target]
                for i, i_length in hypothesis.spans[source]:
                    order = i << 64 | i_length << 48 | row
                    for j, j_length in reference.spans[target]:
                        yield (j, PARAPHRASE_OF_HYPOTHESIS, order, i, i_length, j_length)
