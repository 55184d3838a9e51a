"""Scores of landmarks: errors over the distance of two points, failures, the cumulative curve."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn.errors import UserError

__all__ = [
    "LandmarkScores",
    "cross_fitted_offset",
    "cumulative_errors",
    "landmark_errors",
    "landmark_scores",
]


class LandmarkScores(NamedTuple):
    """Scores of landmarks over some pictures.

    Attributes:
        mean_error: mean over pictures of the mean over their known points, as a share of the
            distance between the two points that give the scale.
        failure_rate: share of pictures whose mean error lies above the limit.
        area: area under the cumulative error curve up to the limit, over the limit, 0 to 1.
        pictures: how many were scored.
    """

    mean_error: float
    failure_rate: float
    area: float
    pictures: int


def landmark_errors(
    true: ArrayLike,
    predicted: ArrayLike,
    *,
    visible: ArrayLike | None = None,
    left: int = 0,
    right: int = 1,
) -> NDArray[np.float64]:
    """The distance of each predicted point from the true one, over that of two true ones.

    `|p - q| / |p_left - p_right|`: with the eyes, the inter-ocular distance.

    Args:
        true: `(pictures, points, 2)`, x and y.
        predicted: likewise, in the same unit.
        visible: booleans `(pictures, points)`, which true points are known; by default all.
        left: position among the points of one of the two that give the scale.
        right: position of the other.

    Returns:
        `(pictures, points)`; NaN where the true point, or one of the two, is not known, or the two
        lie in one place.

    Raises:
        UserError: the shapes do not fit, a prediction is not finite, or the positions are wrong.

    Examples:
        >>> true = np.array([[[0.0, 0.0], [10.0, 0.0], [5.0, 5.0]]])
        >>> landmark_errors(true, true + [3.0, 4.0], visible=[[True, True, False]])
        array([[0.5, 0.5, nan]])
    """
    points, guesses, known = _checked(true, predicted, visible)
    count = points.shape[1]
    if left == right or not all(0 <= place < count for place in (left, right)):
        raise UserError(
            f"expected left and right as two positions among {count} points, got {left} and {right}"
        )
    scale = np.linalg.norm(points[:, left] - points[:, right], axis=-1)
    scaled = known[:, left] & known[:, right] & (scale > 0)
    apart = np.linalg.norm(guesses - points, axis=-1)
    errors = apart / np.where(scaled, scale, 1.0)[:, np.newaxis]
    return np.where(known & scaled[:, np.newaxis], errors, np.nan)


def landmark_scores(errors: ArrayLike, *, limit: float = 0.1) -> LandmarkScores:
    """Mean error, failure rate and area under the cumulative curve.

    Args:
        errors: `(pictures, points)`, as `landmark_errors` gives them; a picture without a known
            point is not counted.
        limit: mean error above which a picture has failed, above 0.

    Raises:
        UserError: no picture has a known point, or the limit is not above 0.

    Examples:
        >>> landmark_scores([[0.0, 0.0], [0.5, np.nan]])
        LandmarkScores(mean_error=0.25, failure_rate=0.5, area=0.5, pictures=2)
    """
    means = _picture_means(errors, limit)
    # The curve is a staircase: a picture of mean error e adds limit - e to the area.
    area = np.clip(limit - means, 0.0, None).mean() / limit
    return LandmarkScores(
        mean_error=float(means.mean()),
        failure_rate=float(np.mean(means > limit)),
        area=float(area),
        pictures=len(means),
    )


def cumulative_errors(
    errors: ArrayLike, *, limit: float = 0.1
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The cumulative error curve: the share of pictures whose mean error is at most x.

    Args:
        errors: as in `landmark_scores`.
        limit: where the curve ends, above 0.

    Returns:
        x, from 0 to `limit`, and the share at each, both `(steps,)`: the corners of a staircase.

    Raises:
        UserError: as `landmark_scores`.

    Examples:
        >>> x, share = cumulative_errors([[0.02], [0.04], [0.3]])
        >>> x, share.round(2)
        (array([0.  , 0.02, 0.04, 0.1 ]), array([0.  , 0.33, 0.67, 0.67]))
    """
    means = np.sort(_picture_means(errors, limit))
    inside = means[means <= limit]
    shares = np.arange(1, len(inside) + 1) / len(means)
    last = shares[-1] if len(inside) else 0.0
    return np.concatenate([[0.0], inside, [limit]]), np.concatenate([[0.0], shares, [last]])


def cross_fitted_offset(
    true: ArrayLike,
    predicted: ArrayLike,
    *,
    visible: ArrayLike | None = None,
    folds: int = 5,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Predictions less one constant offset, each picture's estimated on other pictures.

    Two data sets may click the same point a pixel apart. The offset of a fold is the median over
    all known points of the pictures in the *other* folds, of `predicted - true` along each axis:
    two numbers, of which no picture has a share in its own.

    Args:
        true: `(pictures, points, 2)`, in a unit in which the offset is one for all pictures.
        predicted: likewise.
        visible: booleans `(pictures, points)`; by default all are known.
        folds: parts, at least 2 and at most as many as pictures.
        seed: of the parts, not negative.

    Returns:
        `(pictures, points, 2)`.

    Raises:
        UserError: the shapes do not fit, an argument is out of range, or the other folds of one
            have no known point.

    Examples:
        >>> true = np.zeros((4, 1, 2))
        >>> cross_fitted_offset(true, true + [1.0, 2.0], folds=2)[0]
        array([[0., 0.]])
    """
    points, guesses, known = _checked(true, predicted, visible)
    if not 2 <= folds <= len(points):
        raise UserError(f"expected folds from 2 to the {len(points)} pictures, got {folds}")
    order = np.random.default_rng(seed).permutation(len(points))
    corrected = guesses.copy()
    for fold in range(folds):
        own = order[fold::folds]
        other = np.delete(order, np.s_[fold::folds])
        steps = (guesses - points)[other][known[other]]
        if not len(steps):
            raise UserError("expected a known point in the other folds of each, got none")
        corrected[own] -= np.median(steps, axis=0)
    return corrected


def _checked(
    true: ArrayLike, predicted: ArrayLike, visible: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    points, guesses = np.asarray(true, np.float64), np.asarray(predicted, np.float64)
    if points.ndim != 3 or points.shape[2] != 2 or points.shape != guesses.shape:
        raise UserError(
            "expected true and predicted points (pictures, points, 2) of one shape, "
            f"got {points.shape} and {guesses.shape}"
        )
    known = np.ones(points.shape[:2], np.bool_) if visible is None else np.asarray(visible)
    if known.shape != points.shape[:2] or known.dtype != np.bool_:
        raise UserError(
            f"expected visible as booleans {points.shape[:2]}, got {known.dtype} {known.shape}"
        )
    if not np.isfinite(guesses).all():
        raise UserError("expected predicted points as finite numbers, got others among them")
    if not np.isfinite(points[known]).all():
        raise UserError("expected known points as finite numbers, got others among them")
    return np.where(known[..., np.newaxis], points, 0.0), guesses, known


def _picture_means(errors: ArrayLike, limit: float) -> NDArray[np.float64]:
    values = np.asarray(errors, np.float64)
    if values.ndim != 2:
        raise UserError(f"expected errors (pictures, points), got shape {values.shape}")
    if not limit > 0:
        raise UserError(f"expected a limit above 0, got {limit}")
    values = values[~np.isnan(values).all(axis=1)]
    if not len(values):
        raise UserError("expected a picture with a known point, got none")
    means: NDArray[np.float64] = np.nanmean(values, axis=1)
    return means
