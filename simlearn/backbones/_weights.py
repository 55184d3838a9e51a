"""ImageNet weights, weights from a file, or random ones."""

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import keras
from keras import layers

from simlearn._typing import Tensor
from simlearn.errors import UserError

Weights: TypeAlias = str | os.PathLike[str] | None
"""`"imagenet"`, a file of weights, or None for random ones."""

# Files of Keras' EfficientNet weights keep the standard deviations where the layer reads variances.
_IMAGENET_DEVIATIONS = (0.229, 0.224, 0.225)


def with_weights(build: Callable[..., keras.Model], rgb: Tensor, weights: Weights) -> keras.Model:
    """A model of `keras.applications` on top of `rgb`, without its top layers."""
    if weights != "imagenet":
        model = build(include_top=False, weights=None, input_tensor=rgb)
        if weights is not None:
            _load_weights(model, Path(weights))
        return model
    try:
        return build(include_top=False, weights="imagenet", input_tensor=rgb)
    except Exception as error:  # Keras raises a bare Exception where the download fails
        raise UserError(
            f"expected to get the ImageNet weights of {build.__name__}; {error}. Without a network "
            "connection give the path of a file, or weights=None for random ones"
        ) from error


def _load_weights(model: keras.Model, path: Path) -> None:
    if not path.is_file():
        raise UserError(f"expected a file of weights for {model.name}; {path} does not exist")
    try:
        with warnings.catch_warnings():
            # Keras only warns where it leaves layers as they were for want of a counterpart.
            warnings.simplefilter("error", UserWarning)
            model.load_weights(path)
    except (AttributeError, KeyError, OSError, TypeError, ValueError, UserWarning) as error:
        raise UserError(
            f"expected weights that fit {model.name} without its top layers; {path} does not: "
            f"{(str(error).splitlines() or [type(error).__name__])[0]}"
        ) from error
    for layer in model.layers:
        if isinstance(layer, layers.Normalization):
            _square_deviations(layer)


def _square_deviations(layer: keras.layers.Layer) -> None:
    """Makes variances of the standard deviations that Keras' EfficientNet files hold.

    Keras corrects for them with one more layer, but only under `weights="imagenet"`: the same file
    given by its path would see pixels scaled twice too small (keras.src.applications.efficientnet).
    """
    mean, variance, *count = layer.get_weights()
    if variance.shape == (3,) and abs(variance - _IMAGENET_DEVIATIONS).max() < 1e-4:
        layer.set_weights([mean, variance**2, *count])
        layer.finalize_state()
