"""Triplet loss of triplets that somebody chose: closer to the positive by a margin."""

from typing import Any

import keras
from keras import ops

from simlearn import distances as _distances
from simlearn._numerics import nan_unless_finite
from simlearn._typing import Tensor
from simlearn.errors import UserError
from simlearn.losses._base import (
    Distance,
    check_callable,
    check_range,
    check_rows,
    register,
    restore,
    save_callable,
)


@register
def triplet_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    margin: float = 0.2,
    distance: Distance = _distances.squared_euclidean,
) -> Tensor:
    """Triplet loss of explicit triplets: `max(0, d(a, p) - d(a, n) + margin)`.

    Args:
        anchor: `(n, dim)`.
        positive: `(n, dim)`.
        negative: `(n, dim)`.
        margin: above 0, in the distance's unit.
        distance: one of simlearn.distances.

    Returns:
        One value a triplet, `(n,)`.

    Raises:
        UserError: shapes do not fit, or the margin is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import triplet_loss
        >>> a, p, n = (np.array([[v]], "float32") for v in (0.0, 1.0, 0.5))
        >>> print(float(triplet_loss(a, p, n, margin=0.25)[0]))
        1.0

    Reference:
        Schroff et al., "FaceNet", CVPR 2015, eq. 3 (squared distances, margin 0.2).
    """
    check_range("margin", margin)
    anchor, positive, negative = map(check_rows, (anchor, positive, negative))
    near = _distances.paired(distance, anchor, positive)
    far = _distances.paired(distance, anchor, negative)
    hinge = ops.maximum(near - far + margin, 0.0)
    # A negative at infinity would be far enough.
    triplets = ops.concatenate([anchor, positive, negative], axis=-1)
    return hinge + nan_unless_finite(triplets, axis=-1)


@register
class TripletLoss(keras.losses.Loss):
    """Triplet loss of explicit triplets: `triplet_loss` on embeddings `(batch, 3, dim)`.

    The model stacks the embeddings of anchor, positive and negative on axis 1. `y_true` is not
    used (Keras wants one: zeros will do).

    Args:
        margin: above 0, in the distance's unit.
        distance: one of simlearn.distances.
        name: of the loss.
        reduction: as in `keras.losses.Loss`.
    """

    def __init__(
        self,
        *,
        margin: float = 0.2,
        distance: Distance = _distances.squared_euclidean,
        name: str = "triplet",
        reduction: str = "sum_over_batch_size",
    ) -> None:
        super().__init__(name=name, reduction=reduction)
        self.margin = check_range("margin", margin)
        self.distance = check_callable("distance", distance)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """One value a triplet."""
        if len(y_pred.shape) != 3 or y_pred.shape[1] != 3:
            raise UserError(
                "expected anchor, positive and negative stacked as (batch, 3, dim), "
                f"received {tuple(y_pred.shape)}"
            )
        anchor, positive, negative = (y_pred[:, i] for i in range(3))
        return triplet_loss(anchor, positive, negative, margin=self.margin, distance=self.distance)

    def get_config(self) -> dict[str, Any]:
        """Everything needed to make an equal loss."""
        config = {"margin": self.margin, "distance": save_callable(self.distance)}
        return {**super().get_config(), **config}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "TripletLoss":
        """Make a loss from `get_config`'s answer."""
        return cls(**restore(config))
