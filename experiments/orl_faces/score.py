"""Unknown people: all scores of an embedding, in one place."""

from typing import NamedTuple

import numpy as np

from experiments.orl_faces.methods import Embed
from simlearn import metrics, search
from simlearn._typing import BoolArray, FloatArray, IntArray
from simlearn.data import LabelledImages


class Scored(NamedTuple):
    """What one embedding does on the test people of one fold.

    Attributes:
        scores: by name, all in `[0, 1]`.
        distances: of all pairs of test pictures.
        same: whether a pair is of one person.
        threshold: chosen on the validation people.
        embeddings: of the test pictures.
    """

    scores: dict[str, float]
    distances: FloatArray
    same: BoolArray
    threshold: float
    embeddings: FloatArray


def score(
    embed: Embed,
    validation: LabelledImages,
    test: LabelledImages,
    *,
    distance: search.Distance,
    far: float,
) -> Scored:
    """Verification over all pairs of test pictures, and identification among the test people.

    Args:
        embed: pictures to vectors.
        validation: people who choose the threshold.
        test: people who are scored.
        distance: between vectors.
        far: false accept rate at which the true accept rate is read.
    """
    chosen = metrics.best_accuracy_threshold(
        *metrics.pair_distances(embed(validation.images), validation.labels, distance=distance)
    ).threshold
    embeddings = embed(test.images)
    distances, same = metrics.pair_distances(embeddings, test.labels, distance=distance)
    read = metrics.tar_at_far(distances, same, far)
    scores = {
        "auc": metrics.auc(distances, same),
        "eer": metrics.equal_error_rate(distances, same).rate,
        "tar": read.tar,
        "far": read.far,
        "accuracy": metrics.accuracy_at(distances, same, chosen),
        "rank_1": rank_1(embeddings, test.labels, distance=distance),
    }
    return Scored(scores, distances, same, chosen, embeddings)


def rank_1(embeddings: FloatArray, people: IntArray, *, distance: search.Distance) -> float:
    """Closed-set identification with one gallery picture a person, over all choices of it in turn.

    The k-th picture of each person is the gallery and every other picture a query; the mean is over
    all k that every person has.
    """
    place = np.zeros(len(people), np.int64)
    for person in np.unique(people):
        own = people == person
        place[own] = np.arange(own.sum())
    rounds = int(np.unique(people, return_counts=True)[1].min())
    rates = []
    for shown in range(rounds):
        gallery, queries = place == shown, place != shown
        found = search.nearest(embeddings[queries], embeddings[gallery], 1, distance=distance)
        rates.append(np.mean(people[gallery][found.indices[:, 0]] == people[queries]))
    return float(np.mean(rates))
