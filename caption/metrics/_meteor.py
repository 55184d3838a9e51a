"""METEOR as one metric among others: prepared references, and sums that can be resampled."""

from collections.abc import Sequence
from pathlib import Path

from caption.metrics._references import References, Tokens
from caption.metrics._scored import Floats, MetricScores
from caption.metrics.meteor import Meteor, _scoring


class MeteorScorer:
    """METEOR 1.5 against given references.

    Args:
        references: prepared.
        data: as of `caption.metrics.meteor.Meteor`.

    Raises:
        UserError: METEOR's data are missing; never another metric by that name.
    """

    def __init__(self, references: References, data: str | Path | None) -> None:
        self._meteor = Meteor(data)
        images = references.words_in_order()
        self._references = [[" ".join(words) for words in image] for image in images]

    def score(self, hypotheses: Sequence[Tokens]) -> MetricScores:
        """Score one hypothesis for each image, in order."""
        found = self._meteor.score([" ".join(words) for words in hypotheses], self._references)
        # A perfect match adds no chunk to the corpus.
        counts = found.counts.copy()
        counts[_scoring.perfect(counts), _scoring._CHUNKS] = 0
        return MetricScores(
            corpus={"meteor": found.corpus},
            per_image={"meteor": found.segments},
            statistics=counts,
            aggregate=_aggregate,
            settings={"meteor": "1.5", "options": "en-norm", "data": self._meteor.data_hash},
        )


def _aggregate(sums: Floats, count: int) -> Floats:
    return _scoring.score_of(sums)[..., None]
