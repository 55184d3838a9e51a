"""Encoder plus head: embedding models, siamese networks and proxy classifiers.

An *encoder* is any `keras.Model` with one input and one output `(batch, dim)`: what
`simlearn.backbones` makes, or your own. These functions share its layers, never copy them: training
the model trains the encoder you passed in, and `encoder.trainable = False` before compiling freezes
it, its batch normalisation included.
"""

from collections.abc import Callable, Sequence

import keras

from simlearn._typing import Tensor
from simlearn.errors import UserError
from simlearn.heads import L2Normalize, Proxies

__all__ = ["embedding", "proxy_classifier", "siamese"]


def _check_encoder(encoder: keras.Model) -> None:
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
    _check_encoder(encoder)
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
    _check_encoder(encoder)
    dtype = keras.backend.result_type(keras.config.dtype_policy().compute_dtype, "float32")
    features = keras.layers.Dense(dim, dtype=dtype, name="projection")(encoder.outputs[0])
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


def proxy_classifier(
    embedding_model: keras.Model, classes: int, *, name: str = "proxy_classifier"
) -> keras.Model:
    """Embedding model plus one trainable proxy a class, to train with a margin softmax.

    `c_ij = cos(e(x_i), w_j)`, where e is the embedding and w_j the proxy of class j.

    After training, `embedding_model` itself holds the weights; a model read from a file gives them
    back as `model.get_layer("embedding")`.

    Args:
        embedding_model: model with one output `(batch, dim)`, normalised or not.
        classes: number of classes in training, at least 1.
        name: of the model.

    Returns:
        A model from pictures to cosines `(batch, classes)`, for losses of labels and cosines such
        as ArcFace. (A plain softmax on cosines needs a scale: they span only [-1, 1].)

    Raises:
        UserError: if `classes` is below 1 or the model does not give one vector a picture.

    Examples:
        >>> from simlearn.backbones import conv4
        >>> proxy_classifier(embedding(conv4((8, 8, 1))), classes=7).output_shape
        (None, 7)

    Reference:
        Deng, Guo, Xue, Zafeiriou 2019, "ArcFace", section 2.1 (figure 2).
    """
    shared = _alias(embedding_model, "embedding")
    pictures = _input_like(shared, "pixels")
    return keras.Model(pictures, Proxies(classes, name="proxies")(shared(pictures)), name=name)
