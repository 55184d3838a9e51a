"""What the page for clicking shows and changes."""

from typing import Any

import numpy as np

from simlearn.data.clicked import Clicked
from simlearn.data.files import Files
from simlearn.data.records import StoredPictures
from simlearn.errors import UserError
from simlearn.labelling._server import as_png
from simlearn.labelling._store import Labels


class Clicking:
    """The pages of `simlearn label`.

    Args:
        labels: see there.
    """

    page = "click.html"

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self._pictures = StoredPictures(Files(labels.folder), labels.images)

    def state(self) -> dict[str, Any]:
        """Names of points and pictures, and all that was clicked."""
        rows = [self.labels.get(index) for index in range(len(self.labels))]
        return {
            "points": self.labels.names,
            "images": self.labels.images,
            "labels": [{"status": row.status, "points": row.points} for row in rows],
            "counts": self.labels.counts(),
        }

    def picture(self, index: int) -> bytes:
        """The picture upright, as the readers see it, so that pixels mean the same."""
        return as_png(self._pictures.open(self._row(index)))

    def change(self, index: int, value: Any) -> dict[str, Any]:
        """Note a picture's points and status.

        Raises:
            UserError: what came is something else, or a point lies outside its picture.
        """
        row = self._row(index)
        if not isinstance(value, dict) or set(value) != {"status", "points"}:
            raise UserError("expected status and points")
        points = value["points"]
        if any(point is not None for point in points):
            # Only then: one that cannot be read can still be skipped.
            width, height = self._pictures.size(row)
            points = [_point(point, width, height) for point in points]
        self.labels.set(row, Clicked(str(value["status"]), tuple(points)))
        return {"counts": self.labels.counts()}

    def _row(self, index: int) -> int:
        if not 0 <= index < len(self.labels):
            raise UserError(f"expected a picture from 0 to {len(self.labels) - 1}, got {index}")
        return index


def _point(point: Any, width: int, height: int) -> tuple[float, float] | None:
    if point is None:
        return None
    x, y = (float(value) for value in point)
    if not (np.isfinite([x, y]).all() and -0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5):
        raise UserError(f"expected a point inside {width}x{height} pixels, got ({x:g}, {y:g})")
    return x, y
