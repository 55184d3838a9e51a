"""Score what was found: raw, after one offset, by point, by pose; attributes beside majorities."""

from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.mtfl_landmarks import data
from experiments.mtfl_landmarks.config import LandmarkSettings
from simlearn import metrics
from simlearn.data import LandmarkPictures
from simlearn.data.alignment import placed_shape
from simlearn.errors import DatasetError
from simlearn.landmarks import Prediction, Predictor

LIMIT: Final = 0.1
OFFSET_FOLDS: Final = 5


class Scored(NamedTuple):
    """One method's points, and their errors over the inter-ocular distance.

    Attributes:
        points: `(faces, points, 2)`, in pixels of each picture.
        errors: `(faces, points)`, NaN where a true point is missing.
        offset_errors: the same after one cross-fitted offset.
        offset: what two numbers would be subtracted from all, in pixels.
    """

    points: NDArray[np.float64]
    errors: NDArray[np.float64]
    offset_errors: NDArray[np.float64]
    offset: tuple[float, float]

    def as_json(self) -> dict[str, Any]:
        """Scores as JSON can hold them; errors and rates in percent."""
        raw, offset = _percent(self.errors), _percent(self.offset_errors)
        return {"raw": raw, "after_one_offset": offset, "offset_pixels": list(self.offset)}


class Outcome(NamedTuple):
    """Everything that was measured on the scored faces.

    Attributes:
        faces: those that could be read.
        methods: by name; the last one is the one that counts.
        prediction: of the last method.
        attributes: scores by name.
    """

    faces: LandmarkPictures
    methods: dict[str, Scored]
    prediction: Prediction
    attributes: dict[str, metrics.AttributeScores]

    @property
    def best(self) -> Scored:
        """The method that counts."""
        return list(self.methods.values())[-1]


def evaluate(faces: LandmarkPictures, predictor: Predictor, config: LandmarkSettings) -> Outcome:
    """Find and score the points of every face."""
    sizes = _sizes(faces)
    found = predictor.predict(faces.pictures)
    good = np.isfinite(found.spread)
    faces, sizes = faces.take(good, name=faces.name), sizes[good]
    found = Prediction(
        found.points[good],
        {name: values[good] for name, values in found.attributes.items()},
        found.spread[good],
    )
    eyes = data.scale(faces, config)
    methods = {"mean shape": _score(faces, _mean_shape(sizes, predictor), eyes)}
    if predictor.fine is not None:
        first = Predictor(replace(predictor.plan, fine=None), predictor.coarse)
        methods["first network"] = _score(faces, first.predict(faces.pictures).points, eyes)
    methods["both networks" if predictor.fine else "network"] = _score(faces, found.points, eyes)
    told = {
        one.name: metrics.attribute_scores(
            faces.attribute(one.name),
            found.attributes[one.name].argmax(axis=1),
            len(one.values),
        )
        for one in data.attributes(faces, config)
    }
    return Outcome(faces, methods, found, told)


def by_point(scored: Scored, faces: LandmarkPictures) -> dict[str, tuple[float, float]]:
    """Mean error of each point in percent, raw and after the offset; of those that occur."""
    return {
        landmark.name: (
            float(100 * np.nanmean(scored.errors[:, place])),
            float(100 * np.nanmean(scored.offset_errors[:, place])),
        )
        for place, landmark in enumerate(faces.landmarks)
        if np.isfinite(scored.errors[:, place]).any()
    }


def by_pose(
    scored: Scored, faces: LandmarkPictures
) -> dict[str, tuple[metrics.LandmarkScores, metrics.LandmarkScores]]:
    """Scores of each head pose that can be scored, raw and after the offset."""
    turned = data.pose(faces)
    if turned is None:
        return {}
    values = faces.attribute(turned.name)
    return {
        name: (
            metrics.landmark_scores(scored.errors[values == value], limit=LIMIT),
            metrics.landmark_scores(scored.offset_errors[values == value], limit=LIMIT),
        )
        for value, name in enumerate(turned.values)
        if np.isfinite(scored.errors[values == value]).any()
    }


def _score(faces: LandmarkPictures, points: NDArray[np.float64], eyes: tuple[int, int]) -> Scored:
    true, visible = faces.points, faces.visible
    left, right = eyes
    corrected = metrics.cross_fitted_offset(true, points, visible=visible, folds=OFFSET_FOLDS)
    step = np.median((points - true)[visible], axis=0)
    return Scored(
        points,
        metrics.landmark_errors(true, points, visible=visible, left=left, right=right),
        metrics.landmark_errors(true, corrected, visible=visible, left=left, right=right),
        (round(float(step[0]), 3), round(float(step[1]), 3)),
    )


def _percent(errors: NDArray[np.float64]) -> dict[str, Any]:
    scores = metrics.landmark_scores(errors, limit=LIMIT)
    return {
        "mean_error_percent": round(100 * scores.mean_error, 3),
        "failures_percent": round(100 * scores.failure_rate, 2),
        "area_under_curve": round(scores.area, 4),
        "faces": scores.pictures,
    }


def _mean_shape(sizes: NDArray[np.float64], predictor: Predictor) -> NDArray[np.float64]:
    """The training's mean shape in the middle of each picture, as the first network expects it."""
    stage = predictor.plan.coarse
    shape = placed_shape(predictor.plan.mean_shape, side=stage.side, extent=stage.extent)
    steps = (shape - (stage.side - 1) / 2) / stage.side
    placed: NDArray[np.float64] = (sizes[:, None] - 1) / 2 + steps * sizes.max(axis=1)[
        :, None, None
    ]
    return placed


def _sizes(faces: LandmarkPictures) -> NDArray[np.float64]:
    """Width and height of each picture, `(n, 2)`; 1 where it cannot be read."""
    sizes = np.ones((len(faces), 2))
    for row in range(len(faces)):
        try:
            sizes[row] = faces.pictures.size(row)
        except DatasetError:  # The predictor skips and counts it.
            continue
    return sizes
