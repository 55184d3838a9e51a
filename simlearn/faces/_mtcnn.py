"""The networks of the `mtcnn` package as graphs."""

import importlib.resources
from typing import Any

from simlearn.faces._cascade import Networks


def networks() -> Networks:
    """MTCNN's three networks, with the package's weights."""
    import tensorflow as tf
    from mtcnn.network.onet import ONet
    from mtcnn.network.pnet import PNet
    from mtcnn.network.rnet import RNet

    proposer, refiner, outputter = _loaded(PNet), _loaded(RNet), _loaded(ONet)
    pictures = tf.TensorSpec((None, None, None, 3), tf.uint8)
    windows = tf.TensorSpec((None, 5), tf.float32)

    @tf.function(input_signature=[pictures, tf.TensorSpec((), tf.float32)])
    def propose(level: Any, limit: Any) -> Any:
        offsets, scores = proposer(_signed(level))
        places = tf.where(scores[..., 1] > limit)
        return places, tf.gather_nd(scores[..., 1], places), tf.gather_nd(offsets, places)

    @tf.function(input_signature=[pictures, windows])
    def refine(whole: Any, boxes: Any) -> Any:
        offsets, scores = refiner(_patches(whole, boxes, 24))
        return scores[:, 1], offsets

    @tf.function(input_signature=[pictures, windows])
    def output(whole: Any, boxes: Any) -> Any:
        offsets, points, scores = outputter(_patches(whole, boxes, 48))
        return scores[:, 1], offsets, points

    return Networks(propose, refine, output)


def _loaded(kind: Any) -> Any:
    import joblib

    model = kind()
    model.build()
    # Not the package's own `load_weights`, which prefers a file of this name in the current folder.
    folder = importlib.resources.files("mtcnn") / "assets" / "weights"
    with importlib.resources.as_file(folder / f"{kind.__name__.lower()}.lz4") as path:
        model.set_weights(joblib.load(path))
    return model


def _signed(pictures: Any) -> Any:
    import tensorflow as tf

    return (tf.cast(pictures, tf.float32) - 127.5) / 128.0


def _patches(pictures: Any, windows: Any, side: int) -> Any:
    """The window of each box, of `side` pixels; 0 outside the picture."""
    import tensorflow as tf

    size = tf.cast(tf.shape(pictures)[1:3], tf.float32)
    low, high = windows[:, 2:0:-1], windows[:, 4:2:-1]
    # TensorFlow counts from the centre of the first pixel to that of the last one.
    half = (high - low) / (2 * side)
    limits = tf.concat([low + half - 0.5, high - half - 0.5], axis=1)
    boxes = limits / tf.tile(tf.maximum(size - 1, 1), [2])
    owner = tf.cast(windows[:, 0], tf.int32)
    return tf.image.crop_and_resize(_signed(pictures), boxes, owner, (side, side))
