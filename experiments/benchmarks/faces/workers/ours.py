"""simlearn's faces: all pictures in one call."""

from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from timing import grown, measure, request

from simlearn import faces


def main() -> None:
    """Measure one process."""
    settings: dict[str, Any] = request()
    embedder = faces.FaceEmbedder(keras.saving.load_model(settings["model"]))
    detector = faces.MtcnnDetector(min_face=settings["min_face"])

    def work(paths: list[Path]) -> int:
        pictures = faces.PathPictures(paths)
        found = faces.find_faces(pictures, detector)
        frame = embedder.placing.frame(embedder.size, found)
        vectors, _ = faces.embed_faces(pictures.take(found.owner), frame, embedder)
        return len(vectors)

    do = grown if settings["memory_pictures"] else measure
    do(work, settings, {"tensorflow": tf.__version__, "keras": keras.__version__})


main()
