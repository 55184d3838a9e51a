"""MobileFaceNet: faces of 112x112 pixels to 128 numbers, on a phone."""

import os
from pathlib import Path

import keras
from keras import layers

from simlearn._typing import Tensor
from simlearn.backbones._layerwise import load_layers
from simlearn.backbones._preprocessing import fixed_pixels

# Stage, residual blocks after the first, channels between and behind, of table 1.
_STAGES = (("dconv_23", "res_3", 4, 128, 64, 128), ("dconv_34", "res_4", 6, 256, 128, 256),
           ("dconv_45", "res_5", 2, 512, 128, 256))  # fmt: skip


def mobilefacenet(
    *, dim: int = 128, weights: str | os.PathLike[str] | None = None, size: int = 112
) -> keras.Model:
    """MobileFaceNet with its preprocessing ((x - 127.5) / 128): a million parameters.

    Global pooling gives each place of the last feature map the same say, though the middle of a
    face tells more than its corner; here a depthwise convolution as large as the map learns what
    each place is worth.

    Args:
        dim: length of the embedding, at least 1.
        weights: an `.npz` or `.h5` of named arrays (the layers' names are those of the authors'
            MXNet code as InsightFace has it: `conv_1_conv2d`, `res_3_block0_conv_sep_batchnorm`);
            None for random ones.
        size: height and width of the faces; only at 112 a file of weights fits.

    Returns:
        A model from pixels (0..255), RGB, `(batch, size, size, 3)`, to `(batch, dim)`, of any
        length.

    Raises:
        UserError: the file cannot be read or does not fit, shape by shape.

    Examples:
        >>> model = mobilefacenet()
        >>> model.output_shape, round(model.count_params() / 1e6, 2)
        ((None, 128), 1.02)

    Reference:
        Chen, Liu, Gao, Han 2018, "MobileFaceNets: Efficient CNNs for Accurate Real-Time Face
        Verification on Mobile Devices", table 1. Deviations, as in InsightFace's code, from which
        the published weights come: four residual blocks after the first bottleneck, not five in
        all, and so on; the last layer is dense with batch normalisation without scale.
    """
    pixels = keras.Input((size, size, 3), name="pixels")
    features = _convolved(fixed_pixels()(pixels), 64, 3, "conv_1", stride=2)
    features = _depthwise(features, "conv_2_dw", stride=1)
    for entry, name, blocks, first, width, inner in _STAGES:
        features = _bottleneck(features, first, width, entry, stride=2)
        for block in range(blocks):
            within = _bottleneck(features, inner, width, f"{name}_block{block}", stride=1)
            features = layers.Add()([features, within])
    features = _convolved(features, 512, 1, "conv_6sep")
    whole = features.shape[1]
    features = layers.DepthwiseConv2D(whole, use_bias=False, name="conv_6dw7_7_conv2d")(features)
    features = _normalized(features, "conv_6dw7_7")
    features = layers.Dense(dim, name="pre_fc1")(layers.Flatten()(features))
    features = layers.BatchNormalization(epsilon=2e-5, name="fc1")(features)
    model = keras.Model(pixels, features, name="mobilefacenet")
    if weights is not None:
        load_layers(model, Path(weights))
    return model


def _convolved(
    features: Tensor, width: int, kernel: int, name: str, *, stride: int = 1, active: bool = True
) -> Tensor:
    if kernel > 1:
        features = layers.ZeroPadding2D(kernel // 2)(features)
    features = layers.Conv2D(width, kernel, strides=stride, use_bias=False, name=f"{name}_conv2d")(
        features
    )
    features = _normalized(features, name)
    return _active(features, name) if active else features


def _depthwise(features: Tensor, name: str, *, stride: int) -> Tensor:
    features = layers.ZeroPadding2D(1)(features)
    features = layers.DepthwiseConv2D(3, strides=stride, use_bias=False, name=f"{name}_conv2d")(
        features
    )
    return _active(_normalized(features, name), name)


def _bottleneck(features: Tensor, inner: int, width: int, name: str, *, stride: int) -> Tensor:
    features = _convolved(features, inner, 1, f"{name}_conv_sep")
    features = _depthwise(features, f"{name}_conv_dw", stride=stride)
    return _convolved(features, width, 1, f"{name}_conv_proj", active=False)


def _normalized(features: Tensor, name: str) -> Tensor:
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-3, name=f"{name}_batchnorm")(features)


def _active(features: Tensor, name: str) -> Tensor:
    return layers.PReLU("zeros", shared_axes=(1, 2), name=f"{name}_relu")(features)
