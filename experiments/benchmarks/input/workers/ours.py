"""simlearn's pipeline."""

from typing import Any

import numpy as np
import PIL
import tensorflow as tf
from timing import measure, request

from simlearn.data import augment, folders, pipeline, sampling
from simlearn.data.frames import Stretch


def main() -> None:
    """Measure one process."""
    settings = request()
    side, batch = settings["size"], settings["batch"]
    data = folders.load(settings["folder"])
    change = augment.chain(
        augment.flip(),
        augment.affine(
            rotation=settings["rotation"], scale=settings["scale"], shift=settings["shift"]
        ),
        augment.colour(brightness=settings["brightness"], contrast=settings["contrast"]),
    )

    def plan(epoch: int) -> Any:
        return sampling.shuffled_batches(len(data), batch=batch, seed=settings["seed"], epoch=epoch)

    batches = pipeline.embedding_batches(
        data,
        plan,
        seed=settings["seed"],
        augment=change,
        frame=Stretch((side, side)),
    )
    steps = len(data) // batch
    endless = iter(batches)

    def epoch() -> tuple[int, str]:
        for _ in range(steps):
            images, _ = next(endless)
        return steps * batch, f"{tuple(images.shape)} {np.dtype(images.dtype.as_numpy_dtype)}"

    measure(epoch, settings, {"tensorflow": tf.__version__, "pillow": PIL.__version__})


main()
