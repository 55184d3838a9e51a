"""Contrastive loss of given pairs, without the paper's one half."""

from typing import Any

import keras

from simlearn import losses
from simlearn._typing import Tensor
from simlearn.addons.losses._base import register
from simlearn.losses._base import check_range


@register
def contrastive_loss(y_true: Tensor, y_pred: Tensor, margin: float = 1.0) -> Tensor:
    """Contrastive loss of pairs: `d^2` if same, else `max(0, margin - d)^2`.

    Args:
        y_true: 1 where the pair is of one class, 0 where it is not; `(n,)` or `(n, 1)`.
        y_pred: distances of the pairs; `(n,)` or `(n, 1)`.
        margin: distance, above 0, beyond which a negative pair costs nothing.

    Returns:
        One value a pair, `(n,)`.

    Raises:
        UserError: not one number a pair in both, or the margin is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.addons import contrastive_loss
        >>> print(np.asarray(contrastive_loss(np.array([1, 0]), np.array([0.5, 0.5]))))
        [0.25 0.25]

    Reference:
        Hadsell, Chopra, LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", CVPR
        2006, eq. 4. Deviation, as in tensorflow-addons: twice the paper's, which
        `simlearn.losses.contrastive_loss` has. Deviation from tensorflow-addons: `(n, 1)` beside
        `(n,)` is one column, and not broadcast to n^2 values.
    """
    return 2.0 * losses.contrastive_loss(y_true, y_pred, margin=margin)


@register
class ContrastiveLoss(keras.losses.Loss):
    """Contrastive loss for a two-tower model that outputs distances: `contrastive_loss`.

    Args:
        margin: distance, above 0, beyond which a negative pair costs nothing.
        reduction: as in `keras.losses.Loss`; Keras 2's `"auto"` is `"sum_over_batch_size"`.
        name: of the loss.

    Examples:
        >>> import numpy as np
        >>> from simlearn.addons import ContrastiveLoss
        >>> print(float(ContrastiveLoss(margin=1.5)(np.array([1, 0]), np.array([0.5, 0.5]))))
        0.625
    """

    def __init__(
        self,
        margin: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "contrastive_loss",
    ) -> None:
        known = "sum_over_batch_size" if reduction == "auto" else reduction
        super().__init__(reduction=known, name=name)
        self.margin = check_range("margin", margin)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """One value a pair."""
        return contrastive_loss(y_true, y_pred, margin=self.margin)

    def get_config(self) -> dict[str, Any]:
        """Everything needed to make an equal loss."""
        return {**super().get_config(), "margin": self.margin}
