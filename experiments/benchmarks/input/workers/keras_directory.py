"""`keras.utils.image_dataset_from_directory` and Keras' preprocessing layers in `map`."""

from typing import Any

import keras
import tensorflow as tf
from timing import measure, request


def main() -> None:
    """Measure one process."""
    settings = request()
    side, scale, shift = settings["size"], settings["scale"], settings["shift"]
    layers = [
        keras.layers.RandomFlip("horizontal"),
        keras.layers.RandomRotation(settings["rotation"] / 360, fill_mode="constant"),
        keras.layers.RandomZoom((1 / (1 + scale) - 1, scale), fill_mode="constant"),
        keras.layers.RandomTranslation(shift, shift, fill_mode="constant"),
        keras.layers.RandomBrightness(settings["brightness"]),
        keras.layers.RandomContrast(settings["contrast"]),
    ]

    def change(images: Any, labels: Any) -> tuple[Any, Any]:
        for layer in layers:
            images = layer(images, training=True)
        return images, labels

    batches = keras.utils.image_dataset_from_directory(
        settings["folder"],
        image_size=(side, side),
        batch_size=settings["batch"],
        seed=settings["seed"],
        verbose=False,
    )
    batches = batches.map(change, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)

    def epoch() -> tuple[int, str]:
        count, first = 0, next(iter(batches))[0]
        for images, _ in batches:
            count += len(images)
        return count, f"{tuple(first.shape)} {first.dtype.name}"

    measure(epoch, settings, {"keras": keras.__version__, "tensorflow": tf.__version__})


main()
