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


def fixed_pixels() -> keras.layers.Layer:
    """`(x - 127.5) / 128`, as many face networks were trained."""
    return layers.Rescaling(1 / 128, offset=-127.5 / 128, dtype="float32", name="fixed_pixels")


@keras.saving.register_keras_serializable(package="simlearn")
class WhitenedPixels(keras.layers.Layer):
    r"""Each picture to mean 0 and deviation 1, over all its pixels and channels.

    .. math:: (x - \mu) / \max(\sigma, 1 / \sqrt n)

    n is the number of values of a picture, so that one of a single colour becomes 0.

    Call arguments:
        pixels: `(batch, height, width, channels)`.

    Call returns:
        The same shape.

    Examples:
        >>> import numpy as np
        >>> np.asarray(WhitenedPixels()(np.array([[[[0.0], [2.0]]]]))).ravel().tolist()
        [-1.0, 1.0]

    Reference:
        The standardisation of TensorFlow's `image.per_image_standardization`, with which the
        FaceNet weights of 2017 were trained.
    """

    def call(self, pixels: Tensor) -> Tensor:
        """Takes the mean off and divides by the deviation."""
        pixels = ops.cast(pixels, self.compute_dtype)
        mean = ops.mean(pixels, axis=(1, 2, 3), keepdims=True)
        deviation = ops.std(pixels, axis=(1, 2, 3), keepdims=True)
        values = ops.cast(ops.prod(ops.shape(pixels)[1:]), self.compute_dtype)
        return (pixels - mean) / ops.maximum(deviation, 1 / ops.sqrt(values))

    def compute_output_shape(self, pixels_shape: tuple[int | None, ...]) -> Any:
        """The shape that came in."""
        return pixels_shape
