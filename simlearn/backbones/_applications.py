"""Networks of `keras.applications`, each with its preprocessing inside."""

import difflib
from collections.abc import Callable

import keras
from keras import layers

from simlearn.backbones._pooling import Pooling, Shape, pooled
from simlearn.backbones._preprocessing import CaffePixels, signed_pixels
from simlearn.backbones._weights import Weights, with_weights
from simlearn.errors import UserError


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
        preprocess=signed_pixels(),
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
        preprocess=signed_pixels(),
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
    model = with_weights(build, preprocess(rgb) if preprocess else rgb, weights)
    names = [candidate.name for candidate in model.layers]
    if layer is not None and layer not in names:
        close = difflib.get_close_matches(layer, names, n=5) or names[-5:]
        raise UserError(f"expected a layer of {model.name}, such as {close}; got {layer!r}")
    feature_map = model.outputs[0] if layer is None else model.get_layer(layer).output
    return pooled(pixels, feature_map, pooling, name=model.name)


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
