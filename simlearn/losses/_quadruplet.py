"""Quadruplet loss: a triplet, and a pair of two other classes that must be farther apart too."""

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
def quadruplet_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    other: Tensor,
    *,
    alpha1: float = 1.0,
    alpha2: float = 0.5,
    distance: Distance = _distances.squared_euclidean,
) -> Tensor:
    """Quadruplet loss of explicit quadruplets: the positive pair against two negative pairs.

    `max(0, d(a, p) - d(a, n) + alpha1) + max(0, d(a, p) - d(o, n) + alpha2)`.

    Args:
        anchor: `(n, dim)`.
        positive: `(n, dim)`, of the anchor's class.
        negative: `(n, dim)`, of another class.
        other: `(n, dim)`, of a third class.
        alpha1: margin to the anchor's own negative, above 0, in the distance's unit.
        alpha2: margin to a pair without the anchor, above 0; the paper keeps it below `alpha1`.
        distance: one of simlearn.distances.

    Returns:
        One value a quadruplet, `(n,)`. Where a hinge is at 0 its gradient is 0.

    Raises:
        UserError: shapes do not fit, or a margin is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import quadruplet_loss
        >>> a, p, n, o = (np.array([[v]], "float32") for v in (0.0, 1.0, 0.5, 1.5))
        >>> print(float(quadruplet_loss(a, p, n, o, alpha1=0.25, alpha2=0.25)[0]))
        1.25

    Reference:
        Chen et al., "Beyond Triplet Loss: A Deep Quadruplet Network for Person
        Re-Identification", CVPR 2017, section 3.2. Deviation: squared Euclidean distances of the
        embeddings where the paper learns a distance; fixed margins, which section 3.3 adapts.
    """
    check_range("alpha1", alpha1)
    check_range("alpha2", alpha2)
    rows = [check_rows(part) for part in (anchor, positive, negative, other)]
    near = _distances.paired(distance, rows[0], rows[1])
    far = _distances.paired(distance, rows[0], rows[2])
    beyond = _distances.paired(distance, rows[3], rows[2])
    hinges = ops.relu(near - far + alpha1) + ops.relu(near - beyond + alpha2)
    # A negative at infinity would be far enough.
    return hinges + nan_unless_finite(ops.concatenate(rows, axis=-1), axis=-1)


@register
class QuadrupletLoss(keras.losses.Loss):
    """Quadruplet loss of explicit quadruplets: `quadruplet_loss` on embeddings `(batch, 4, dim)`.

    The model stacks the embeddings of anchor, positive, negative and another negative (of a third
    class) on axis 1. `y_true` is not used (Keras wants one: zeros will do).

    Args:
        alpha1: margin to the anchor's own negative, above 0, in the distance's unit.
        alpha2: margin to a pair without the anchor, above 0.
        distance: one of simlearn.distances.
        name: of the loss.
        reduction: as in `keras.losses.Loss`.
    """

    def __init__(
        self,
        *,
        alpha1: float = 1.0,
        alpha2: float = 0.5,
        distance: Distance = _distances.squared_euclidean,
        name: str = "quadruplet",
        reduction: str = "sum_over_batch_size",
    ) -> None:
        super().__init__(name=name, reduction=reduction)
        self.alpha1 = check_range("alpha1", alpha1)
        self.alpha2 = check_range("alpha2", alpha2)
        self.distance = check_callable("distance", distance)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """One value a quadruplet."""
        if len(y_pred.shape) != 3 or y_pred.shape[1] != 4:
            raise UserError(
                "expected anchor, positive, negative and another negative stacked as "
                f"(batch, 4, dim), received {tuple(y_pred.shape)}"
            )
        parts = [y_pred[:, i] for i in range(4)]
        return quadruplet_loss(
            *parts, alpha1=self.alpha1, alpha2=self.alpha2, distance=self.distance
        )

    def get_config(self) -> dict[str, Any]:
        """Everything needed to make an equal loss."""
        margins = {"alpha1": self.alpha1, "alpha2": self.alpha2}
        return {**super().get_config(), **margins, "distance": save_callable(self.distance)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "QuadrupletLoss":
        """Make a loss from `get_config`'s answer."""
        return cls(**restore(config))
