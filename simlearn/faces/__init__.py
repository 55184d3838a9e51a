"""From photos to verified, recognised and clustered people.

A detector finds faces and five points of each; a `FaceEmbedder` carries a model with all that its
embeddings depend on: pixels' standardisation, size, how faces are laid. Nothing here imports Keras
before it is needed; `multi_crop` and its parts do so when they are first asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any

from simlearn.faces._align import AlignedFaces, face_template, similarity_transform
from simlearn.faces._cache import VectorCache
from simlearn.faces._calibration import Calibration, calibrate
from simlearn.faces._detect import Detector, MtcnnDetector
from simlearn.faces._embedder import FaceEmbedder
from simlearn.faces._face_model import FaceModel
from simlearn.faces._found import FoundFaces, largest, most_central
from simlearn.faces._gallery import Gallery, Identified
from simlearn.faces._models import load_embedder
from simlearn.faces._paths import PathPictures, picture_paths
from simlearn.faces._pipeline import embed_faces, find_faces
from simlearn.faces._placing import Aligned, Cropped, FixedBox, Placing
from simlearn.faces._scoring import score_detector

if TYPE_CHECKING:
    from simlearn.faces._multi_crop import EYES, MOUTH, WHOLE, FaceCrop, multi_crop

__all__ = [
    "EYES",
    "MOUTH",
    "WHOLE",
    "Aligned",
    "AlignedFaces",
    "Calibration",
    "Cropped",
    "Detector",
    "FaceCrop",
    "FaceEmbedder",
    "FaceModel",
    "FixedBox",
    "FoundFaces",
    "Gallery",
    "Identified",
    "MtcnnDetector",
    "PathPictures",
    "Placing",
    "VectorCache",
    "calibrate",
    "embed_faces",
    "face_template",
    "find_faces",
    "largest",
    "load_embedder",
    "most_central",
    "multi_crop",
    "picture_paths",
    "score_detector",
    "similarity_transform",
]

_LAZY = frozenset({"EYES", "MOUTH", "WHOLE", "FaceCrop", "multi_crop"})


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module("simlearn.faces._multi_crop"), name)
    raise AttributeError(f"module 'simlearn.faces' has no attribute {name!r}")
