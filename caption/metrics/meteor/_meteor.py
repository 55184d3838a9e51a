"""METEOR 1.5 of captions."""

import contextlib
import gc
import hashlib
import os
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from caption.metrics.meteor._aligner import align
from caption.metrics.meteor._compile import Progress, show_progress
from caption.metrics.meteor._data import find_data, read_lexicon
from caption.metrics.meteor._kept import open_table
from caption.metrics.meteor._pairs import Corpus
from caption.metrics.meteor._scoring import COLUMNS, Floats, corpus_score, count, score_of
from caption.metrics.meteor._vocabulary import Vocabulary
from simlearn.errors import UserError

# Images between two calls of `progress`.
_AT_ONCE = 50


@dataclass(frozen=True, eq=False)
class MeteorScores:
    """Scores of one caption for each image.

    Attributes:
        corpus: in [0, 1], of the summed counts; not the mean of the segments.
        segments: `(images,)` each caption's score against its best reference, in [0, 1].
        counts: `(images, 23)` what the corpus score sums, against that reference.
    """

    corpus: float
    segments: Floats
    counts: Floats


class Meteor:
    """METEOR 1.5 for English, with the options `-l en -norm`, as the COCO evaluation runs it.

    Unlike `Bleu`, `RougeL` and `CiderD` it takes text, because METEOR cuts words in its own way,
    and the references with the captions; it keeps its data files.
    `CaptionScorer(metrics=["meteor"])` has it as one metric among the others.

    Args:
        data: Folder with `meteor-1.5.jar` (or the folders in it) and `paraphrase-en.gz`; by default
            that of an installed pycocoevalcap.
        cache: Folder, or file, of the compiled paraphrase table; by default the user's cache
            folder. Compiled once, when it is not there or is of another table.
        progress: Called with the share of the compilation that is done; by default a line on
            stderr.

    Attributes:
        data_hash: of the data files; scores with other data cannot be compared.

    Raises:
        UserError: A data file is missing or damaged, or the compiled table is; another metric never
            stands in for it.

    Reference:
        Banerjee and Lavie, "METEOR: An Automatic Metric for MT Evaluation with Improved Correlation
        with Human Judgments", ACL workshop 2005; Denkowski and Lavie, "Meteor 1.3", WMT 2011, and
        "Meteor Universal", WMT 2014.
    """

    def __init__(
        self,
        data: str | os.PathLike[str] | None = None,
        *,
        cache: str | os.PathLike[str] | None = None,
        progress: Progress | None = None,
    ) -> None:
        files = find_data(data)
        lexicon = read_lexicon(files)
        self._vocabulary = Vocabulary(lexicon)
        self._table = open_table(files.table, cache, progress or show_progress())
        both = f"{lexicon.digest}:{self._table.about['source']}"
        self.data_hash = hashlib.sha256(both.encode()).hexdigest()[:12]

    def score(
        self,
        hypotheses: Sequence[str],
        references: Sequence[Sequence[str]],
        *,
        ids: Sequence[Hashable] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> MeteorScores:
        """Score one caption for each image.

        Args:
            hypotheses: Captions, tokenised, their tokens joined by spaces; one may be empty.
            references: For each caption its references, at least one.
            ids: Of the images, for messages; by default their places from 0.
            progress: Called now and then with how many captions are aligned, and of how many.

        Raises:
            UserError: The two differ in length, a caption has no references, or it has more than
                250,000 matches with one, as two captions have that hold a word 500 times each.
        """
        if isinstance(hypotheses, str) or len(hypotheses) != len(references):
            raise UserError(
                f"expected references for each of {len(hypotheses)} hypotheses, "
                f"got {len(references)}"
            )
        for number, group in enumerate(references):
            if isinstance(group, str) or not group:
                raise UserError(
                    f"references[{number}]: expected at least one, in a list, got {group!r}"
                )
        names = range(len(hypotheses)) if ids is None else ids
        counts = self._counts(hypotheses, references, names, progress)
        return MeteorScores(corpus_score(counts), score_of(counts), counts)

    def _counts(
        self,
        hypotheses: Sequence[str],
        references: Sequence[Sequence[str]],
        names: Sequence[Hashable],
        progress: Callable[[int, int], None] | None,
    ) -> Floats:
        numbers: dict[str, int] = {}
        for hypothesis, group in zip(hypotheses, references, strict=True):
            for text in (hypothesis, *group):
                numbers.setdefault(text, len(numbers))
        rows: list[list[int]] = []
        with _without_cycle_search():
            corpus = Corpus(list(numbers), self._vocabulary, self._table)
            for done, (hypothesis, group) in enumerate(zip(hypotheses, references, strict=True)):
                if progress is not None and done and done % _AT_ONCE == 0:
                    progress(done, len(hypotheses))
                own = numbers[hypothesis]
                try:
                    rows += [_row(corpus, own, numbers[text]) for text in group]
                except UserError as error:
                    raise UserError(f"meteor: image {names[done]!r}: {error}") from error
        if progress is not None:
            progress(len(hypotheses), len(hypotheses))
        counts = np.array(rows, np.float64).reshape(-1, COLUMNS)
        return _best(counts, [len(group) for group in references])


@contextlib.contextmanager
def _without_cycle_search() -> Iterator[None]:
    """Millions of small tuples hold no cycle; looking for some takes a tenth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _row(corpus: Corpus, hypothesis: int, reference: int) -> list[int]:
    one, other = corpus.sentences[hypothesis], corpus.sentences[reference]
    matches = align(corpus.matches(one, other), len(one.words), len(other.words))
    return count(matches, one.functions, other.functions)


def _best(rows: Floats, sizes: list[int]) -> Floats:
    """Keep each caption's row of the highest score, the first of equals."""
    scores = score_of(rows)
    kept, start = [], 0
    for size in sizes:
        kept.append(start + int(np.argmax(scores[start : start + size])))
        start += size
    return rows[np.array(kept, np.int64)]
