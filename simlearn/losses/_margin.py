"""Margin loss: positive pairs within a boundary, negative ones beyond it."""

import functools
import math
from typing import Any

import keras
from keras import ops

from simlearn import distances as _distances
from simlearn import mining
from simlearn._typing import Tensor
from simlearn.errors import UserError
from simlearn.losses._base import Distance, check_callable, check_count, check_range, register
from simlearn.losses._blocks import BatchLoss, Block, Terms, masked_terms, over_batch
from simlearn.losses._mined import mined_triplets


@register
def margin_loss(
    labels: Tensor,
    embeddings: Tensor,
    *,
    margin: float = 0.2,
    beta: float | Tensor = 1.2,
    miner: mining.TripletMiner | None = None,
    distance: Distance = _distances.euclidean,
    sample_weight: Tensor | None = None,
) -> Tensor:
    """Margin loss: `max(0, margin + d - beta)` of positive pairs, `max(0, margin + beta - d)` else.

    The mean over those pairs that cost something. The paper draws its pairs: that is `miner =
    simlearn.mining.DistanceWeighted(dim=...)`, each of whose triplets gives a pair of either kind.

    To learn a boundary, make it a weight of a layer of the model and give that weight, a
    `keras.Variable`, as `beta`; the paper's penalty nu on it is the weight's regulariser. To learn
    one for each class, call this function in a `train_step` with `beta=ops.take(weight, labels)`.

    Args:
        labels: integers `(batch,)`.
        embeddings: `(batch, dim)`; of unit length for the paper's numbers.
        margin: alpha in the paper, above 0, in the distance's unit.
        beta: the boundary, a finite number, or one for each anchor `(batch,)`.
        miner: one of simlearn.mining's that pick triplets; None for all pairs of the batch.
        distance: one of simlearn.distances.
        sample_weight: `(batch,)`, scales each anchor's pairs.

    Returns:
        Scalar; 0 where no pair costs anything.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import margin_loss
        >>> x = np.array([[0.0], [1.5], [2.0]], "float32")
        >>> print(round(float(margin_loss(np.array([0, 0, 1]), x)), 2))
        0.7

    Reference:
        Wu et al., "Sampling Matters in Deep Embedding Learning", ICCV 2017, section 4 (the margin
        based loss), with the authors' margin of 0.2 and boundary of 1.2. Deviation: one boundary
        where the paper adds up those of the whole, the class and the image.
    """
    _check(margin, beta, embeddings)
    row_loss = functools.partial(_margin, margin=margin, beta=beta, miner=miner, distance=distance)
    return over_batch(row_loss, labels, embeddings, sample_weight)


def _margin(
    block: Block,
    *,
    margin: float,
    beta: float | Tensor,
    miner: mining.TripletMiner | None,
    distance: Distance,
) -> Terms:
    beta = ops.convert_to_tensor(beta, block.anchors.dtype)
    if len(beta.shape) == 1:
        beta = beta[:, None]
    if miner is None:
        beyond = distance(block.anchors, block.others) - beta
        costs = ops.relu(margin + ops.where(block.positives, beyond, -beyond))
        return _active(costs, ops.logical_or(block.positives, block.negatives), block)
    near, far, valid = mined_triplets(block, miner=miner, distance=distance)
    pull = _active(ops.relu(margin + near - beta), valid, block)
    push = _active(ops.relu(margin + beta - far), valid, block)
    return Terms(pull.total + push.total, pull.count + push.count)


def _active(costs: Tensor, mask: Tensor, block: Block) -> Terms:
    """The pairs that cost something, of those that there are."""
    return masked_terms(costs, ops.logical_and(mask, costs > 0), block.column_weights)


@register
class MarginLoss(BatchLoss):
    """Margin loss of the pairs of a batch: `margin_loss`.

    Args:
        margin: alpha in the paper, above 0, in the distance's unit.
        beta: the boundary, a finite number, or a scalar `keras.Variable` that is learned: a
            weight of a layer of the model. A loaded loss has the number it had come to.
        miner: one of simlearn.mining's that pick triplets; None for all pairs of the batch.
        distance: one of simlearn.distances.
        name: of the loss.

    Examples:
        >>> from simlearn import mining
        >>> from simlearn.losses import MarginLoss
        >>> loss = MarginLoss(miner=mining.DistanceWeighted(dim=128))
    """

    def __init__(
        self,
        *,
        margin: float = 0.2,
        beta: float | Tensor = 1.2,
        miner: mining.TripletMiner | None = None,
        distance: Distance = _distances.euclidean,
        name: str = "margin",
    ) -> None:
        super().__init__(name=name)
        _check(margin, beta)
        self.margin = margin
        self.beta = beta
        self.miner = miner if miner is None else check_callable("miner", miner)
        self.distance = check_callable("distance", distance)

    @property
    def seed_generators(self) -> list[keras.random.SeedGenerator]:
        """Random state of the miner, for whoever saves the state of a training run."""
        generator = getattr(self.miner, "seed_generator", None)
        return [] if generator is None else [generator]

    def row_loss(self, block: Block) -> Terms:
        """What a block's anchors add to the loss."""
        return _margin(
            block, margin=self.margin, beta=self.beta, miner=self.miner, distance=self.distance
        )

    def get_config(self) -> dict[str, Any]:
        """Everything needed to make an equal loss; a learned boundary as a number."""
        return {**super().get_config(), "beta": float(ops.convert_to_numpy(self.beta))}


def _check(margin: float, beta: float | Tensor, embeddings: Tensor | None = None) -> None:
    check_range("margin", margin)
    shape = tuple(getattr(beta, "shape", ()))
    if shape == ():
        check_range("beta", beta, low=-math.inf)
    elif len(shape) > 1 or embeddings is None:
        wanted = "one number" if embeddings is None else "one number or one an anchor"
        raise UserError(f"expected {wanted} as beta, received shape {shape}")
    else:
        check_count("beta", ops.convert_to_tensor(beta), ops.convert_to_tensor(embeddings))
