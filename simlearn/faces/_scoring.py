"""How good a detector is, on pictures with annotated boxes."""

import itertools
import os

import numpy as np

from simlearn.data.loading import Skipped
from simlearn.data.records import BoxedPictures
from simlearn.faces._detect import Detector
from simlearn.faces._pipeline import find_faces
from simlearn.metrics.detection import DetectionMatches, detection_matches


def score_detector(
    record: BoxedPictures,
    detector: Detector,
    *,
    overlap: float = 0.5,
    skipped: Skipped | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> DetectionMatches:
    """Compare what a detector finds with the boxes that annotators drew.

    Args:
        record: as `simlearn.data.fddb`, `wider_face` and `malf` read them.
        detector: finds faces.
        overlap: a box is right where intersection over union exceeds this.
        skipped: as of `find_faces`; in a picture that cannot be read nothing is found.
        cache: likewise.

    Returns:
        `DetectionMatches`, for `metrics.detection.detection_average_precision` and
        `metrics.detection.detection_roc`.

    Raises:
        UserError: nothing is annotated, or too many pictures cannot be read.
    """
    found = find_faces(record.pictures, detector, skipped=skipped, cache=cache)
    edges = np.searchsorted(found.owner, np.arange(len(record) + 1))
    own = np.searchsorted(record.owner, np.arange(len(record) + 1))
    return detection_matches(
        [found.boxes[a:b] for a, b in itertools.pairwise(edges)],
        [found.scores[a:b] for a, b in itertools.pairwise(edges)],
        [record.boxes[a:b] for a, b in itertools.pairwise(own)],
        ignored=[record.ignored[a:b] for a, b in itertools.pairwise(own)],
        overlap=overlap,
    )
