"""Networks for landmarks: the plain one of the tutorials, and a residual pyramid for heatmaps."""

import keras
from keras import layers

from simlearn._typing import Tensor
from simlearn.backbones._pooling import Shape
from simlearn.backbones._small import (
    check_shape,
    normalized_conv,
    residual_block,
    unit_pixels,
)
from simlearn.errors import UserError

# Convolutions of the tutorial's network: filters, kernel, and whether 2x2 max-pooling follows.
_TUTORIAL = ((16, 5, True), (48, 3, True), (64, 3, True), (64, 2, False))


def landmark_cnn(
    input_shape: Shape = (40, 40, 1), *, units: int = 1024, dropout: float = 0.4
) -> keras.Model:
    """The tutorials' landmark network: four convolutions of 16, 48, 64 and 64 filters, one dense.

    Convolutions 5x5, 3x3, 3x3 and 2x2 without padding, the first three with 2x2 max-pooling, each
    with a ReLU; then dense, ReLU and dropout.

    Args:
        input_shape: height and width (each at least 30) and channels.
        units: width of the dense layer, at least 1.
        dropout: share of its outputs dropped in training, [0, 1).

    Returns:
        A model from pixels (0..255) to `(batch, units)`.

    Raises:
        UserError: the input shape is not fixed or too small, or an argument is out of range.

    Examples:
        >>> landmark_cnn().output_shape
        (None, 1024)

    Reference:
        Zhang, Luo, Loy, Tang 2014, "Facial Landmark Detection by Deep Multi-task Learning",
        figure 2. Deviations, those of the tutorials: ReLU instead of the absolute hyperbolic
        tangent, a dense layer ten times as wide, dropout.
    """
    check_shape(input_shape, smallest=30)
    if units < 1 or not 0 <= dropout < 1:
        raise UserError(
            f"expected units of at least 1 and dropout in [0, 1); got {units} and {dropout}"
        )
    pixels, features = unit_pixels(input_shape)
    for filters, kernel, pooled in _TUTORIAL:
        features = layers.Conv2D(filters, kernel, activation="relu")(features)
        if pooled:
            features = layers.MaxPooling2D()(features)
    features = layers.Dense(units, activation="relu")(layers.Flatten()(features))
    return keras.Model(pixels, layers.Dropout(dropout)(features), name="landmark_cnn")


def residual_pyramid(
    input_shape: Shape = (48, 48, 3),
    *,
    widths: tuple[int, ...] = (32, 64, 128),
    blocks: tuple[int, ...] = (1, 1, 2),
    merged: int = 48,
) -> keras.Model:
    """Residual stages, and one fine map that merges them from the coarsest to the finest.

    A 3x3 convolution of stride 2, then for each width residual blocks as in `small_resnet`. From
    the last stage up, the map is doubled, the stage's own map is added through a 1x1 convolution,
    and a 3x3 convolution follows, all with `merged` channels: features that know both where and
    what.

    Args:
        input_shape: height and width, each a multiple of 2 to the number of widths, and channels.
        widths: channels of each stage, at least one stage.
        blocks: residual blocks of each, at least 1.
        merged: channels of the fine map, at least 1.

    Returns:
        A model from pixels (0..255) to two outputs: the fine map
        `(batch, height / 2, width / 2, merged)`, and features `(batch, widths[-1])`, the average
        over the last stage.

    Raises:
        UserError: the input shape is not fixed or does not divide, or an argument is out of range.

    Examples:
        >>> model = residual_pyramid((48, 48, 1), widths=(8, 16), blocks=(1, 1), merged=8)
        >>> model.output_shape
        [(None, 24, 24, 8), (None, 16)]

    Reference:
        Lin et al. 2017, "Feature Pyramid Networks for Object Detection", section 3 (figure 3);
        He, Zhang, Ren, Sun 2016, "Deep Residual Learning for Image Recognition", equation 2.
        Deviation: only the finest map is kept, with batch normalisation.
    """
    stages = len(widths)
    if not widths or len(blocks) != stages or min(blocks) < 1 or min(*widths, merged) < 1:
        raise UserError(
            "expected at least one width, one number of blocks for each, and merged of at least 1; "
            f"got widths={widths}, blocks={blocks}, merged={merged}"
        )
    check_shape(input_shape, smallest=2**stages)
    if any(side % 2**stages for side in input_shape[:2]):
        raise UserError(
            f"expected height and width as multiples of {2**stages}; got {input_shape[:2]}"
        )
    pixels, features = unit_pixels(input_shape)
    features = layers.ReLU()(normalized_conv(features, widths[0], 3, 2))
    maps: list[Tensor] = []
    for stage, (width, depth) in enumerate(zip(widths, blocks, strict=True)):
        for block in range(depth):
            features = residual_block(features, width, 2 if stage and not block else 1)
        maps.append(features)
    pooled = layers.GlobalAveragePooling2D(dtype="float32", name="features")(features)
    return keras.Model(pixels, [_merged(maps, merged), pooled], name="residual_pyramid")


def _merged(maps: list[Tensor], channels: int) -> Tensor:
    fine = layers.ReLU()(normalized_conv(maps[-1], channels, 1))
    for stage in reversed(maps[:-1]):
        fine = layers.UpSampling2D()(fine)
        fine = layers.Add()([fine, normalized_conv(stage, channels, 1)])
        fine = layers.ReLU()(normalized_conv(layers.ReLU()(fine), channels, 3))
    return fine
