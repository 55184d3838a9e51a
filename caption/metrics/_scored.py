"""What every metric returns: scores, and the statistics that they were made from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MetricScores:
    """Scores of one metric, which may have several names, as BLEU-1 to BLEU-4 have.

    Attributes:
        corpus: the score of all hypotheses together, by name.
        per_image: ``(hypotheses,)`` the score of each alone, by name.
        statistics: ``(hypotheses, k)``; whatever the corpus score is made from their sums.
        aggregate: from sums ``(..., k)`` over hypotheses, and how many were summed, to scores
            ``(..., names)``, so that resampled corpora can be scored without counting again.
        settings: of the metric, for its signature.
    """

    corpus: dict[str, float]
    per_image: dict[str, Floats]
    statistics: Floats
    aggregate: Callable[[Floats, int], Floats]
    settings: dict[str, str]


def mean_scores(name: str, values: Floats, settings: dict[str, str]) -> MetricScores:
    """Scores of a metric whose corpus score is the mean."""
    return MetricScores(
        corpus={name: float(values.mean()) if len(values) else 0.0},
        per_image={name: values},
        statistics=values[:, None],
        aggregate=_mean,
        settings=settings,
    )


def _mean(sums: Floats, count: int) -> Floats:
    return sums / count
