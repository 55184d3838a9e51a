"""Encoder plus head: embeddings, siamese networks, two views and proxy classifiers."""

from collections.abc import Callable, Sequence

import keras

from simlearn._typing import Tensor
from simlearn.errors import UserError
from simlearn.heads import L2Normalize, Proxies

__all__ = ["embedding", "proxy_classifier", "siamese", "simsiam", "two_views"]


def check_encoder(encoder: keras.Model) -> None:
    """Refuse what does not turn one picture into one vector."""
    inputs: Sequence[Tensor] = getattr(encoder, "inputs", None) or ()
    outputs: Sequence[Tensor] = getattr(encoder, "outputs", None) or ()
    if len(inputs) != 1 or len(outputs) != 1 or len(outputs[0].shape) != 2:
        shapes = [tuple(tensor.shape) for tensor in outputs]
        raise UserError(
            "expected a functional or sequential encoder with one input and one output of shape "
            f"(batch, dim); got {getattr(encoder, 'name', encoder)!r} with {len(inputs)} inputs "
            f"and outputs of shapes {shapes} (a feature map needs pooling first)"
        )


def _alias(encoder: keras.Model, name: str) -> keras.Model:
    """The same layers under a fixed name, so that a loaded model can be asked for its encoder."""
    check_encoder(encoder)
    return keras.Model(encoder.inputs[0], encoder.outputs[0], name=name)


def _input_like(encoder: keras.Model, name: str) -> Tensor:
    source = encoder.inputs[0]
    return keras.Input(source.shape[1:], dtype=source.dtype, name=name)


def embedding(
    encoder: keras.Model, *, dim: int = 128, normalize: bool = True, name: str = "embedding"
) -> keras.Model:
    """Encoder, a linear projection and, unless told otherwise, unit length.

    `e(x) = z / |z|`, `z = W f(x) + b`, where f is the encoder.

    The encoder's layers lie flat in the model, so `model.get_layer(...)` reaches each of them.

    Args:
        encoder: model with one output `(batch, features)`.
        dim: length of the embedding, at least 1.
        normalize: whether embeddings are scaled to length one.
        name: of the model.

    Returns:
        A model from the encoder's input to `(batch, dim)`, float32 at least.

    Raises:
        UserError: if `dim` is below 1 or the encoder does not give one vector a picture.

    Examples:
        >>> from simlearn.backbones import conv4
        >>> embedding(conv4((8, 8, 1)), dim=5).output_shape
        (None, 5)

    Reference:
        Schroff, Kalenichenko, Philbin 2015, "FaceNet", section 3 (figure 2; dim 128 in table 5).
    """
    if dim < 1:
        raise UserError(f"expected dim to be at least 1; got {dim}")
    check_encoder(encoder)
    features = keras.layers.Dense(dim, dtype=_wide(), name="projection")(encoder.outputs[0])
    if normalize:
        features = L2Normalize(name="unit_length")(features)
    return keras.Model(encoder.inputs[0], features, name=name)


def siamese(
    encoder: keras.Model, head: Callable[[Tensor, Tensor], Tensor], *, name: str = "siamese"
) -> keras.Model:
    """One encoder applied to both pictures of a pair, and a head that compares the two.

    `s(x, y) = head(f(x), f(y))`, where f is the encoder.

    The two branches are one set of weights. After training, `encoder` itself holds them; a model
    read from a file gives them back as `model.get_layer("encoder")`.

    Args:
        encoder: model with one output `(batch, dim)`, for example what `embedding` returns.
        head: layer or function of two features, see `simlearn.heads`.
        name: of the model.

    Returns:
        A model with the inputs `left` and `right`, called on `(x, y)` or on
        `{"left": x, "right": y}`; the output is the head's.

    Raises:
        UserError: if the encoder does not give one vector a picture.

    Examples:
        >>> from simlearn.backbones import conv4
        >>> from simlearn.heads import DistanceHead
        >>> model = siamese(conv4((8, 8, 1)), DistanceHead())
        >>> model.compile("adam", keras.losses.MeanSquaredError())
        >>> model.get_layer("encoder").output_shape
        (None, 64)

    Reference:
        Bromley et al. 1993, "Signature Verification using a Siamese Time Delay Neural Network";
        Koch, Zemel, Salakhutdinov 2015, "Siamese Neural Networks for One-shot Image Recognition",
        section 3.
    """
    shared = _alias(encoder, "encoder")
    left, right = (_input_like(shared, side) for side in ("left", "right"))
    # Inputs in a list: Keras then takes a list, a tuple or, by the inputs' names, a dict.
    return keras.Model([left, right], head(shared(left), shared(right)), name=name)


def two_views(model: keras.Model, *, name: str = "two_views") -> keras.Model:
    """One model applied to both views of each picture, for losses that need no labels.

    `e(x, x')` stacked on axis 1. VICRegLoss and BarlowTwinsLoss take it from there; `y_true` is
    not used, so zeros will do. They want embeddings that are not scaled to unit length:
    `embedding(encoder, normalize=False)`.

    The two branches are one set of weights. After training, `model` itself holds them; a model
    read from a file gives it back as `get_layer("encoder")`.

    Args:
        model: encoder or embedding model with one output `(batch, dim)`.
        name: of the model that is returned.

    Returns:
        A model with the inputs `left` and `right`, called on `(x, y)` or on
        `{"left": x, "right": y}`, and the output `(batch, 2, dim)`.

    Raises:
        UserError: if the model does not give one vector a picture.

    Examples:
        >>> from simlearn.backbones import conv4
        >>> two_views(embedding(conv4((8, 8, 1)), dim=5, normalize=False)).output_shape
        (None, 2, 5)

    Reference:
        Bardes, Ponce, LeCun 2022, "VICReg", figure 1 (both branches with the same weights); Zbontar
        et al. 2021, "Barlow Twins", figure 1.
    """
    shared = _alias(model, "encoder")
    left, right = (_input_like(shared, side) for side in ("left", "right"))
    both = keras.ops.stack([shared(left), shared(right)], axis=1)
    return keras.Model([left, right], both, name=name)


def simsiam(
    encoder: keras.Model,
    *,
    dim: int = 2048,
    hidden: int = 2048,
    bottleneck: int = 512,
    layers: int = 3,
    name: str = "simsiam",
) -> keras.Model:
    """Encoder, projector and predictor, applied to both views of each picture.

    `z = g(f(x))`, `p = h(z)`, where f is the encoder, the projector g has `layers` dense layers,
    each with batch normalisation, all but the last with a ReLU, and the predictor h has two, the
    first with both. SimSiamLoss takes the output from there; `y_true` is not used.

    After training, `encoder` itself holds its weights, and only it is kept: projector and
    predictor serve the loss. A model read from a file gives the three back by
    `get_layer("encoder")`, `"projector"` and `"predictor"`.

    Args:
        encoder: model with one output `(batch, features)`.
        dim: length of projections and predictions, at least 1.
        hidden: width of the projector's hidden layers, at least 1.
        bottleneck: width of the predictor's hidden layer, at least 1.
        layers: dense layers of the projector, at least 1.
        name: of the model.

    Returns:
        A model with the inputs `left` and `right`, as of `two_views`, and the output
        `(batch, 2, 2, dim)`, float32 at least: of each view, the prediction and the projection.

    Raises:
        UserError: if a size is below 1 or the encoder does not give one vector a picture.

    Examples:
        >>> from simlearn.backbones import conv4
        >>> simsiam(conv4((8, 8, 1)), dim=16, hidden=16, bottleneck=4).output_shape
        (None, 2, 2, 16)

    Reference:
        Chen, He 2021, "Exploring Simple Siamese Representation Learning", section 3, baseline
        settings (the defaults). Deviation: the gradient is stopped in the loss, not in the model.
    """
    sizes = {"dim": dim, "hidden": hidden, "bottleneck": bottleneck, "layers": layers}
    for size, value in sizes.items():
        if value < 1:
            raise UserError(f"expected {size} to be at least 1; got {value}")
    shared = _alias(encoder, "encoder")
    projector = _projector(shared.output_shape[-1], [hidden] * (layers - 1), dim)
    predictor = _predictor(dim, bottleneck)
    left, right = (_input_like(shared, side) for side in ("left", "right"))
    projections = [projector(shared(side)) for side in (left, right)]
    views = [keras.ops.stack([predictor(z), z], axis=1) for z in projections]
    return keras.Model([left, right], keras.ops.stack(views, axis=1), name=name)


def proxy_classifier(
    embedding_model: keras.Model,
    classes: int,
    *,
    head: Callable[..., keras.layers.Layer] = Proxies,
    name: str = "proxy_classifier",
) -> keras.Model:
    """Embedding model plus trainable proxies of the classes, to train with a loss over proxies.

    `c_ij = cos(e(x_i), w_j)`, where e is the embedding and w_j the proxy of class j; other heads
    give more.

    After training, `embedding_model` itself holds the weights; a model read from a file gives them
    back as `model.get_layer("embedding")`.

    Args:
        embedding_model: model with one output `(batch, dim)`, normalised or not.
        classes: number of classes in training, at least 1.
        head: what makes the layer, called as `head(classes, name="proxies")`: a class such as
            `simlearn.heads.ProxiesWithNorm`, or `functools.partial(simlearn.heads.MultiProxies,
            centers=10)`.
        name: of the model.

    Returns:
        A model from pictures to what the head gives: cosines `(batch, classes)`, for losses of
        labels and cosines such as ArcFace, unless told otherwise. (A plain softmax on cosines
        needs a scale: they span only [-1, 1].)

    Raises:
        UserError: if `classes` is below 1, the model does not give one vector a picture, or
            `head` is a layer already made.

    Examples:
        >>> from simlearn.backbones import conv4
        >>> proxy_classifier(embedding(conv4((8, 8, 1))), classes=7).output_shape
        (None, 7)
        >>> from functools import partial
        >>> from simlearn.heads import MultiProxies
        >>> centers = partial(MultiProxies, centers=3)
        >>> proxy_classifier(embedding(conv4((8, 8, 1))), classes=7, head=centers).output_shape
        (None, 3, 7)

    Reference:
        Deng, Guo, Xue, Zafeiriou 2019, "ArcFace", section 2.1 (figure 2).
    """
    if isinstance(head, keras.layers.Layer):
        raise UserError(
            "expected head as what makes the layer, such as simlearn.heads.MultiProxies; "
            f"received the layer {head.name!r}"
        )
    shared = _alias(embedding_model, "embedding")
    pictures = _input_like(shared, "pixels")
    return keras.Model(pictures, head(classes, name="proxies")(shared(pictures)), name=name)


def _projector(features: int, hidden: Sequence[int], dim: int) -> keras.Model:
    body = [layer for width in hidden for layer in _dense_block(width)]
    last = _dense_block(dim, relu=False, dtype=_wide())
    return keras.Sequential([keras.Input((features,)), *body, *last], name="projector")


def _predictor(dim: int, bottleneck: int) -> keras.Model:
    last = keras.layers.Dense(dim, dtype=_wide())
    body = [keras.Input((dim,)), *_dense_block(bottleneck), last]
    return keras.Sequential(body, name="predictor")


def _dense_block(
    units: int, *, relu: bool = True, dtype: str | None = None
) -> list[keras.layers.Layer]:
    # Batch normalisation brings an offset of its own, and these are PyTorch's settings of it: the
    # method depends on it, and Keras' momentum would need some 500 steps to forget its start.
    dense = keras.layers.Dense(units, use_bias=False)
    normalised = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, dtype=dtype)
    return [dense, normalised, *([keras.layers.ReLU()] if relu else [])]


def _wide() -> str:
    """The policy's type, float32 at least: what a loss is computed from."""
    return keras.backend.result_type(keras.config.dtype_policy().compute_dtype, "float32")
