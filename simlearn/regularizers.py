"""Penalties on embeddings, as activity regularisers of the layer that makes them.

Keras divides what an activity regulariser returns by the number of items in the batch, for it takes
it to be a sum over them. Each of these returns that number times a mean: what is added to the loss
is `strength` times the penalty as documented, whatever the size of the batch.
"""

import math
from typing import Any

import keras
from keras import ops

from simlearn._numerics import at_least_float32, safe_sqrt
from simlearn._typing import Tensor
from simlearn.errors import UserError

__all__ = ["Lp", "Spherical", "ZeroMean"]

_register = keras.saving.register_keras_serializable(package="simlearn")


class _EmbeddingRegularizer(keras.regularizers.Regularizer):
    """Subclasses give `penalty`: of embeddings `(items, dim)`, one number."""

    def __init__(self, *, strength: float) -> None:
        if not 0 <= strength < math.inf:
            raise UserError(f"expected strength in [0, inf), received {strength}")
        self.strength = strength

    def __call__(self, embeddings: Tensor) -> Tensor:
        """The number of items times `strength` times the penalty; Keras divides by the former."""
        embeddings = at_least_float32(embeddings)
        if len(embeddings.shape) < 2:
            raise UserError(
                f"expected embeddings of shape (batch, ..., dim), received {embeddings.shape}"
            )
        rows = ops.reshape(embeddings, (-1, embeddings.shape[-1]))
        batch = ops.cast(ops.shape(embeddings)[0], rows.dtype)
        return batch * (self.strength * self.penalty(rows))

    def penalty(self, rows: Tensor) -> Tensor:
        """What to keep small."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Everything the constructor takes."""
        return {"strength": self.strength}


@_register
class Lp(_EmbeddingRegularizer):
    """Keeps embeddings short: `strength * mean_i sum_j |x_ij|^p`.

    For losses of inner products, such as N-pairs, which embeddings could lower by just growing.

    Args:
        strength: at least 0.
        p: at least 1; 2 is the squared Euclidean length. At a coordinate of 0 the gradient is 0.

    Call arguments:
        embeddings: `(batch, ..., dim)`; the axes between count as more items.

    Call returns:
        Scalar, float32 at least: `batch` times the above.

    Raises:
        UserError: if an argument is out of range.

    Examples:
        >>> import keras, numpy as np
        >>> layer = keras.layers.Identity(activity_regularizer=Lp(strength=0.1))
        >>> _ = layer(np.array([[3.0, 4.0], [0.0, 1.0]]))
        >>> print(round(float(layer.losses[0]), 4))  # 0.1 * (25 + 1) / 2
        1.3

    Reference:
        Sohn 2016, "Improved Deep Metric Learning with Multi-class N-pair Loss Objective" (the
        length of the embeddings is regularised instead of fixed).
    """

    def __init__(self, *, strength: float, p: float = 2.0) -> None:
        super().__init__(strength=strength)
        if not 1 <= p < math.inf:
            raise UserError(f"expected p in [1, inf), received {p}")
        self.p = p

    def penalty(self, rows: Tensor) -> Tensor:
        """Mean of the p-norms to the power p."""
        # The derivative of this |x| is 0 at 0 on every backend; that of `ops.abs` is 1 on some.
        sizes = ops.sign(rows) * rows
        powers = ops.square(rows) if self.p == 2 else ops.power(sizes, self.p)
        return _mean_over_items(ops.sum(powers, axis=-1))

    def get_config(self) -> dict[str, Any]:
        """Everything the constructor takes."""
        return {**super().get_config(), "p": self.p}


@_register
class ZeroMean(_EmbeddingRegularizer):
    """Keeps the centre of the batch at the origin: `strength * |mean_i x_i|`.

    For losses of cosines or inner products, where a common offset makes all items alike. Where
    the centre is at the origin the gradient is 0.

    Args:
        strength: at least 0.

    Call arguments:
        embeddings: `(batch, ..., dim)`; the axes between count as more items.

    Call returns:
        Scalar, float32 at least: `batch` times the above.

    Raises:
        UserError: if the strength is out of range.

    Examples:
        >>> import keras, numpy as np
        >>> layer = keras.layers.Identity(activity_regularizer=ZeroMean(strength=0.1))
        >>> _ = layer(np.array([[3.0, 4.0], [3.0, 4.0], [3.0, 4.0]]))
        >>> print(round(float(layer.losses[0]), 4))
        0.5
    """

    def penalty(self, rows: Tensor) -> Tensor:
        """Length of the mean."""
        count = ops.maximum(ops.cast(ops.shape(rows)[0], rows.dtype), 1.0)
        return safe_sqrt(ops.sum(ops.square(ops.sum(rows, axis=0) / count)))


@_register
class Spherical(_EmbeddingRegularizer):
    """Keeps embeddings of one length, whichever: `strength * mean_i (|x_i| - mean_k |x_k|)^2`.

    For losses that normalise embeddings themselves: their gradient shrinks with the length, so
    items of unequal length learn at unequal pace. At the zero vector the gradient is 0.

    Args:
        strength: at least 0.

    Call arguments:
        embeddings: `(batch, ..., dim)`, not normalised; the axes between count as more items.

    Call returns:
        Scalar, float32 at least: `batch` times the above.

    Raises:
        UserError: if the strength is out of range.

    Examples:
        >>> import keras, numpy as np
        >>> layer = keras.layers.Identity(activity_regularizer=Spherical(strength=0.1))
        >>> _ = layer(np.array([[3.0, 4.0], [0.0, 1.0]]))  # lengths 5 and 1, each 2 from 3
        >>> print(round(float(layer.losses[0]), 4))
        0.4

    Reference:
        Zhang, Li, Zhang 2020, "Deep Metric Learning with Spherical Embedding" (the spherical
        embedding constraint; radius: the mean length in the batch).
    """

    def penalty(self, rows: Tensor) -> Tensor:
        """Variance of the lengths."""
        lengths = safe_sqrt(ops.sum(ops.square(rows), axis=-1))
        return _mean_over_items(ops.square(lengths - _mean_over_items(lengths)))


def _mean_over_items(values: Tensor) -> Tensor:
    return ops.sum(values) / ops.maximum(ops.cast(ops.shape(values)[0], values.dtype), 1.0)
