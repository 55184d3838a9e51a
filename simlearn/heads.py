"""Layers that end a network: unit features, class proxies and heads that compare two features.

Every pair head is called on the features of two pictures, `head(left, right)`, both `(batch, dim)`.
Whatever the dtype policy, results are float32 at least: a loss on float16 cosines or
probabilities loses the differences that it is meant to learn from.
"""

from typing import Any

import keras
from keras import ops

from simlearn._numerics import l2_normalize, safe_sqrt
from simlearn._typing import Tensor
from simlearn.errors import UserError

__all__ = ["ConcatenatedHead", "DistanceHead", "KochHead", "L2Normalize", "Proxies"]


class _WideLayer(keras.layers.Layer):
    """A layer that computes in float32 at least, whatever the policy in force."""

    def __init__(self, *, dtype: Any = None, **kwargs: Any) -> None:
        policy = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
        wide = keras.backend.result_type(policy.compute_dtype, "float32")
        super().__init__(dtype=wide, **kwargs)


def _check_features(*shapes: tuple[int | None, ...]) -> None:
    if any(len(shape) != 2 or shape[-1] is None for shape in shapes) or len(set(shapes)) > 1:
        raise UserError(
            "expected features of shape (batch, dim), equal for both sides of a pair; "
            f"got {' and '.join(map(str, shapes))}"
        )


@keras.saving.register_keras_serializable(package="simlearn")
class L2Normalize(_WideLayer):
    """Scales every feature vector to length one: `x / |x|`.

    The quotient has no value at the zero vector; here it is 0, with gradient 0.

    Call arguments:
        features: `(..., dim)`.

    Call returns:
        `(..., dim)`, float32 at least.

    Examples:
        >>> import numpy as np
        >>> np.asarray(L2Normalize()(np.array([[3.0, 4.0], [0.0, 0.0]]))).round(3).tolist()
        [[0.6..., 0.8...], [0.0, 0.0]]

    Reference:
        Schroff, Kalenichenko, Philbin 2015, "FaceNet", section 3.1 (embeddings on the unit sphere).
    """

    def call(self, features: Tensor) -> Tensor:
        """Normalises the last axis."""
        return l2_normalize(features)

    def compute_output_shape(self, features_shape: tuple[int | None, ...]) -> Any:
        """The shape that came in."""
        return features_shape


@keras.saving.register_keras_serializable(package="simlearn")
class Proxies(_WideLayer):
    """Cosines to one trainable unit-length proxy a class.

    `cos(theta_ij) = x_i . w_j / (|x_i| |w_j|)`.

    What losses of the margin-softmax family (ArcFace, CosFace, NormFace) take beside the labels.
    Proxies are normalised on use, so any optimiser may move them. Rounding can leave a cosine a
    few 1e-7 outside [-1, 1]: it is not clipped here, for that would cut the gradient off.

    Args:
        classes: number of classes, at least 1.

    Call arguments:
        features: `(batch, dim)`; they need not be normalised.

    Call returns:
        `(batch, classes)`, float32 at least.

    Raises:
        UserError: if `classes` is below 1 or the features have no fixed dimension.

    Examples:
        >>> import numpy as np
        >>> tuple(Proxies(5)(np.ones((2, 3))).shape)
        (2, 5)

    Reference:
        Deng, Guo, Xue, Zafeiriou 2019, "ArcFace", equation 2; Movshovitz-Attias et al. 2017, "No
        Fuss Distance Metric Learning using Proxies", section 3.
    """

    def __init__(self, classes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if classes < 1:
            raise UserError(f"expected classes to be at least 1; got {classes}")
        self.classes = classes

    def build(self, features_shape: tuple[int | None, ...]) -> None:
        """Makes one proxy a class; a normal draw points in a uniformly random direction."""
        _check_features(tuple(features_shape))
        self.proxies = self.add_weight(
            name="proxies",
            shape=(self.classes, features_shape[-1]),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
        )

    def call(self, features: Tensor) -> Tensor:
        """Cosine of every feature with every proxy."""
        return ops.matmul(l2_normalize(features), ops.transpose(l2_normalize(self.proxies)))

    def compute_output_shape(self, features_shape: tuple[int | None, ...]) -> Any:
        """`(batch, classes)`."""
        return (features_shape[0], self.classes)

    def get_config(self) -> dict[str, Any]:
        """Everything the constructor takes."""
        return {**super().get_config(), "classes": self.classes}


@keras.saving.register_keras_serializable(package="simlearn")
class DistanceHead(_WideLayer):
    """Euclidean distance of the two features of a pair, for the contrastive loss.

    `d_i = |f_i - g_i|`.

    At two equal features the root has no derivative; here the gradient is 0.

    Call arguments:
        left: `(batch, dim)`.
        right: `(batch, dim)`.

    Call returns:
        Distances `(batch,)`, at least 0, float32 at least.

    Raises:
        UserError: if the two sides do not have one shape `(batch, dim)`.

    Examples:
        >>> import numpy as np
        >>> np.asarray(DistanceHead()(np.array([[3.0, 4.0]]), np.zeros((1, 2)))).tolist()
        [5.0]

    Reference:
        Hadsell, Chopra, LeCun 2006, "Dimensionality Reduction by Learning an Invariant Mapping",
        equation 1.
    """

    def build(
        self, left_shape: tuple[int | None, ...], right_shape: tuple[int | None, ...]
    ) -> None:
        """Checks the two shapes; there is nothing to make."""
        _check_features(tuple(left_shape), tuple(right_shape))

    def call(self, left: Tensor, right: Tensor) -> Tensor:
        """Distances of the pairs, row by row."""
        return safe_sqrt(ops.sum(ops.square(left - right), axis=-1))


@keras.saving.register_keras_serializable(package="simlearn")
class KochHead(_WideLayer):
    """Probability that two features are of one class, from their weighted L1 distance.

    `p_i = sigmoid(sum_j alpha_j |f_ij - g_ij| + b)`.

    Symmetric in its two sides. Train it with `keras.losses.BinaryCrossentropy()` on labels that
    are 1 for a pair of one class and 0 otherwise.

    Deviation: the paper's formula has no bias `b`; without it two equal features could never get a
    probability other than one half.

    Call arguments:
        left: `(batch, dim)`.
        right: `(batch, dim)`.

    Call returns:
        Probabilities `(batch, 1)`, as Keras' binary losses and metrics take them, float32 at least.

    Raises:
        UserError: if the two sides do not have one shape `(batch, dim)`.

    Examples:
        >>> import numpy as np
        >>> np.asarray(KochHead()(np.ones((1, 3)), np.ones((1, 3)))).tolist()
        [[0.5]]

    Reference:
        Koch, Zemel, Salakhutdinov 2015, "Siamese Neural Networks for One-shot Image Recognition",
        section 3.1.
    """

    def build(
        self, left_shape: tuple[int | None, ...], right_shape: tuple[int | None, ...]
    ) -> None:
        """Makes the weights alpha and the bias."""
        _check_features(tuple(left_shape), tuple(right_shape))
        self.weighted = keras.layers.Dense(1, activation="sigmoid", dtype=self.dtype)
        self.weighted.build(left_shape)

    def call(self, left: Tensor, right: Tensor) -> Tensor:
        """Probability that both sides of each pair are of one class."""
        return self.weighted(ops.abs(left - right))


@keras.saving.register_keras_serializable(package="simlearn")
class ConcatenatedHead(_WideLayer):
    """Probability that two features are of one class, from a small network on both of them.

    `p_i = sigmoid(v . dropout(relu(W [f_i; g_i] + c)) + b)`.

    Not symmetric: swap the sides of every second pair in training, or average the two orders.
    Train it with `keras.losses.BinaryCrossentropy()` on labels that are 1 for a pair of one class
    and 0 otherwise.

    Args:
        units: width of the hidden layer, at least 1.
        dropout: share of hidden units set to 0 in training, in [0, 1).
        seed: of the dropout, or None for a random one.

    Call arguments:
        left: `(batch, dim)`.
        right: `(batch, dim)`.
        training: whether dropout applies.

    Call returns:
        Probabilities `(batch, 1)`, as Keras' binary losses and metrics take them, float32 at least.

    Raises:
        UserError: if an argument is out of range, or the two sides do not have one shape.

    Examples:
        >>> import numpy as np
        >>> tuple(ConcatenatedHead(units=7)(np.ones((2, 3)), np.zeros((2, 3))).shape)
        (2, 1)

    Reference:
        Zagoruyko, Komodakis 2015, "Learning to Compare Image Patches via Convolutional Neural
        Networks", section 3.1 (siamese: shared branches, concatenated, a decision network on top).
    """

    def __init__(
        self, *, units: int = 128, dropout: float = 0.4, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if units < 1:
            raise UserError(f"expected units to be at least 1; got {units}")
        if not 0 <= dropout < 1:
            raise UserError(f"expected dropout in [0, 1); got {dropout}")
        self.units = units
        self.dropout = dropout
        self.seed = seed

    def build(
        self, left_shape: tuple[int | None, ...], right_shape: tuple[int | None, ...]
    ) -> None:
        """Makes the hidden layer and the output."""
        _check_features(tuple(left_shape), tuple(right_shape))
        self.hidden = keras.layers.Dense(self.units, activation="relu", dtype=self.dtype)
        self.drop = keras.layers.Dropout(self.dropout, seed=self.seed, dtype=self.dtype)
        self.decision = keras.layers.Dense(1, activation="sigmoid", dtype=self.dtype)
        self.hidden.build((left_shape[0], 2 * (left_shape[1] or 0)))
        self.decision.build((left_shape[0], self.units))

    def call(self, left: Tensor, right: Tensor, training: bool | None = None) -> Tensor:
        """Probability that both sides of each pair are of one class."""
        both = ops.concatenate([left, right], axis=-1)
        return self.decision(self.drop(self.hidden(both), training=training))

    def get_config(self) -> dict[str, Any]:
        """Everything the constructor takes."""
        return {
            **super().get_config(),
            "units": self.units,
            "dropout": self.dropout,
            "seed": self.seed,
        }
