"""Scores of pairs: the full protocol, its interval, its worst mistakes."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.lfw_verification.pairs import Pairs
from simlearn import metrics

Distances = NDArray[np.float64]


class Scored(NamedTuple):
    """What one way of embedding does on the pairs.

    Attributes:
        distances: `(pairs,)`; NaN where a picture is missing.
        folds: accuracy of each fold at the threshold of the others.
        interval: of the accuracy, from draws of people; None where nobody is named.
        scores: AUC, EER, TAR at FARs.
    """

    distances: Distances
    folds: metrics.FoldScores
    interval: metrics.BootstrapInterval | None
    scores: dict[str, float | None]

    def as_json(self) -> dict[str, Any]:
        """As results.json holds it."""
        interval = None if self.interval is None else [self.interval.low, self.interval.high]
        return {
            "accuracy": self.folds.mean,
            "standard_error": self.folds.standard_error,
            "interval_95": interval,
            "fold_accuracies": self.folds.accuracies.tolist(),
            "fold_thresholds": self.folds.thresholds.tolist(),
            "scored": int(self.folds.scored.sum()),
            "dropped": int(self.folds.dropped.sum()),
            **self.scores,
        }


def score(distances: Distances, pairs: Pairs, *, resamples: int, seed: int) -> Scored:
    """Ten folds, each at the threshold that is best on the other nine.

    Args:
        distances: `(pairs,)`; NaN where a picture is missing.
        pairs: the pairs.
        resamples: draws of people for the interval.
        seed: of the draws.
    """
    missing = np.isnan(distances)
    folds = metrics.fold_scores(distances, pairs.same, pairs.fold, missing=missing)
    kept = ~missing
    # Against its own fold's threshold, so that one number decides all pairs.
    margins = distances - folds.thresholds[np.searchsorted(folds.folds, pairs.fold)]
    return Scored(
        distances=distances,
        folds=folds,
        interval=_interval(margins[kept], pairs, kept, resamples=resamples, seed=seed),
        scores=metrics.verification_scores(distances[kept], pairs.same[kept]),
    )


def of_vectors(
    vectors: NDArray[np.floating[Any]], missing: NDArray[np.bool_], pairs: Pairs
) -> Distances:
    """Cosine distance of each pair; NaN where one side is missing."""
    left, right = (np.asarray(vectors[side], np.float64) for side in (pairs.left, pairs.right))
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    distances = 1 - (left * right).sum(axis=1) / np.maximum(lengths, 1e-12)
    return np.where(missing[pairs.left] | missing[pairs.right], np.nan, distances)


def fold_by_fold(
    fit: Callable[[NDArray[np.int64]], Callable[[NDArray[np.int64]], NDArray[Any]]],
    missing: NDArray[np.bool_],
    pairs: Pairs,
) -> metrics.FoldScores:
    """The same for what is fitted to pictures: to those of the nine folds, anew for each tenth.

    Args:
        fit: from the things of nine folds to a function from things to vectors.
        missing: `(things,)`.
        pairs: the pairs.
    """
    names = np.unique(pairs.fold)
    accuracies, thresholds, scored = [], [], []
    lost = missing[pairs.left] | missing[pairs.right]
    for name in names:
        tested = (pairs.fold == name) & ~lost
        learned = (pairs.fold != name) & ~lost
        things = np.union1d(pairs.left[learned], pairs.right[learned])
        # A picture that the tenth fold shows too must not be learned from.
        shown = np.union1d(pairs.left[tested], pairs.right[tested])
        embed = fit(np.setdiff1d(things, shown))
        vectors = np.zeros((len(missing), embed(things[:1]).shape[1]))
        everything = np.union1d(things, shown)
        vectors[everything] = embed(everything)
        distances = of_vectors(vectors, missing, pairs)
        best = metrics.best_accuracy_threshold(distances[learned], pairs.same[learned])
        thresholds.append(best.threshold)
        accuracies.append(np.mean((distances[tested] <= best.threshold) == pairs.same[tested]))
        scored.append(np.count_nonzero(tested))
    values = np.array(accuracies)
    return metrics.FoldScores(
        mean=float(values.mean()),
        standard_error=float(values.std(ddof=1) / np.sqrt(len(names))),
        accuracies=values,
        thresholds=np.array(thresholds),
        folds=names.astype(np.int64),
        scored=np.array(scored, np.int64),
        dropped=np.array([np.count_nonzero(lost & (pairs.fold == n)) for n in names], np.int64),
    )


def worst(scored: Scored, pairs: Pairs, *, accepted: bool, count: int) -> NDArray[np.int64]:
    """Pairs that were decided wrongly, the plainest mistake first.

    Args:
        scored: the scores.
        pairs: the pairs.
        accepted: whether different pairs that were accepted, or same ones that were refused.
        count: at most so many.
    """
    thresholds = scored.folds.thresholds[np.searchsorted(scored.folds.folds, pairs.fold)]
    margins = np.nan_to_num(scored.distances - thresholds, nan=0.0)
    if accepted:
        wrong = np.flatnonzero(~pairs.same & (scored.distances <= thresholds))
        return wrong[np.argsort(margins[wrong])][:count]
    wrong = np.flatnonzero(pairs.same & (scored.distances > thresholds))
    return wrong[np.argsort(-margins[wrong])][:count]


def _interval(
    margins: Distances, pairs: Pairs, kept: NDArray[np.bool_], *, resamples: int, seed: int
) -> metrics.BootstrapInterval | None:
    sides = [pairs.people[side[kept]] for side in (pairs.left, pairs.right)]
    if not all((names != "").all() for names in sides):
        return None
    return metrics.identity_bootstrap(
        lambda distances, same: metrics.accuracy_at(distances, same, 0.0),
        margins,
        *sides,
        resamples=resamples,
        seed=seed,
    )
