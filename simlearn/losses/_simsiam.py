"""SimSiam: each view predicts the other, which holds still."""

from keras import ops

from simlearn._numerics import l2_normalize, masked_mean, nan_unless_finite
from simlearn._typing import Tensor
from simlearn.losses._base import check_count, register
from simlearn.losses._views import PARTS, TwoViewLoss, check_views, views_of


@register
def simsiam_loss(left: Tensor, right: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
    """SimSiam: negative cosine of each view's prediction and the other's projection.

    `mean (D(p, z') + D(p', z)) / 2` with `D(p, z) = -cos(p, stop_gradient(z))`. Without the
    stop-gradient, and without the predictor that makes p of z, the views would collapse.

    Args:
        left: one view, `(batch, 2, dim)`: prediction p and projection z of each item.
        right: the other view of the same items, `(batch, 2, dim)`.
        sample_weight: `(batch,)`, scales each item's term; the divisor stays the batch.

    Returns:
        Scalar from -1, both views agree, to 1; 0 for an empty batch. The cosine with a zero vector
        is 0, with zero gradient.

    Raises:
        UserError: the views are not of one shape `(batch, 2, dim)`, or there is not one weight an
            item.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import simsiam_loss
        >>> p, z = np.array([[1.0, 0.0]], "float32"), np.array([[0.0, 1.0]], "float32")
        >>> left, right = np.stack([p, z], axis=1), np.stack([z, z], axis=1)
        >>> print(float(simsiam_loss(left, right)))  # cosines 0 and 1
        -0.5

    Reference:
        Chen, He, "Exploring Simple Siamese Representation Learning", CVPR 2021, eqs. 1 and 2 with
        the stop-gradient of eqs. 3 and 4 (Algorithm 1).
    """
    left, right = check_views(left, right, parts=PARTS)
    agreement = 0.5 * (_agreement(left, right) + _agreement(right, left))
    if sample_weight is not None:
        sample_weight = ops.reshape(ops.cast(sample_weight, agreement.dtype), (-1,))
        check_count("sample_weight", sample_weight, agreement)
    everyone = ops.ones_like(agreement, dtype="bool")
    loss = masked_mean(-agreement, everyone, sample_weight)
    return loss + nan_unless_finite(left) + nan_unless_finite(right)


def _agreement(moving: Tensor, still: Tensor) -> Tensor:
    """Cosines `(batch,)` of the predictions of one view and the fixed projections of the other."""
    prediction, projection = views_of(moving)[0], views_of(still)[1]
    return ops.sum(l2_normalize(prediction) * ops.stop_gradient(l2_normalize(projection)), axis=-1)


@register
class SimSiamLoss(TwoViewLoss):
    """SimSiam of both views' predictions and projections `(batch, 2, 2, dim)`: `simsiam_loss`.

    Axis 1 is the view, axis 2 the prediction and the projection: what `simlearn.models.simsiam`
    gives. `y_true` is not used (zeros will do).

    Args:
        name: of the loss.
    """

    parts = PARTS
    weighted = True

    def __init__(self, *, name: str = "simsiam") -> None:
        super().__init__(name=name)

    def call(self, views: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Scalar loss of one batch."""
        return simsiam_loss(*views_of(views), sample_weight=sample_weight)
