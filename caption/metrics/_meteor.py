"""METEOR as one metric among others: prepared references, and sums that can be resampled."""

from collections.abc import Callable, Hashable, Sequence
from pathlib import Path

from caption.metrics._references import References, Tokens
from caption.metrics._scored import Floats, MetricScores
from caption.metrics.meteor import Meteor
from caption.metrics.meteor._scoring import score_of, summands


class MeteorScorer:
    """METEOR 1.5 against given references.

    Args:
        references: prepared.
        data: as of `caption.metrics.meteor.Meteor`.
        ids: of the images, for messages.

    Raises:
        UserError: METEOR's data are missing; never another metric by that name.
    """

    def __init__(
        self, references: References, data: str | Path | None, ids: Sequence[Hashable]
    ) -> None:
        self._meteor = Meteor(data)
        self._ids = ids
        images = references.words_in_order()
        self._references = [[" ".join(words) for words in image] for image in images]

    def score(
        self,
        hypotheses: Sequence[Tokens],
        progress: Callable[[int, int], None] | None = None,
    ) -> MetricScores:
        """Score one hypothesis for each image, in order."""
        texts = [" ".join(words) for words in hypotheses]
        found = self._meteor.score(texts, self._references, ids=self._ids, progress=progress)
        return MetricScores(
            corpus={"meteor": found.corpus},
            per_image={"meteor": found.segments},
            statistics=summands(found.counts),
            aggregate=_aggregate,
            settings={"meteor": "1.5", "options": "en-norm", "data": self._meteor.data_hash},
        )


def _aggregate(sums: Floats, count: int) -> Floats:
    return score_of(sums)[..., None]
