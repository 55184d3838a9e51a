"""What the page for doubtful labels shows and changes."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from simlearn.audit import Doubt
from simlearn.data.records import LandmarkPictures
from simlearn.errors import UserError
from simlearn.labelling._decisions import DECISIONS, read_decisions, write_decisions
from simlearn.labelling._server import as_png
from simlearn.landmarks import draw


class Reviewing:
    """The pages of `simlearn review`.

    Args:
        record: the pictures; they stay as they are.
        doubts: which to look at, in this order; several of one picture are shown once.
        path: of the CSV file with the decisions; one that is there goes on.
        predicted: points that a model found, drawn beside the labels.
    """

    page = "review.html"

    def __init__(
        self,
        record: LandmarkPictures,
        doubts: Sequence[Doubt],
        path: str | Path,
        *,
        predicted: ArrayLike | None = None,
    ) -> None:
        self.record = record
        self.path = Path(path)
        self.predicted = None if predicted is None else np.asarray(predicted)
        self._doubts: dict[int, list[Doubt]] = {}
        for doubt in doubts:
            self._doubts.setdefault(doubt.row, []).append(doubt)
        self._rows = list(self._doubts)
        self._lock = threading.Lock()
        self.decisions = read_decisions(self.path) if self.path.exists() else {}

    def state(self) -> dict[str, Any]:
        """Each picture with its doubts and the decision so far."""
        return {
            "decisions": list(DECISIONS),
            "items": [
                {
                    "name": self.record.pictures.where(row),
                    "notes": [f"{one.kind} {one.value:.2f}: {one.note}" for one in doubts],
                    "decision": self.decisions.get(int(self.record.ids[row]), ""),
                }
                for row, doubts in self._doubts.items()
            ],
        }

    def picture(self, index: int) -> bytes:
        """The picture with its labels as crosses, and what a model found as discs."""
        row = self._row(index)
        picture = self.record.pictures.open(row, channels=3)
        labels = np.where(self.record.visible[row][:, np.newaxis], self.record.points[row], np.nan)
        found = labels if self.predicted is None else self.predicted[row]
        return as_png(Image.fromarray(draw(picture, found, true=labels)))

    def change(self, index: int, value: Any) -> dict[str, Any]:
        """Note a decision, and write the file.

        Raises:
            UserError: it is none of those there are.
        """
        row = self._row(index)
        if value not in DECISIONS:
            raise UserError(f"expected one of {', '.join(DECISIONS)}, got {value!r}")
        kinds = {
            int(self.record.ids[row]): " ".join(sorted({one.kind for one in doubts}))
            for row, doubts in self._doubts.items()
        }
        # Each request has a thread of its own; the file must not lose what another one noted.
        with self._lock:
            self.decisions[int(self.record.ids[row])] = value
            write_decisions(self.path, self.record, self.decisions, kinds)
        return {"decision": value}

    def _row(self, index: int) -> int:
        if not 0 <= index < len(self._rows):
            raise UserError(f"expected a picture from 0 to {len(self._rows) - 1}, got {index}")
        return self._rows[index]
