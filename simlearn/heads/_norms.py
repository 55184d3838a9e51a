"""Cosines to class proxies, and the length of the feature beside them."""

from typing import Any

import keras
from keras import ops

from simlearn._numerics import l2_normalize
from simlearn._typing import Tensor
from simlearn.errors import UserError
from simlearn.heads._base import register
from simlearn.heads._proxies import Proxies


@register
class ProxiesWithNorm(Proxies):
    """Cosines to one trainable unit-length proxy a class, and the length of the feature.

    `[cos(theta_i1), ..., cos(theta_in), |x_i|]`, for `SphereFaceLoss`, whose features are not
    normalised.

    Args:
        classes: number of classes, at least 1.

    Call arguments:
        features: `(batch, dim)`, of any length; a zero vector has no gradient.

    Call returns:
        `(batch, classes + 1)`, float32 at least.

    Raises:
        UserError: if `classes` is below 1 or the features have no fixed dimension.

    Examples:
        >>> import numpy as np
        >>> float(ProxiesWithNorm(5)(np.array([[3.0, 4.0]]))[0, 5])
        5.0

    Reference:
        Liu et al. 2017, "SphereFace: Deep Hypersphere Embedding for Face Recognition", section 3.
    """

    def call(self, features: Tensor) -> Tensor:
        """Cosine of every feature with every proxy, then the feature's length."""
        return ops.concatenate([super().call(features), _length(features)], axis=-1)

    def compute_output_shape(self, features_shape: tuple[int | None, ...]) -> Any:
        """`(batch, classes + 1)`."""
        return (features_shape[0], self.classes + 1)


@register
class ProxiesWithQuality(Proxies):
    """Cosines to one trainable unit-length proxy a class, and how long the feature is for one.

    `[cos(theta_i1), ..., cos(theta_in), (|x_i| - mean) / deviation]`, for `AdaFaceLoss`: the
    length of a feature tells how good its picture is. Mean and deviation of the lengths are moving
    averages over the batches of training, part of the layer's state. No gradient flows through
    the last column.

    Args:
        classes: number of classes, at least 1.
        momentum: share of the old average that a batch leaves, in [0, 1).

    Call arguments:
        features: `(batch, dim)`, of any length.
        training: whether the batch moves the averages; it does so before they are used.

    Call returns:
        `(batch, classes + 1)`, float32 at least.

    Raises:
        UserError: if an argument is out of range or the features have no fixed dimension.

    Examples:
        >>> import numpy as np
        >>> quality = ProxiesWithQuality(5)(np.array([[30.0, 40.0]]))[0, 5]
        >>> print(round(float(quality), 3))  # (50 - 20) / 100
        0.3

    Reference:
        Kim, Jain, Liu 2022, "AdaFace: Quality Adaptive Margin for Face Recognition", its image
        quality indicator (momentum 0.99). The averages start at 20 and 100 and 0.001 is added to
        the deviation, as in the authors' code. Deviations: lengths are not limited to [0.001, 100]
        as there, and a batch's variance is divided by its size, not its size less one: one item has
        one, 0. Replicas each take their own part of the batch, and average what they find.
    """

    def __init__(self, classes: int, *, momentum: float = 0.99, **kwargs: Any) -> None:
        super().__init__(classes, **kwargs)
        if not 0 <= momentum < 1:
            raise UserError(f"expected momentum in [0, 1); got {momentum}")
        self.momentum = momentum

    def build(self, features_shape: tuple[int | None, ...]) -> None:
        """Makes the proxies and the averages."""
        super().build(features_shape)
        self.mean, self.deviation = (
            self.add_weight(
                name=name,
                shape=(),
                initializer=keras.initializers.Constant(start),
                trainable=False,
                aggregation="mean",
            )
            for name, start in (("mean", 20.0), ("deviation", 100.0))
        )

    def call(self, features: Tensor, training: bool | None = None) -> Tensor:
        """Cosine of every feature with every proxy, then the feature's length, standardised."""
        lengths = ops.stop_gradient(_length(features))
        if training:
            self._move(lengths)
        quality = (lengths - self.mean) / (self.deviation + 1e-3)
        return ops.concatenate([super().call(features), quality], axis=-1)

    def compute_output_shape(self, features_shape: tuple[int | None, ...]) -> Any:
        """`(batch, classes + 1)`."""
        return (features_shape[0], self.classes + 1)

    def get_config(self) -> dict[str, Any]:
        """Everything the constructor takes."""
        return {**super().get_config(), "momentum": self.momentum}

    def _move(self, lengths: Tensor) -> None:
        # A replica may be left without items: its averages stay where they are.
        count = ops.cast(ops.shape(lengths)[0], lengths.dtype)
        mean = ops.sum(lengths) / ops.maximum(count, 1.0)
        variance = ops.sum(ops.square(lengths - mean)) / ops.maximum(count, 1.0)
        step = ops.where(count > 0, 1.0 - self.momentum, 0.0)
        self.mean.assign(self.mean + step * (mean - self.mean))
        self.deviation.assign(self.deviation + step * (ops.sqrt(variance) - self.deviation))


def _length(features: Tensor) -> Tensor:
    """`|x|` as a column, through the unit vector: no square to overflow, no root to divide by."""
    return ops.sum(features * l2_normalize(features), axis=-1, keepdims=True)
