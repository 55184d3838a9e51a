"""Heads that compare the features of two pictures."""

from typing import Any

import keras
from keras import ops

from simlearn._numerics import safe_sqrt
from simlearn._typing import Tensor
from simlearn.errors import UserError
from simlearn.heads._base import WideLayer, check_features, register


@register
class DistanceHead(WideLayer):
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
        check_features(tuple(left_shape), tuple(right_shape))

    def call(self, left: Tensor, right: Tensor) -> Tensor:
        """Distances of the pairs, row by row."""
        return safe_sqrt(ops.sum(ops.square(left - right), axis=-1))


@register
class KochHead(WideLayer):
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
        check_features(tuple(left_shape), tuple(right_shape))
        self.weighted = keras.layers.Dense(1, activation="sigmoid", dtype=self.dtype)
        self.weighted.build(left_shape)

    def call(self, left: Tensor, right: Tensor) -> Tensor:
        """Probability that both sides of each pair are of one class."""
        return self.weighted(ops.abs(left - right))


@register
class ConcatenatedHead(WideLayer):
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
        Networks" (siamese: shared branches, concatenated, a decision network on top).
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
        check_features(tuple(left_shape), tuple(right_shape))
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
