"""One face a picture, where each picture is of one person."""

from pathlib import Path

import numpy as np

from simlearn import faces
from simlearn.data.loading import Skipped
from simlearn.data.records import Pictures
from simlearn.errors import UserError


def most_central(pictures: Pictures, *, min_face: float, cache: Path) -> faces.FoundFaces:
    """The face nearest to the middle of each picture, where there is one.

    Args:
        pictures: those that cannot be read have none.
        min_face: smallest face that is looked for, in pixels.
        cache: folder to keep found faces in.

    Raises:
        UserError: the faces extra is not installed.
    """
    detector = faces.MtcnnDetector(min_face=min_face)
    found = faces.find_faces(pictures, detector, skipped=Skipped(limit=1.0), cache=cache)
    sizes = np.zeros((len(pictures), 2), np.int64)
    for row in np.unique(found.owner).tolist():
        sizes[row] = pictures.size(row)
    return found.take(faces.most_central(found, sizes))


def one_each(found: faces.FoundFaces) -> faces.FoundFaces:
    """One face a picture: where none was found, as the median face of the others lies.

    Args:
        found: one face a picture at most.

    Raises:
        UserError: there is no face in any picture.
    """
    if not len(found):
        raise UserError(
            f"expected faces in the pictures, found none in {found.pictures}; a fixed box needs no "
            "detector"
        )
    typical = [np.median(column, axis=0) for column in (found.boxes, found.points, found.scores)]
    columns = [np.repeat(one[np.newaxis], found.pictures, axis=0) for one in typical]
    for column, own in zip(columns, (found.boxes, found.points, found.scores), strict=True):
        column[found.owner] = own
    boxes, points, scores = columns
    return faces.FoundFaces(np.arange(found.pictures), boxes, points, scores, found.pictures)
