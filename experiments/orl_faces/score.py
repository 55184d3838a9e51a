"""Unknown people: all scores of an embedding, in one place."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.orl_faces.config import OrlSettings
from experiments.orl_faces.methods import Embed
from simlearn import metrics, search
from simlearn._typing import BoolArray, FloatArray, IntArray
from simlearn.data import LabelledImages
from simlearn.errors import UserError

# Seeds of the folds' draws; no two folds of neighbouring seeds share one.
_STRIDE = 1009


class Scored(NamedTuple):
    """What one embedding does on the test people of one fold.

    Attributes:
        scores: by name, all in `[0, 1]`.
        resamples: AUC, EER and TAR of each draw of the test people `(draws,)`.
        distances: of all pairs of test pictures.
        same: whether a pair is of one person.
        threshold: for pairs, chosen on the validation people.
        matches: curve `(people,)`: share of the probes whose person is among the k nearest.
        embeddings: of the test pictures.
    """

    scores: dict[str, float]
    resamples: dict[str, NDArray[np.float64]]
    distances: FloatArray
    same: BoolArray
    threshold: float
    matches: NDArray[np.float64]
    embeddings: FloatArray


def score(
    embed: Embed,
    validation: LabelledImages,
    test: LabelledImages,
    *,
    distance: search.Distance,
    config: OrlSettings,
    draw: int,
) -> Scored:
    """Verification over all pairs of test pictures, and identification among the test people.

    Args:
        embed: pictures to vectors.
        validation: people who choose both thresholds.
        test: people who are scored.
        distance: between vectors.
        config: the settings.
        draw: number of the fold, whose draws of people are the same for every method.
    """
    held_out, embeddings = embed(validation.images), embed(test.images)
    chosen = metrics.best_accuracy_threshold(
        *metrics.pair_distances(held_out, validation.labels, distance=distance)
    ).threshold
    distances, same = metrics.pair_distances(embeddings, test.labels, distance=distance)
    sides = [test.labels[rows] for rows in metrics.pair_rows(len(test))]
    intervals = {
        name: metrics.identity_bootstrap(
            statistic,
            distances,
            *sides,
            resamples=config.resamples,
            seed=config.seed * _STRIDE + draw,
        )
        for name, statistic in _statistics(config.far).items()
    }
    matches = closed_set(embeddings, test.labels, distance=distance)
    scores = {
        **{name: found.estimate for name, found in intervals.items()},
        "far": metrics.tar_at_far(distances, same, config.far).far,
        "accuracy": metrics.accuracy_at(distances, same, chosen),
        "rank_1": float(matches[0]),
        **_open_scores(
            open_set(held_out, validation.labels, distance=distance),
            open_set(embeddings, test.labels, distance=distance),
            config.alarms,
        ),
    }
    resamples = {name: found.resamples for name, found in intervals.items()}
    return Scored(scores, resamples, distances, same, chosen, matches, embeddings)


def require_support(validation: LabelledImages, test: LabelledImages, config: OrlSettings) -> None:
    """Refuse rates that too few people cannot show.

    Raises:
        UserError: there are fewer than four test people, among whom the same one is drawn again and
            again, or fewer trials than 1 / rate.
    """
    people, counts = np.unique(test.labels, return_counts=True)
    if len(people) < 4:
        raise UserError(f"expected at least 4 people in {test.name}, received {len(people)}")
    different = (len(test) ** 2 - int(np.sum(counts**2))) // 2
    for option, rate, part, trials in (
        ("--far", config.far, test, different),
        ("--alarms", config.alarms, test, _strangers(test)),
        ("--alarms", config.alarms, validation, _strangers(validation)),
    ):
        if rate * trials < 1:
            raise UserError(
                f"expected {option} of at least {1 / trials:.3g}, the smallest rate that "
                f"{trials} trials in {part.name} can show, received {rate:g}"
            )


def tar_at(curve: metrics.Roc, far: FloatArray | float) -> NDArray[np.float64]:
    """True accept rates where the false accept rate is at most `far`."""
    return curve.tar[np.searchsorted(curve.far, far, side="right") - 1]


def closed_set(
    embeddings: FloatArray, people: IntArray, *, distance: search.Distance
) -> NDArray[np.float64]:
    """Cumulative match curve with one gallery picture a person, each picture in turn.

    The k-th picture of each person is the gallery and every other picture a probe; the mean is over
    all k that every person has.
    """
    curves = [
        metrics.closed_set_identification(
            embeddings[~shown],
            people[~shown],
            embeddings[shown],
            people[shown],
            distance=distance,
        ).curve
        for shown in galleries(people)
    ]
    return np.asarray(np.mean(curves, axis=0))


def open_set(
    embeddings: FloatArray, people: IntArray, *, distance: search.Distance
) -> metrics.OpenSet:
    """Trials with one gallery picture of every other person, the people between them strangers.

    Each picture is in the gallery in turn, as in `closed_set`, and both halves of the people are
    strangers once. All trials of an embedding share one scale, and so one threshold.
    """
    found = []
    for shown in galleries(people):
        for half in (np.unique(people)[::2], np.unique(people)[1::2]):
            enrolled = shown & np.isin(people, half)
            # A stranger's picture is a probe in every round, also where it could be the gallery.
            probes = ~shown | ~np.isin(people, half)
            found.append(
                metrics.open_set_matches(
                    embeddings[probes],
                    people[probes],
                    embeddings[enrolled],
                    people[enrolled],
                    distance=distance,
                )
            )
    return metrics.OpenSet(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def galleries(people: IntArray) -> Iterator[BoolArray]:
    """For each k that every person has: which picture is the k-th of its person."""
    place = np.zeros(len(people), np.int64)
    for person in np.unique(people):
        own = people == person
        place[own] = np.arange(own.sum())
    for shown in range(int(np.unique(people, return_counts=True)[1].min())):
        yield place == shown


def _strangers(part: LabelledImages) -> int:
    """Trials of strangers in `open_set`: each picture in each round."""
    return len(part) * int(np.unique(part.labels, return_counts=True)[1].min())


def _statistics(far: float) -> Mapping[str, Callable[[FloatArray, BoolArray], float]]:
    return {
        "auc": metrics.auc,
        "eer": lambda distances, same: metrics.equal_error_rate(distances, same).rate,
        "tar": lambda distances, same: float(tar_at(metrics.roc(distances, same), far)),
    }


def _open_scores(
    validation: metrics.OpenSet, test: metrics.OpenSet, alarms: float
) -> dict[str, float]:
    """At the test people's own threshold, and at that of the validation people."""
    own = metrics.detection_at_far(test, alarms)
    carried = metrics.detection_at(test, metrics.detection_at_far(validation, alarms).threshold)
    return {
        "dir": own.rate,
        "alarms": own.far,
        "carried_dir": carried.rate,
        "carried_alarms": carried.far,
    }
