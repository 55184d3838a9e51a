"""Triplet loss with a soft margin: it never stops pulling, and there is no margin to choose."""

import functools

import keras
from keras import ops

from simlearn import distances as _distances
from simlearn import mining
from simlearn._typing import Tensor
from simlearn.losses._base import Distance, check_callable, register
from simlearn.losses._blocks import BatchLoss, Block, Terms, masked_terms, over_batch
from simlearn.losses._mined import mined_triplets


@register
def soft_margin_triplet_loss(
    labels: Tensor,
    embeddings: Tensor,
    *,
    miner: mining.TripletMiner = mining.batch_hard,
    distance: Distance = _distances.euclidean,
    sample_weight: Tensor | None = None,
) -> Tensor:
    """Soft-margin triplet loss: mean over mined triplets of `log(1 + exp(d_ap - d_an))`.

    Args:
        labels: integers `(batch,)`.
        embeddings: `(batch, dim)`; not normalised, or the loss cannot come near 0.
        miner: simlearn.mining's `batch_hard`, `semi_hard`, `easy_positive`, a
            `DistanceWeighted`, or your own `(distances, positives, negatives) -> Triplets`.
        distance: one of simlearn.distances.
        sample_weight: `(batch,)`, scales each anchor's triplets.

    Returns:
        Scalar; 0 where the batch holds no triplet.

    Raises:
        UserError: labels are not integers, or shapes do not fit.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import soft_margin_triplet_loss
        >>> x = np.array([[0.0], [1.0], [-1.0]], "float32")
        >>> print(round(float(soft_margin_triplet_loss(np.array([0, 0, 1]), x)), 4))
        0.5032

    Reference:
        Hermans et al., "In Defense of the Triplet Loss for Person Re-Identification", 2017,
        section 2 (soft margin): eq. 5 with the softplus for the hinge.
    """
    row_loss = functools.partial(_soft_margin, miner=miner, distance=distance)
    return over_batch(row_loss, labels, embeddings, sample_weight)


def _soft_margin(block: Block, *, miner: mining.TripletMiner, distance: Distance) -> Terms:
    near, far, valid = mined_triplets(block, miner=miner, distance=distance)
    return masked_terms(ops.softplus(near - far), valid, block.column_weights)


@register
class TripletSoftMarginLoss(BatchLoss):
    """Triplet loss with a soft margin and any miner: `soft_margin_triplet_loss`.

    Args:
        miner: `(distances, positives, negatives) -> Triplets`, as in simlearn.mining.
        distance: one of simlearn.distances.
        name: of the loss.
    """

    def __init__(
        self,
        *,
        miner: mining.TripletMiner = mining.batch_hard,
        distance: Distance = _distances.euclidean,
        name: str = "triplet_soft_margin",
    ) -> None:
        super().__init__(name=name)
        self.miner = check_callable("miner", miner)
        self.distance = check_callable("distance", distance)

    @property
    def seed_generators(self) -> list[keras.random.SeedGenerator]:
        """Random state of the miner, for whoever saves the state of a training run."""
        generator = getattr(self.miner, "seed_generator", None)
        return [] if generator is None else [generator]

    def row_loss(self, block: Block) -> Terms:
        """What a block's anchors add to the loss."""
        return _soft_margin(block, miner=self.miner, distance=self.distance)
