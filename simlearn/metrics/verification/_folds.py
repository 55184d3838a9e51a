"""The protocol of LFW: a threshold from all folds but one, applied to that one."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn import search
from simlearn._typing import BoolArray
from simlearn.errors import UserError
from simlearn.metrics.verification._arguments import as_pairs
from simlearn.metrics.verification._operating import best_accuracy_threshold


class FoldScores(NamedTuple):
    """Mean accuracy of the folds, its standard error, and what happened in each fold ``(folds,)``.

    `folds` are the numbers of the folds, ascending; `dropped` the pairs that were missing.
    """

    mean: float
    standard_error: float
    accuracies: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    folds: NDArray[np.int64]
    scored: NDArray[np.int64]
    dropped: NDArray[np.int64]


def fold_scores(
    distances: ArrayLike, same: ArrayLike, folds: ArrayLike, *, missing: ArrayLike | None = None
) -> FoldScores:
    """Accuracy of each fold at the threshold that is best on all other folds.

    ``mean = 1/k sum_i a_i``, ``standard error = sqrt(sum_i (a_i - mean)^2 / (k - 1)) / sqrt(k)``.

    A pair without a distance (its picture is missing, or no face was found in it) keeps its row,
    and is said to be `missing`: the other pairs stay in their official folds. The mean is that of
    the folds, whatever each has lost.

    Args:
        distances: ``(pairs,)``, smaller is more similar; finite where not missing.
        same: ``(pairs,)`` booleans (or 0 and 1).
        folds: ``(pairs,)`` integers; any distinct numbers, at least two.
        missing: ``(pairs,)`` booleans: pairs to drop, whatever their distance; none by default.

    Returns:
        `FoldScores`.

    Raises:
        UserError: if lengths or types are wrong, a distance that is not missing is not finite,
            there are fewer than two folds, a fold has lost all its pairs, or what is left without
            a fold holds pairs of one kind only.

    Examples:
        >>> distances = [0.1, 0.9, 0.15, 0.8, 0.2, np.nan, 0.25, 0.28]
        >>> same, folds = [1, 0, 1, 0, 1, 0, 1, 0], [0, 0, 1, 1, 2, 2, 3, 3]
        >>> scores = fold_scores(distances, same, folds, missing=np.isnan(distances))
        >>> scores.accuracies.tolist(), scores.dropped.tolist()
        ([1.0, 1.0, 1.0, 0.5], [0, 0, 1, 0])
        >>> scores.mean, scores.standard_error
        (0.875, 0.125)

    Reference:
        G. Huang et al., Labeled Faces in the Wild, technical report 07-49, University of
        Massachusetts, Amherst, 2007: the estimated mean accuracy and the standard error of the
        mean over the ten folds of View 2. Which threshold is taken on the nine folds is left open
        there; here it is `best_accuracy_threshold`.
    """
    values, positive, numbers, kept = _columns(distances, same, folds, missing)
    names = np.unique(numbers)
    if len(names) < 2:
        raise UserError(f"folds: expected at least 2 different numbers, got {len(names)}")
    places = [numbers == name for name in names]
    for name, place in zip(names, places, strict=True):
        _check_fold(int(name), place, kept, positive)
    chosen = [best_accuracy_threshold(values[m], positive[m]) for m in (kept & ~p for p in places)]
    thresholds = np.array([best.threshold for best in chosen])
    right = [
        (values[place & kept] <= threshold) == positive[place & kept]
        for place, threshold in zip(places, thresholds, strict=True)
    ]
    accuracies = np.array([decided.mean() for decided in right])
    return FoldScores(
        mean=float(accuracies.mean()),
        standard_error=float(accuracies.std(ddof=1) / np.sqrt(len(names))),
        accuracies=accuracies,
        thresholds=thresholds,
        folds=names.astype(np.int64),
        scored=np.array([np.count_nonzero(place & kept) for place in places], np.int64),
        dropped=np.array([np.count_nonzero(place & ~kept) for place in places], np.int64),
    )


def _columns(
    distances: ArrayLike, same: ArrayLike, folds: ArrayLike, missing: ArrayLike | None
) -> tuple[NDArray[np.float64], BoolArray, NDArray[Any], BoolArray]:
    values = np.asarray(distances)
    if values.ndim != 1:
        raise UserError(f"distances: expected shape (pairs,), got {values.shape}")
    kept = np.ones(len(values), np.bool_) if missing is None else ~_mask(missing, len(values))
    numbers = search.as_keys(folds, len(values), "folds")
    if numbers.dtype.kind not in "iu":
        raise UserError(f"folds: expected integers, got {numbers.dtype}")
    # A row that is missing keeps its place, so that an error about another names the right one.
    filled = np.where(kept, values, np.zeros((), values.dtype))
    try:
        return *as_pairs(filled, same), numbers, kept
    except UserError as error:
        if filled.dtype.kind != "f" or np.isfinite(filled).all():
            raise
        raise UserError(f"{error}; missing= says which pairs have no distance") from None


def _mask(missing: ArrayLike, length: int) -> BoolArray:
    mask = np.asarray(missing)
    if mask.shape != (length,) or mask.dtype != np.bool_:
        raise UserError(
            f"missing: expected booleans of shape ({length},), "
            f"got {mask.dtype} of shape {mask.shape}"
        )
    return mask


def _check_fold(name: int, place: BoolArray, kept: BoolArray, positive: BoolArray) -> None:
    if not (place & kept).any():
        raise UserError(
            f"missing: expected pairs that are left in fold {name}, "
            f"got all {np.count_nonzero(place)} of them missing"
        )
    rest = positive[kept & ~place]
    if rest.all() or not rest.any():
        raise UserError(
            f"folds: expected pairs of both kinds outside fold {name}, to choose its threshold, "
            f"got {np.count_nonzero(rest)} same and {np.count_nonzero(~rest)} different"
        )
