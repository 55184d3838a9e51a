"""mtcnn and Keras, one picture at a time, as their READMEs show."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import mtcnn
import numpy as np
import tensorflow as tf
from mtcnn.utils.images import load_image
from timing import measure, request


def main() -> None:
    """Measure one process."""
    settings: dict[str, Any] = request()
    model = keras.saving.load_model(settings["model"])
    detector = mtcnn.MTCNN()

    def work(paths: list[Path]) -> int:
        faces = 0
        for path in paths:
            image = load_image(str(path))
            for face in detector.detect_faces(image, min_face_size=settings["min_face"]):
                x, y, width, height = face["box"]
                crop = image[max(y, 0) : y + height, max(x, 0) : x + width]
                crop = tf.image.resize(crop, (112, 112))
                model.predict(np.asarray(crop)[np.newaxis], verbose=0)
                faces += 1
        return faces

    measure(work, settings, {"mtcnn": version("mtcnn"), "keras": keras.__version__})


main()
