"""Encoders that turn pictures into features: plain functions that return a `keras.Model`.

Every one takes pixels from 0 to 255, `(batch, height, width, channels)` as uint8 or float, and
does its own preprocessing inside the model, so it cannot be forgotten or done twice. `pooling` is
what makes the layer from feature map to vector, `keras.layers.GlobalAveragePooling2D`,
`keras.layers.GlobalMaxPooling2D`, `keras.layers.Flatten` or your own; None gives the map itself.

To keep a pretrained encoder as it is, set `model.trainable = False` before compiling what contains
it: its batch normalisation then stays in inference mode, in training too.
"""

import difflib
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import keras
from keras import layers, ops

from simlearn._typing import Tensor
from simlearn.errors import UserError

__all__ = [
    "CaffePixels",
    "conv4",
    "efficientnet_b0",
    "inception_v3",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "resnet50",
    "siamese_cnn",
    "small_resnet",
    "vgg16",
]

Shape: TypeAlias = tuple[int | None, int | None, int]
"""Height, width and channels of a picture."""

Pooling: TypeAlias = Callable[[], keras.layers.Layer]
"""Makes the layer from feature map `(batch, height, width, channels)` to `(batch, dim)`."""

Weights: TypeAlias = str | os.PathLike[str] | None
"""`"imagenet"`, a file of weights, or None for random ones."""

# Keras' default of 0.99 forgets the initial statistics only after some 500 steps: too slow for the
# short runs these small networks are for.
_MOMENTUM = 0.9

_CAFFE_MEANS_BGR = (103.939, 116.779, 123.68)

# Files of Keras' EfficientNet weights keep the standard deviations where the layer reads variances.
_IMAGENET_DEVIATIONS = (0.229, 0.224, 0.225)


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


def _check_shape(input_shape: Shape, *, smallest: int) -> None:
    if (
        len(input_shape) != 3
        or any(size is None or size < smallest for size in input_shape[:2])
        or input_shape[2] < 1
    ):
        raise UserError(
            f"expected input_shape (height, width, channels) of at least {smallest}x{smallest} "
            f"pixels; got {input_shape}"
        )


def _unit_pixels(input_shape: Shape) -> tuple[Tensor, Tensor]:
    """The input and its pixels from 0 to 1: black is 0, as is the padding of the convolutions."""
    pixels = keras.Input(input_shape, name="pixels")
    return pixels, layers.Rescaling(1 / 255, dtype="float32")(pixels)


def _pooled(
    pixels: Tensor, feature_map: Tensor, pooling: Pooling | None, *, name: str
) -> keras.Model:
    features = feature_map if pooling is None else pooling()(feature_map)
    return keras.Model(pixels, features, name=name)


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
    _check_shape(input_shape, smallest=2 ** len(filters))
    pixels, features = _unit_pixels(input_shape)
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
    _check_shape(input_shape, smallest=1)
    pixels, features = _unit_pixels(input_shape)
    for _ in range(4):
        features = layers.Conv2D(filters, 3, padding="same")(features)
        features = layers.ReLU()(layers.BatchNormalization(momentum=_MOMENTUM)(features))
        height, width = features.shape[1:3]
        features = layers.MaxPooling2D((min(2, height), min(2, width)))(features)
    return _pooled(pixels, features, pooling, name="conv4")


def _normalized_conv(features: Tensor, width: int, kernel_size: int, stride: int = 1) -> Tensor:
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


def _residual_block(features: Tensor, width: int, stride: int) -> Tensor:
    shortcut = features
    if stride != 1 or features.shape[-1] != width:
        shortcut = _normalized_conv(features, width, 1, stride)
    features = layers.ReLU()(_normalized_conv(features, width, 3, stride))
    features = _normalized_conv(features, width, 3)
    return layers.ReLU()(layers.Add()([features, shortcut]))


def small_resnet(
    input_shape: Shape = (64, 64, 3),
    *,
    widths: tuple[int, ...] = (32, 64, 128),
    blocks: int = 2,
    pooling: Pooling | None = layers.GlobalAveragePooling2D,
) -> keras.Model:
    """Compact residual network with batch norm: 0.7 million parameters as it stands.

    A 3x3 convolution, then for each width `blocks` residual blocks of two 3x3 convolutions. From
    the second width on, the first block halves the sides; its shortcut is a 1x1 convolution.

    Args:
        input_shape: height, width (each at least 1) and channels.
        widths: channels of each stage; the last is the length of the features.
        blocks: residual blocks a stage, at least 1.
        pooling: makes the layer after the last block; None gives the feature map.

    Returns:
        A model from pixels (0..255) to `(batch, widths[-1])`.

    Raises:
        UserError: if the input shape is not fixed, `widths` is empty or `blocks` is below 1.

    Examples:
        >>> model = small_resnet((32, 32, 3))
        >>> model.output_shape, round(model.count_params() / 1e6, 1)
        ((None, 128), 0.7)

    Reference:
        He, Zhang, Ren, Sun 2016, "Deep Residual Learning for Image Recognition", equation 2 and
        section 4.2 (the CIFAR-10 nets, there with widths 16, 32, 64 and shortcuts of option A).
    """
    _check_shape(input_shape, smallest=1)
    if not widths or blocks < 1:
        raise UserError(
            f"expected at least one width and one block; got widths={widths}, blocks={blocks}"
        )
    pixels, features = _unit_pixels(input_shape)
    features = layers.ReLU()(_normalized_conv(features, widths[0], 3))
    for stage, width in enumerate(widths):
        for block in range(blocks):
            features = _residual_block(features, width, 2 if stage and not block else 1)
    return _pooled(pixels, features, pooling, name="small_resnet")


def _check_application_shape(input_shape: Shape, *, smallest: int) -> None:
    sides = input_shape[:2]
    if (
        len(input_shape) != 3
        or input_shape[2] not in (1, 3)
        or any(size is not None and size < smallest for size in sides)
    ):
        raise UserError(
            "expected input_shape (height, width, channels) with 1 or 3 channels and at least "
            f"{smallest}x{smallest} pixels (None for any size); got {input_shape}"
        )


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


def _with_weights(build: Callable[..., keras.Model], rgb: Tensor, weights: Weights) -> keras.Model:
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


def _application(
    build: Callable[..., keras.Model],
    input_shape: Shape,
    *,
    preprocess: keras.layers.Layer | None,
    weights: Weights,
    pooling: Pooling | None,
    layer: str | None,
    smallest: int = 32,
) -> keras.Model:
    """A model of keras.applications with its preprocessing, cut at `layer`, then pooled."""
    _check_application_shape(input_shape, smallest=smallest)
    pixels = keras.Input(input_shape, name="pixels")
    rgb = pixels if input_shape[2] == 3 else layers.Concatenate(name="rgb")([pixels] * 3)
    model = _with_weights(build, preprocess(rgb) if preprocess else rgb, weights)
    names = [candidate.name for candidate in model.layers]
    if layer is not None and layer not in names:
        close = difflib.get_close_matches(layer, names, n=5) or names[-5:]
        raise UserError(f"expected a layer of {model.name}, such as {close}; got {layer!r}")
    feature_map = model.outputs[0] if layer is None else model.get_layer(layer).output
    return _pooled(pixels, feature_map, pooling, name=model.name)


def _signed_pixels() -> keras.layers.Layer:
    """Pixels from -1 to 1."""
    return layers.Rescaling(1 / 127.5, offset=-1.0, dtype="float32")


def vgg16(
    input_shape: Shape = (224, 224, 3),
    *,
    weights: Weights = "imagenet",
    pooling: Pooling | None = layers.GlobalAveragePooling2D,
    layer: str | None = None,
) -> keras.Model:
    """VGG16 with its preprocessing (BGR, ImageNet means off): 512 features.

    `vgg16(layer="block5_conv3", pooling=None)` gives the 14x14x512 map that attention captioners
    look at.

    Args:
        input_shape: height, width (at least 32, or None for any) and channels: 3, or 1 for grey
            pictures, which are then repeated three times.
        weights: `"imagenet"` (downloaded once), a file of weights without the top layers, as Keras
            publishes or saves them (`.h5`, `.weights.h5`, `.keras`), or None for random ones.
        pooling: makes the layer after the feature map; None gives the map itself.
        layer: name of the layer to cut the network at; None for the last one.

    Returns:
        A model from pixels (0..255) to `(batch, features)`, or to the map where `pooling` is None.

    Raises:
        UserError: if the shape does not fit, the file does not exist or its weights do not fit, the
            download fails, or there is no such layer.

    Examples:
        >>> model = vgg16((32, 48, 3), weights=None, layer="block5_conv3", pooling=None)
        >>> model.output_shape
        (None, 2, 3, 512)

    Reference:
        Simonyan, Zisserman 2015, "Very Deep Convolutional Networks for Large-Scale Image
        Recognition", table 1 (configuration D).
    """
    return _application(
        keras.applications.VGG16,
        input_shape,
        preprocess=CaffePixels(dtype="float32"),
        weights=weights,
        pooling=pooling,
        layer=layer,
    )


def resnet50(
    input_shape: Shape = (224, 224, 3),
    *,
    weights: Weights = "imagenet",
    pooling: Pooling | None = layers.GlobalAveragePooling2D,
    layer: str | None = None,
) -> keras.Model:
    """ResNet-50 with its preprocessing (BGR, ImageNet means off): 2048 features.

    The first version, batch norm after each convolution.

    Args, returns and raises: as :func:`vgg16`.

    Reference:
        He, Zhang, Ren, Sun 2016, "Deep Residual Learning for Image Recognition", table 1.
    """
    return _application(
        keras.applications.ResNet50,
        input_shape,
        preprocess=CaffePixels(dtype="float32"),
        weights=weights,
        pooling=pooling,
        layer=layer,
    )


def mobilenet_v2(
    input_shape: Shape = (224, 224, 3),
    *,
    weights: Weights = "imagenet",
    pooling: Pooling | None = layers.GlobalAveragePooling2D,
    layer: str | None = None,
) -> keras.Model:
    """MobileNetV2 with its preprocessing (-1 to 1): 1280 features.

    Width multiplier 1.

    Args, returns and raises: as :func:`vgg16`.

    Reference:
        Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", table 2.
    """
    return _application(
        keras.applications.MobileNetV2,
        input_shape,
        preprocess=_signed_pixels(),
        weights=weights,
        pooling=pooling,
        layer=layer,
    )


def mobilenet_v3_small(
    input_shape: Shape = (224, 224, 3),
    *,
    weights: Weights = "imagenet",
    pooling: Pooling | None = layers.GlobalAveragePooling2D,
    layer: str | None = None,
) -> keras.Model:
    """MobileNetV3-Small with its preprocessing (-1 to 1): 576 features.

    Width multiplier 1; the layers up to the last batch-normalised convolution.

    Args, returns and raises: as :func:`vgg16`.

    Reference:
        Howard et al. 2019, "Searching for MobileNetV3", table 2.
    """
    return _application(
        keras.applications.MobileNetV3Small,
        input_shape,
        preprocess=None,
        weights=weights,
        pooling=pooling,
        layer=layer,
    )


def mobilenet_v3_large(
    input_shape: Shape = (224, 224, 3),
    *,
    weights: Weights = "imagenet",
    pooling: Pooling | None = layers.GlobalAveragePooling2D,
    layer: str | None = None,
) -> keras.Model:
    """MobileNetV3-Large with its preprocessing (-1 to 1): 960 features.

    Width multiplier 1; the layers up to the last batch-normalised convolution.

    Args, returns and raises: as :func:`vgg16`.

    Reference:
        Howard et al. 2019, "Searching for MobileNetV3", table 1.
    """
    return _application(
        keras.applications.MobileNetV3Large,
        input_shape,
        preprocess=None,
        weights=weights,
        pooling=pooling,
        layer=layer,
    )


def inception_v3(
    input_shape: Shape = (299, 299, 3),
    *,
    weights: Weights = "imagenet",
    pooling: Pooling | None = layers.GlobalAveragePooling2D,
    layer: str | None = None,
) -> keras.Model:
    """Inception v3 with its preprocessing (-1 to 1): 2048 features.

    Pictures must be at least 75x75 pixels.

    Args, returns and raises: as :func:`vgg16`.

    Reference:
        Szegedy et al. 2016, "Rethinking the Inception Architecture for Computer Vision", table 1.
    """
    return _application(
        keras.applications.InceptionV3,
        input_shape,
        preprocess=_signed_pixels(),
        weights=weights,
        pooling=pooling,
        layer=layer,
        smallest=75,
    )


def efficientnet_b0(
    input_shape: Shape = (224, 224, 3),
    *,
    weights: Weights = "imagenet",
    pooling: Pooling | None = layers.GlobalAveragePooling2D,
    layer: str | None = None,
) -> keras.Model:
    """EfficientNet-B0 with its preprocessing (ImageNet means and deviations): 1280 features.

    Keras' model has the preprocessing built in; random weights come without means and deviations.

    Args, returns and raises: as :func:`vgg16`.

    Reference:
        Tan, Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
        table 1.
    """
    return _application(
        keras.applications.EfficientNetB0,
        input_shape,
        preprocess=None,
        weights=weights,
        pooling=pooling,
        layer=layer,
    )
