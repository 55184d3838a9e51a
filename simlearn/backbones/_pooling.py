"""From the feature map to the model."""

from collections.abc import Callable
from typing import TypeAlias

import keras

from simlearn._typing import Tensor

Shape: TypeAlias = tuple[int | None, int | None, int]
"""Height, width and channels of a picture."""

Pooling: TypeAlias = Callable[[], keras.layers.Layer]
"""Makes the layer from feature map `(batch, height, width, channels)` to `(batch, dim)`."""


def pooled(
    pixels: Tensor, feature_map: Tensor, pooling: Pooling | None, *, name: str
) -> keras.Model:
    """The model from `pixels` to the pooled feature map, or to the map itself."""
    features = feature_map if pooling is None else pooling()(feature_map)
    return keras.Model(pixels, features, name=name)
