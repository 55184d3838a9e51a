"""Landmarks and attributes of framed pictures, in numpy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlearn.data.frames import move
from simlearn.data.records import UNKNOWN, LandmarkPictures


def framed_labels(
    data: LandmarkPictures,
    rows: NDArray[np.int64],
    matrices: NDArray[np.float64],
    mirrored: NDArray[np.bool_],
) -> dict[str, NDArray[Any]]:
    """The labels of some pictures after a change that took their pixels elsewhere.

    Args:
        data: The record.
        rows: Positions in `data`, `(b,)`.
        matrices: From places in each picture to places in its image, `(b, 3, 3)`.
        mirrored: Whether left and right were swapped, `(b,)`.

    Returns:
        `points` float32 `(b, p, 2)`, 0 where not visible, `visible` booleans `(b, p)`, and each
        attribute by name, int64 `(b,)`.
    """
    points, visible = move(data.points[rows], matrices), data.visible[rows]
    swapped = mirrored[:, np.newaxis]
    visible = np.where(swapped, visible[:, data.mirror], visible)
    points = np.where(swapped[..., np.newaxis], points[:, data.mirror], points)
    labels: dict[str, NDArray[Any]] = {
        "points": np.where(visible[..., np.newaxis], points, 0.0).astype(np.float32),
        "visible": visible,
    }
    for attribute, column in zip(data.attributes, data.values[rows].T, strict=True):
        if attribute.mirrored:
            turned = np.array([*attribute.mirrored, UNKNOWN])[column]
            column = np.where(mirrored, turned, column)
        labels[attribute.name] = column
    return labels
