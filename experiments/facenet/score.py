"""Scores on people who were not trained on."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlearn import clustering, metrics, search

_DRAWS = 200


class Scored(NamedTuple):
    """What one embedding does on the test people.

    Attributes:
        auc: of all pairs, with its interval from draws of people.
        eer: equal error rate of all pairs.
        accuracy: balanced, at the threshold that validation people choose.
        rank_1: one gallery picture a person, every other picture a probe.
        b_cubed: F of clusters, the number of people unknown, at the validation's threshold.
        distances: of all pairs.
        same: whether a pair is of one person.
        threshold: that validation people choose.
    """

    auc: metrics.BootstrapInterval
    eer: float
    accuracy: float
    rank_1: float
    b_cubed: float
    distances: NDArray[np.floating[Any]]
    same: NDArray[np.bool_]
    threshold: float

    def as_json(self) -> dict[str, Any]:
        """As results.json holds it."""
        return {
            "auc": self.auc.estimate,
            "auc_95": [self.auc.low, self.auc.high],
            "eer": self.eer,
            "balanced_accuracy": self.accuracy,
            "rank_1": self.rank_1,
            "b_cubed_f": self.b_cubed,
            "threshold": self.threshold,
        }


def score(
    test: NDArray[np.float32],
    validation: NDArray[np.float32],
    test_people: NDArray[np.int64],
    validation_people: NDArray[np.int64],
    *,
    seed: int,
) -> Scored:
    """Verification, identification and clustering by cosine distance."""
    distances, same = metrics.pair_distances(test, test_people, distance=search.cosine)
    threshold = metrics.equal_error_rate(
        *metrics.pair_distances(validation, validation_people, distance=search.cosine)
    ).threshold
    left, right = (test_people[rows] for rows in metrics.pair_rows(len(test)))
    accepted = distances <= threshold
    first = np.unique(test_people, return_index=True)[1]
    probes = np.setdiff1d(np.arange(len(test)), first)
    ranked = metrics.closed_set_identification(
        test[probes], test_people[probes], test[first], test_people[first], distance=search.cosine
    )
    groups = clustering.threshold_clusters(test, float(threshold), distance=search.cosine)
    return Scored(
        auc=metrics.identity_bootstrap(
            metrics.auc, distances, left, right, resamples=_DRAWS, seed=seed
        ),
        eer=metrics.equal_error_rate(distances, same).rate,
        accuracy=float((accepted[same].mean() + (~accepted)[~same].mean()) / 2),
        rank_1=float(ranked.curve[0]),
        b_cubed=metrics.b_cubed(test_people, groups).f_score,
        distances=distances,
        same=same,
        threshold=float(threshold),
    )
