"""Inception-ResNet-v1, with which FaceNet became known: faces of 160x160 pixels."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import keras
from keras import layers

from simlearn._typing import Tensor
from simlearn.backbones._layerwise import load_layers
from simlearn.backbones._preprocessing import fixed_pixels
from simlearn.errors import UserError

_SMALLEST: Final = 75
# A convolution: name, width, kernel, stride; a stride of 2 is without padding.
_Step = tuple[str, int, int | tuple[int, int], int]
_STEM: Final[Sequence[_Step]] = (
    ("Conv2d_3b_1x1", 80, 1, 1), ("Conv2d_4a_3x3", 192, 3, 0), ("Conv2d_4b_3x3", 256, 3, 2),
)  # fmt: skip
_BLOCK35: Final[Sequence[Sequence[_Step]]] = (
    (("Conv2d_1x1", 32, 1, 1),),
    (("Conv2d_0a_1x1", 32, 1, 1), ("Conv2d_0b_3x3", 32, 3, 1)),
    (("Conv2d_0a_1x1", 32, 1, 1), ("Conv2d_0b_3x3", 32, 3, 1), ("Conv2d_0c_3x3", 32, 3, 1)),
)
_BLOCK17: Final[Sequence[Sequence[_Step]]] = (
    (("Conv2d_1x1", 128, 1, 1),),
    (
        ("Conv2d_0a_1x1", 128, 1, 1),
        ("Conv2d_0b_1x7", 128, (1, 7), 1),
        ("Conv2d_0c_7x1", 128, (7, 1), 1),
    ),
)
_BLOCK8: Final[Sequence[Sequence[_Step]]] = (
    (("Conv2d_1x1", 192, 1, 1),),
    (
        ("Conv2d_0a_1x1", 192, 1, 1),
        ("Conv2d_0b_1x3", 192, (1, 3), 1),
        ("Conv2d_0c_3x1", 192, (3, 1), 1),
    ),
)
_MIXED_6A: Final[Sequence[Sequence[_Step]]] = (
    (("Conv2d_1a_3x3", 384, 3, 2),),
    (("Conv2d_0a_1x1", 192, 1, 1), ("Conv2d_0b_3x3", 192, 3, 1), ("Conv2d_1a_3x3", 256, 3, 2)),
)
_MIXED_7A: Final[Sequence[Sequence[_Step]]] = (
    (("Conv2d_0a_1x1", 256, 1, 1), ("Conv2d_1a_3x3", 384, 3, 2)),
    (("Conv2d_0a_1x1", 256, 1, 1), ("Conv2d_1a_3x3", 256, 3, 2)),
    (("Conv2d_0a_1x1", 256, 1, 1), ("Conv2d_0b_3x3", 256, 3, 1), ("Conv2d_1a_3x3", 256, 3, 2)),
)


def inception_resnet_v1(
    *,
    dim: int = 128,
    weights: str | os.PathLike[str] | None = None,
    size: int = 160,
    preprocess: keras.layers.Layer | None = None,
    dropout: float = 0.2,
) -> keras.Model:
    """Inception-ResNet-v1 as the published FaceNet weights have it: 23 million parameters.

    Published weights differ in how their pixels were standardised, which no file of weights says:
    those of 2017, and what was converted from them (`facenet_keras.h5`), per picture,
    `preprocess=WhitenedPixels()`; those of 2018 by `(x - 127.5) / 128`, the default.

    Args:
        dim: length of the embedding, as the file has it: 128, or 512 for the weights of 2018.
        weights: a `.h5` of Keras 2, weights or a whole model, with the layers' names of the
            Keras ports (`Block35_1_Branch_0_Conv2d_1x1`, ..., `Bottleneck_BatchNorm`), or an
            `.npz` of arrays by these names (kernels out, in, height, width); None for random ones.
        size: height and width of the faces, at least 75.
        preprocess: layer from pixels (0..255) to what the weights were trained on.
        dropout: share of the features dropped in training, in [0, 1).

    Returns:
        A model from pixels (0..255), RGB, `(batch, size, size, 3)`, to `(batch, dim)`, of any
        length.

    Raises:
        UserError: `size` is too small, or the file cannot be read or does not fit, shape by shape.

    Examples:
        >>> inception_resnet_v1(dim=512, size=96).output_shape
        (None, 512)

    Reference:
        Szegedy, Ioffe, Vanhoucke, Alemi 2017, "Inception-v4, Inception-ResNet and the Impact of
        Residual Connections on Learning", figures 10 to 14 and section 3.3 (scaled residuals, here
        by 0.17, 0.10 and 0.20). Deviations, as in the published weights: a sixth block of the last
        kind without ReLU or scale, and a dense layer with batch normalisation for the embedding.
    """
    if size < _SMALLEST:
        raise UserError(f"expected size of at least {_SMALLEST} pixels, got {size}")
    pixels = keras.Input((size, size, 3), name="pixels")
    features = _stem((fixed_pixels() if preprocess is None else preprocess)(pixels))
    for block in range(1, 6):
        features = _residual(features, _BLOCK35, f"Block35_{block}", scale=0.17)
    features = _reduced(features, _MIXED_6A, "Mixed_6a")
    for block in range(1, 11):
        features = _residual(features, _BLOCK17, f"Block17_{block}", scale=0.10)
    features = _reduced(features, _MIXED_7A, "Mixed_7a")
    for block in range(1, 6):
        features = _residual(features, _BLOCK8, f"Block8_{block}", scale=0.20)
    features = _residual(features, _BLOCK8, "Block8_6", scale=1.0, active=False)
    features = layers.Dropout(dropout)(layers.GlobalAveragePooling2D()(features))
    features = layers.Dense(dim, use_bias=False, name="Bottleneck")(features)
    model = keras.Model(pixels, _normalized(features, "Bottleneck"), name="inception_resnet_v1")
    if weights is not None:
        load_layers(model, Path(weights))
    return model


def _stem(features: Tensor) -> Tensor:
    features = _convolved(features, ("Conv2d_1a_3x3", 32, 3, 2))
    features = _convolved(features, ("Conv2d_2a_3x3", 32, 3, 0))
    features = _convolved(features, ("Conv2d_2b_3x3", 64, 3, 1))
    features = layers.MaxPooling2D(3, strides=2)(features)
    for step in _STEM:
        features = _convolved(features, step)
    return features


def _convolved(features: Tensor, step: _Step, prefix: str = "") -> Tensor:
    name, width, kernel, stride = step
    features = layers.Conv2D(
        width,
        kernel,
        strides=max(stride, 1),
        padding="same" if stride == 1 else "valid",
        use_bias=False,
        name=prefix + name,
    )(features)
    return layers.ReLU()(_normalized(features, prefix + name))


def _branches(features: Tensor, branches: Sequence[Sequence[_Step]], name: str) -> list[Tensor]:
    found = []
    for number, steps in enumerate(branches):
        branch = features
        for step in steps:
            branch = _convolved(branch, step, f"{name}_Branch_{number}_")
        found.append(branch)
    return found


def _residual(
    features: Tensor,
    branches: Sequence[Sequence[_Step]],
    name: str,
    *,
    scale: float,
    active: bool = True,
) -> Tensor:
    mixed = layers.Concatenate()(_branches(features, branches, name))
    added = layers.Conv2D(features.shape[-1], 1, name=f"{name}_Conv2d_1x1")(mixed)
    features = layers.Add()([features, layers.Rescaling(scale)(added)])
    return layers.ReLU()(features) if active else features


def _reduced(features: Tensor, branches: Sequence[Sequence[_Step]], name: str) -> Tensor:
    pooled = layers.MaxPooling2D(3, strides=2)(features)
    return layers.Concatenate()([*_branches(features, branches, name), pooled])


def _normalized(features: Tensor, name: str) -> Tensor:
    return layers.BatchNormalization(
        momentum=0.995, epsilon=1e-3, scale=False, name=f"{name}_BatchNorm"
    )(features)
