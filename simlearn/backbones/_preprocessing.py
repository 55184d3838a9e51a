"""Pixels from 0 to 255 to what the pretrained networks were trained on."""

from typing import Any

import keras
from keras import layers, ops

from simlearn._typing import Tensor

_CAFFE_MEANS_BGR = (103.939, 116.779, 123.68)


@keras.saving.register_keras_serializable(package="simlearn")
class CaffePixels(keras.layers.Layer):
    r"""RGB pixels to what VGG and ResNet were trained on: BGR minus the ImageNet means.

    .. math:: (r, g, b) \mapsto (b - 103.939,\; g - 116.779,\; r - 123.68)

    Call arguments:
        pixels: `(batch, height, width, 3)`, RGB from 0 to 255.

    Call returns:
        The same shape.

    Examples:
        >>> import numpy as np
        >>> np.asarray(CaffePixels()(np.array([[[[255, 116.779, 0]]]]))).round(3).tolist()
        [[[[-103.9..., 0.0, 131.3...]]]]

    Reference:
        Simonyan, Zisserman 2015, "Very Deep Convolutional Networks", section 2.1; the means are
        those of `keras.applications.vgg16.preprocess_input`.
    """

    def call(self, pixels: Tensor) -> Tensor:
        """Swaps the channels and takes the means off."""
        pixels = ops.cast(pixels, self.compute_dtype)
        return ops.flip(pixels, axis=-1) - ops.cast(_CAFFE_MEANS_BGR, self.compute_dtype)

    def compute_output_shape(self, pixels_shape: tuple[int | None, ...]) -> Any:
        """The shape that came in."""
        return pixels_shape


def signed_pixels() -> keras.layers.Layer:
    """Pixels from -1 to 1."""
    return layers.Rescaling(1 / 127.5, offset=-1.0, dtype="float32")
