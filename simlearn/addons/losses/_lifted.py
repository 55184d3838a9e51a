"""Lifted structure loss."""

from simlearn import losses
from simlearn._typing import Tensor
from simlearn.addons.losses._base import EmbeddingLoss, register
from simlearn.losses._base import check_range


@register
def lifted_struct_loss(
    labels: Tensor,
    embeddings: Tensor,
    margin: float = 1.0,
    *,
    sample_weight: Tensor | None = None,
) -> Tensor:
    """Lifted structure loss: half the mean over positive pairs of `max(0, J)^2`.

    `J_ij = d_ij + log(sum_k exp(margin - d_ik) + sum_l exp(margin - d_jl))`, with k the negatives
    of i, l those of j, and d the Euclidean distance.

    Args:
        labels: integers `(batch,)` or `(batch, 1)`.
        embeddings: `(batch, dim)`.
        margin: above 0, in Euclidean distance.
        sample_weight: `(batch,)`, scales each anchor's pairs; new here.

    Returns:
        Scalar; 0 where the batch holds no positive pair or no negative one.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.addons import lifted_struct_loss
        >>> x = np.array([[0.0], [1.0], [1.5]], "float32")
        >>> print(round(float(lifted_struct_loss(np.array([0, 0, 1]), x)), 3))
        1.644

    Reference:
        Oh Song et al., "Deep Metric Learning via Lifted Structured Feature Embedding", CVPR 2016,
        the smooth upper bound. Deviations from tensorflow-addons: O(batch^2) memory and not
        O(batch^3); NaN there without positives, with one class, or where a positive is 89 closer
        than each negative.
    """
    return losses.lifted_structure_loss(
        labels, embeddings, margin=margin, sample_weight=sample_weight
    )


@register
class LiftedStructLoss(EmbeddingLoss):
    """Lifted structure loss: `lifted_struct_loss`.

    Args:
        margin: above 0, in Euclidean distance.
        name: of the loss.

    Examples:
        >>> import keras
        >>> from simlearn.addons import LiftedStructLoss
        >>> model = keras.Sequential([keras.layers.Dense(8)])
        >>> model.compile(optimizer="adam", loss=LiftedStructLoss())
    """

    def __init__(self, margin: float = 1.0, name: str | None = None) -> None:
        super().__init__(name=name)
        self.margin = check_range("margin", margin)

    def call(
        self, labels: Tensor, embeddings: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Scalar loss of one batch."""
        return lifted_struct_loss(labels, embeddings, self.margin, sample_weight=sample_weight)
