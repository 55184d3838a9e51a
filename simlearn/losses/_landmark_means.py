"""Losses of landmarks for `compile(loss=...)`: the mean over all known points of a batch."""

from keras import ops

from simlearn._numerics import masked_mean
from simlearn._typing import Tensor
from simlearn.losses._base import WholeBatchLoss, check_count, check_range, register
from simlearn.losses._landmarks import (
    landmark_l1_loss,
    landmark_normalized_loss,
    landmark_smooth_l1_loss,
    landmark_squared_loss,
    landmark_wing_loss,
    parts,
    scale,
)


class LandmarkLoss(WholeBatchLoss):
    """The mean over all known points of a batch; a subclass says of what.

    `y_true` is `(batch, points, 2)`, or `(batch, points, 3)` with 1 for known points and 0 for
    missing ones, as `simlearn.data.pipeline.landmark_targets` gives it. A batch without a known
    point is worth 0. `sample_weight` is `(batch,)` and scales the pictures.
    """

    gathers = True

    def prepare(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        """Points and weights, checked."""
        true, predicted, known = parts(y_true, y_pred)
        joined = ops.concatenate([true, ops.cast(known[..., None], true.dtype)], axis=-1)
        if sample_weight is None:
            return joined, predicted, None
        weights = ops.reshape(ops.cast(sample_weight, predicted.dtype), (-1,))
        check_count("sample_weight", weights, predicted)
        return joined, predicted, weights

    def call(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """The mean over known points."""
        weights = None if sample_weight is None else sample_weight[:, None]
        return masked_mean(self.each(y_true, y_pred), self.counted(y_true), weights)

    def each(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each point, `(batch, points)`."""
        raise NotImplementedError

    def counted(self, y_true: Tensor) -> Tensor:
        """Which points the mean is over, booleans `(batch, points)`."""
        return y_true[..., 2] > 0


@register
class LandmarkSquaredLoss(LandmarkLoss):
    """Mean of `landmark_squared_loss` over all known points of the batch.

    Examples:
        >>> import numpy as np
        >>> true = np.array([[[1.0, 2.0, 1.0], [0.0, 0.0, 0.0]]])
        >>> float(LandmarkSquaredLoss()(true, np.array([[[4.0, 6.0], [5.0, 5.0]]])))
        12.5
    """

    def __init__(self, *, name: str = "landmark_squared_loss") -> None:
        super().__init__(name=name)

    def each(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `landmark_squared_loss`."""
        return landmark_squared_loss(y_true, y_pred)


@register
class LandmarkL1Loss(LandmarkLoss):
    """Mean of `landmark_l1_loss` over all known points of the batch."""

    def __init__(self, *, name: str = "landmark_l1_loss") -> None:
        super().__init__(name=name)

    def each(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `landmark_l1_loss`."""
        return landmark_l1_loss(y_true, y_pred)


@register
class LandmarkSmoothL1Loss(LandmarkLoss):
    """Mean of `landmark_smooth_l1_loss` over all known points of the batch.

    Args:
        beta: see there.
        name: of the loss.

    Raises:
        UserError: `beta` is not above 0.
    """

    def __init__(self, *, beta: float = 1.0, name: str = "landmark_smooth_l1_loss") -> None:
        super().__init__(name=name)
        self.beta = check_range("beta", beta)

    def each(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `landmark_smooth_l1_loss`."""
        return landmark_smooth_l1_loss(y_true, y_pred, beta=self.beta)


@register
class LandmarkWingLoss(LandmarkLoss):
    """Mean of `landmark_wing_loss` over all known points of the batch.

    Args:
        width: see there.
        epsilon: likewise.
        name: of the loss.

    Raises:
        UserError: an argument is not above 0.
    """

    def __init__(
        self, *, width: float = 10.0, epsilon: float = 2.0, name: str = "landmark_wing_loss"
    ) -> None:
        super().__init__(name=name)
        self.width = check_range("width", width)
        self.epsilon = check_range("epsilon", epsilon)

    def each(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `landmark_wing_loss`."""
        return landmark_wing_loss(y_true, y_pred, width=self.width, epsilon=self.epsilon)


@register
class LandmarkNormalizedLoss(LandmarkLoss):
    """Mean of `landmark_normalized_loss` over all known points of pictures that have a scale.

    Args:
        left: position of one of the two points whose distance is the unit.
        right: position of the other.
        name: of the loss.
    """

    def __init__(
        self, *, left: int = 0, right: int = 1, name: str = "landmark_normalized_loss"
    ) -> None:
        super().__init__(name=name)
        self.left = left
        self.right = right

    def each(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `landmark_normalized_loss`."""
        return landmark_normalized_loss(y_true, y_pred, left=self.left, right=self.right)

    def counted(self, y_true: Tensor) -> Tensor:
        """Known points of pictures whose two points are known and apart."""
        known = super().counted(y_true)
        _, scaled = scale(y_true[..., :2], known, self.left, self.right)
        return ops.logical_and(known, scaled)


__all__ = [
    "LandmarkL1Loss",
    "LandmarkLoss",
    "LandmarkNormalizedLoss",
    "LandmarkSmoothL1Loss",
    "LandmarkSquaredLoss",
    "LandmarkWingLoss",
]
