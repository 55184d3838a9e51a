"""Our own small networks, for digits, few-shot learning and short runs."""

import keras
from keras import layers

from simlearn._typing import Tensor
from simlearn.backbones._pooling import Pooling, Shape, pooled
from simlearn.errors import UserError

# Keras' default of 0.99 forgets the initial statistics only after some 500 steps: too slow for the
# short runs these small networks are for.
_MOMENTUM = 0.9


def siamese_cnn(
    input_shape: Shape = (28, 28, 1),
    *,
    filters: tuple[int, ...] = (64, 128),
    kernel_size: int = 5,
    units: int | None = 1024,
) -> keras.Model:
    """Small network of convolutions and one dense layer, for digits and characters.

    For each of `filters`: convolution, ReLU, 2x2 max-pooling; then flattened, dense and ReLU.
    Dropout belongs to the head (:class:`simlearn.heads.ConcatenatedHead`).

    Args:
        input_shape: height, width (at least 2 to the number of convolutions) and channels.
        filters: channels of each convolution.
        kernel_size: of every convolution, in pixels.
        units: width of the dense layer; None leaves it out and gives the feature map.

    Returns:
        A model from pixels (0..255) to `(batch, units)`.

    Raises:
        UserError: if the pictures are too small to be pooled that often.

    Examples:
        >>> siamese_cnn((8, 8, 1)).output_shape
        (None, 1024)

    Reference:
        LeCun, Bottou, Bengio, Haffner 1998, "Gradient-Based Learning Applied to Document
        Recognition" (the pattern; the widths are those of common MNIST tutorials).
    """
    check_shape(input_shape, smallest=2 ** len(filters))
    pixels, features = unit_pixels(input_shape)
    for width in filters:
        features = layers.Conv2D(width, kernel_size, padding="same", activation="relu")(features)
        features = layers.MaxPooling2D()(features)
    if units is not None:
        features = layers.Dense(units, activation="relu")(layers.Flatten()(features))
    return keras.Model(pixels, features, name="siamese_cnn")


def conv4(
    input_shape: Shape = (28, 28, 1),
    *,
    filters: int = 64,
    pooling: Pooling | None = layers.Flatten,
) -> keras.Model:
    """The four blocks of few-shot learning: convolution 3x3, batch norm, ReLU, 2x2 max-pooling.

    28x28 pixels give 64 features, 84x84 give 1600, as in the papers. A side that has shrunk to one
    pixel is no longer halved, so pictures below 16x16 work too.

    Args:
        input_shape: height, width (each at least 1) and channels.
        filters: channels of each block.
        pooling: makes the layer after the last block; None gives the feature map.

    Returns:
        A model from pixels (0..255) to `(batch, features)`.

    Raises:
        UserError: if the input shape is not a fixed height, width and number of channels.

    Examples:
        >>> conv4((28, 28, 1)).output_shape, conv4((8, 8, 1)).output_shape
        ((None, 64), (None, 64))

    Reference:
        Vinyals et al. 2016, "Matching Networks for One Shot Learning", section 4.1; Snell, Swersky,
        Zemel 2017, "Prototypical Networks for Few-shot Learning", section 3.1.
    """
    check_shape(input_shape, smallest=1)
    pixels, features = unit_pixels(input_shape)
    for _ in range(4):
        features = layers.Conv2D(filters, 3, padding="same")(features)
        features = layers.ReLU()(layers.BatchNormalization(momentum=_MOMENTUM)(features))
        height, width = features.shape[1:3]
        features = layers.MaxPooling2D((min(2, height), min(2, width)))(features)
    return pooled(pixels, features, pooling, name="conv4")


def small_resnet(
    input_shape: Shape = (64, 64, 3),
    *,
    widths: tuple[int, ...] = (32, 64, 128),
    blocks: int | tuple[int, ...] = 2,
    stem_stride: int = 1,
    pooling: Pooling | None = layers.GlobalAveragePooling2D,
) -> keras.Model:
    """Compact residual network with batch norm: 0.7 million parameters as it stands.

    A 3x3 convolution, then for each width `blocks` residual blocks of two 3x3 convolutions. From
    the second width on, the first block halves the sides; its shortcut is a 1x1 convolution.

    Args:
        input_shape: height, width (each at least 1) and channels.
        widths: channels of each stage; the last is the length of the features.
        blocks: residual blocks a stage, at least 1; one number, or one for each width.
        stem_stride: of the first convolution: 2 makes larger pictures four times cheaper.
        pooling: makes the layer after the last block; None gives the feature map.

    Returns:
        A model from pixels (0..255) to `(batch, widths[-1])`.

    Raises:
        UserError: if the input shape is not fixed, `widths` is empty, `blocks` does not fit it or
            is below 1, or `stem_stride` is.

    Examples:
        >>> model = small_resnet((32, 32, 3))
        >>> model.output_shape, round(model.count_params() / 1e6, 1)
        ((None, 128), 0.7)

    Reference:
        He, Zhang, Ren, Sun 2016, "Deep Residual Learning for Image Recognition", equation 2 and
        section 4.2 (the CIFAR-10 nets, there with widths 16, 32, 64 and shortcuts of option A).
    """
    check_shape(input_shape, smallest=1)
    depths = (blocks,) * len(widths) if isinstance(blocks, int) else tuple(blocks)
    if not widths or len(depths) != len(widths) or min(depths) < 1 or stem_stride < 1:
        raise UserError(
            "expected at least one width, one block for each and a stride of at least 1; "
            f"got widths={widths}, blocks={blocks}, stem_stride={stem_stride}"
        )
    pixels, features = unit_pixels(input_shape)
    features = layers.ReLU()(normalized_conv(features, widths[0], 3, stem_stride))
    for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        for block in range(depth):
            features = residual_block(features, width, 2 if stage and not block else 1)
    return pooled(pixels, features, pooling, name="small_resnet")


def check_shape(input_shape: Shape, *, smallest: int) -> None:
    """Refuse what is not a fixed height, width and number of channels."""
    if (
        len(input_shape) != 3
        or any(size is None or size < smallest for size in input_shape[:2])
        or input_shape[2] < 1
    ):
        raise UserError(
            f"expected input_shape (height, width, channels) of at least {smallest}x{smallest} "
            f"pixels; got {input_shape}"
        )


def unit_pixels(input_shape: Shape) -> tuple[Tensor, Tensor]:
    """The input and its pixels from 0 to 1: black is 0, as is the padding of the convolutions."""
    pixels = keras.Input(input_shape, name="pixels")
    return pixels, layers.Rescaling(1 / 255, dtype="float32")(pixels)


def normalized_conv(features: Tensor, width: int, kernel_size: int, stride: int = 1) -> Tensor:
    """Convolution without a bias, batch normalisation."""
    # "same" with a stride pads an even side at its end only, which would centre the convolution
    # one pixel off the shortcut; equal padding on both sides keeps the two aligned.
    if kernel_size > 1:
        features = layers.ZeroPadding2D(kernel_size // 2)(features)
    features = layers.Conv2D(
        width,
        kernel_size,
        strides=stride,
        use_bias=False,
        kernel_initializer="he_normal",
    )(features)
    return layers.BatchNormalization(momentum=_MOMENTUM)(features)


def residual_block(features: Tensor, width: int, stride: int) -> Tensor:
    """Two 3x3 convolutions around a shortcut."""
    shortcut = features
    if stride != 1 or features.shape[-1] != width:
        shortcut = normalized_conv(features, width, 1, stride)
    features = layers.ReLU()(normalized_conv(features, width, 3, stride))
    features = normalized_conv(features, width, 3)
    return layers.ReLU()(layers.Add()([features, shortcut]))
