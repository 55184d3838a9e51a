"""An embedder with what decides on its distances, in one folder."""

import dataclasses
import os
from pathlib import Path
from typing import Final

from simlearn import metrics
from simlearn.errors import UserError
from simlearn.faces._calibration import Calibration
from simlearn.faces._embedder import FaceEmbedder
from simlearn.faces._models import load_embedder

_THRESHOLD: Final = "threshold.json"
_CALIBRATION: Final = "calibration.json"


@dataclasses.dataclass(frozen=True, eq=False)
class FaceModel:
    """An embedder, a threshold chosen for it and a calibration; the latter two where there are any.

    Args:
        embedder: makes the embeddings.
        threshold: of cosine distances, with where it comes from.
        calibration: from cosine distances to probabilities.

    Raises:
        UserError: a threshold or calibration is of another embedder, or of another distance.
    """

    embedder: FaceEmbedder
    threshold: metrics.Threshold | None = None
    calibration: Calibration | None = None

    def __post_init__(self) -> None:
        for part in (self.threshold, self.calibration):
            if part is None:
                continue
            if part.model_fingerprint != self.embedder.fingerprint:
                raise UserError(
                    f"expected a {type(part).__name__.lower()} of the model "
                    f"{self.embedder.fingerprint[:12]}, got one of {part.model_fingerprint[:12]}"
                )
            if part.distance != "cosine":
                raise UserError(f"expected cosine distances, got {part.distance}")

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write it into a folder, made where there is none.

        Raises:
            UserError: it cannot be written.
        """
        folder = Path(folder)
        self.embedder.save(folder)
        if self.threshold is not None:
            self.threshold.save(folder / _THRESHOLD)
        if self.calibration is not None:
            self.calibration.save(folder / _CALIBRATION)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "FaceModel":
        """Read what `save` wrote, or any model that `load_embedder` takes.

        Raises:
            UserError: something is damaged, or does not belong to the embedder.
        """
        embedder = load_embedder(path)
        for folder in (Path(path), Path(path) / "embedder"):
            if (folder / "embedder.json").is_file():
                break
        else:
            return cls(embedder)
        threshold = calibration = None
        if (folder / _THRESHOLD).is_file():
            threshold = metrics.Threshold.load(
                folder / _THRESHOLD, model_fingerprint=embedder.fingerprint
            )
        if (folder / _CALIBRATION).is_file():
            calibration = Calibration.load(
                folder / _CALIBRATION, model_fingerprint=embedder.fingerprint
            )
        return cls(embedder, threshold, calibration)
