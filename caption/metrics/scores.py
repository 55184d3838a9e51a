"""All metrics at once: captions in, scores with their signatures out."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from caption._compat import Compat, check_compat
from caption.metrics._frequencies import DocumentFrequencies
from caption.metrics._given import (
    Progress,
    Tokenizer,
    checked_hypotheses,
    checked_references,
    counting,
    default_tokenizer,
    name_of,
)
from caption.metrics._references import References
from caption.metrics._scored import Floats, MetricScores
from caption.metrics.bleu import Bleu
from caption.metrics.cider import Cider, CiderD
from caption.metrics.rouge import RougeL
from caption.metrics.signature import signature
from simlearn.errors import UserError

if TYPE_CHECKING:
    from caption.metrics._meteor import MeteorScorer

METRICS: Final = ("bleu", "rouge_l", "cider_d", "cider", "meteor")
"""What can be asked for; the first three by default."""

DEFAULT: Final = METRICS[:3]


class _Metric(Protocol):
    def score(self, hypotheses: Sequence[Sequence[str]]) -> MetricScores: ...


@dataclass(frozen=True, eq=False)
class CaptionScores:
    """Scores of one caption for each image.

    Attributes:
        corpus: the score of all captions together, by name.
        per_image: ``(images,)`` the score of each, by name, in the order of `ids`.
        ids: of the images.
        signatures: what each metric's scores were made with, by its name.
        parts: each metric's own scores, by its name; see `compare`.
    """

    corpus: dict[str, float]
    per_image: dict[str, Floats]
    ids: tuple[Hashable, ...]
    signatures: dict[str, str]
    parts: dict[str, MetricScores]


class CaptionScorer:
    """Scores captions against references that are cut into words and prepared once.

    Args:
        references: for each image its references, as text; by id, or in order.
        metrics: some of `METRICS`.
        compat: `"coco"` for the numbers of the COCO caption evaluation, quirks included.
        tokenize: cuts a caption into words; by default as the evaluation does.
        frequencies: of the corpus that CIDEr-D weighs by; by default that of these references.
        meteor_data: Folder of METEOR's data, as `caption.metrics.meteor.Meteor` takes it; by
            default that of an installed pycocoevalcap.
        progress: called now and then with how many captions are cut into words, and of how many.

    Raises:
        UserError: a metric is unknown or cannot be computed, or references are missing.

    Examples:
        >>> references = {7: ["A dog runs.", "A brown dog."], 3: ["A cat."]}
        >>> scorer = CaptionScorer(references, metrics=["bleu", "rouge_l"], tokenize=str.split)
        >>> found = scorer.score({3: "A cat.", 7: "A dog runs fast."})
        >>> found.ids, round(found.corpus["bleu_1"], 4)
        ((7, 3), 0.6667)
    """

    def __init__(
        self,
        references: Mapping[Any, Sequence[str]] | Sequence[Sequence[str]],
        *,
        metrics: Sequence[str] = DEFAULT,
        compat: Compat = None,
        tokenize: Tokenizer | None = None,
        frequencies: DocumentFrequencies | None = None,
        meteor_data: str | Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        check_compat(compat)
        if isinstance(metrics, str) or not isinstance(metrics, Sequence):
            raise UserError(f"metrics: expected a list of names, got {metrics!r:.80}")
        unknown = [name for name in metrics if name not in METRICS]
        if unknown:
            raise UserError(f"metrics: expected some of {', '.join(METRICS)}, got {unknown}")
        self.compat: Compat = compat
        self._tokenize = tokenize
        self._tokenizer_name = "ptb-3.4.1" if tokenize is None else name_of(tokenize)
        by_id = checked_references(references)
        self.ids = tuple(by_id)
        self._in_order = not isinstance(references, Mapping)
        words = iter(self.cut(list(chain.from_iterable(by_id.values())), progress=progress))
        self.references = References([list(islice(words, len(texts))) for texts in by_id.values()])
        self._meteor: MeteorScorer | None = None
        self._metrics: dict[str, _Metric] = {
            name: self._make(name, frequencies, meteor_data) for name in dict.fromkeys(metrics)
        }

    def _make(
        self, name: str, frequencies: DocumentFrequencies | None, data: str | Path | None
    ) -> _Metric:
        if name == "bleu":
            return Bleu(self.references, compat=self.compat)
        if name == "rouge_l":
            return RougeL(self.references, compat=self.compat)
        if name == "cider_d":
            return CiderD(self.references, frequencies=frequencies, compat=self.compat)
        if name == "cider":
            return Cider(self.references.words_in_order())
        # Only here: the others do without its words.
        from caption.metrics._meteor import MeteorScorer

        self._meteor = MeteorScorer(self.references, data, self.ids)
        return self._meteor

    def tokens(
        self, hypotheses: Mapping[Any, str] | Sequence[str], *, progress: Progress | None = None
    ) -> list[list[str]]:
        """The words of each hypothesis, in the order of `ids`."""
        return self.cut(checked_hypotheses(hypotheses, self.ids, self._in_order), progress=progress)

    def cut(self, captions: Sequence[str], *, progress: Progress | None = None) -> list[list[str]]:
        """The words of any captions; with `compat="coco"` their order matters, as it does there."""
        if self._tokenize is None and self.compat is not None:
            from caption.tokenizer import tokenize_corpus

            return tokenize_corpus(captions, compat=self.compat)
        counted = counting(self._tokenize or default_tokenizer(), len(captions), progress)
        return [counted(text) for text in captions]

    def signature(self, metric: str, found: MetricScores) -> str:
        """The line that says what a metric's scores were made with."""
        return signature(
            metric, self.references, self._tokenizer_name, found.settings, self.compat or "none"
        )

    def score(
        self, hypotheses: Mapping[Any, str] | Sequence[str], *, progress: Progress | None = None
    ) -> CaptionScores:
        """Score one hypothesis for each image.

        Args:
            hypotheses: as text; by id if the references are, else in their order.
            progress: as of the class; called then with METEOR's alignments too.

        Raises:
            UserError: an image has no hypothesis, or a hypothesis no references.
        """
        return self.score_tokens(self.tokens(hypotheses, progress=progress), progress=progress)

    def score_tokens(
        self, hypotheses: Sequence[Sequence[str]], *, progress: Progress | None = None
    ) -> CaptionScores:
        """Score hypotheses that are lists of words, in the order of `ids`.

        Args:
            hypotheses: each a list of words, perhaps empty.
            progress: called now and then with how many captions METEOR has aligned, and of how
                many.
        """
        parts: dict[str, MetricScores] = {}
        for name, metric in self._metrics.items():
            if metric is self._meteor:
                parts[name] = self._meteor.score(hypotheses, progress)
            else:
                parts[name] = metric.score(hypotheses)
        corpus: dict[str, float] = {}
        per_image: dict[str, Floats] = {}
        for found in parts.values():
            corpus |= found.corpus
            per_image |= found.per_image
        lines = {name: self.signature(name, found) for name, found in parts.items()}
        return CaptionScores(corpus, per_image, self.ids, lines, parts)


def score(
    references: Mapping[Any, Sequence[str]] | Sequence[Sequence[str]],
    hypotheses: Mapping[Any, str] | Sequence[str],
    **settings: Any,
) -> CaptionScores:
    """Score captions once; see `CaptionScorer`, which keeps the references for more.

    Args:
        references: for each image its references, as text; by id, or in order.
        hypotheses: for each image one caption, as text; by id or in order, as the references.
        **settings: of `CaptionScorer`.

    Raises:
        UserError: as of `CaptionScorer`.

    Examples:
        >>> found = score([["a dog", "dogs"], ["a cat"]], ["a dog", "cat"], tokenize=str.split)
        >>> {name: round(value, 3) for name, value in found.corpus.items()}  # doctest: +ELLIPSIS
        {'bleu_1': 0.717, 'bleu_2': 0.717, 'bleu_3': 0.0, ...}
    """
    return CaptionScorer(references, **settings).score(hypotheses)
