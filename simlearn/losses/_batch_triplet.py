"""Triplet losses of a batch: mined, or over all of its triplets."""

import functools
from collections.abc import Callable

import keras
from keras import ops

from simlearn import distances as _distances
from simlearn import mining
from simlearn._typing import Tensor
from simlearn.losses._base import (
    Distance,
    check_callable,
    check_range,
    register,
)
from simlearn.losses._blocks import BatchLoss, Block, Terms, masked_terms, over_batch
from simlearn.losses._mined import mined_triplets


@register
def mined_triplet_loss(
    labels: Tensor,
    embeddings: Tensor,
    *,
    miner: mining.TripletMiner = mining.semi_hard,
    margin: float = 0.2,
    distance: Distance = _distances.squared_euclidean,
    sample_weight: Tensor | None = None,
) -> Tensor:
    """Triplet loss of a batch: the mean hinge over the triplets that a miner picks.

    Args:
        labels: integers `(batch,)`.
        embeddings: `(batch, dim)`.
        miner: simlearn.mining's `semi_hard`, `batch_hard`, `easy_positive`, a
            `DistanceWeighted`, or your own `(distances, positives, negatives) -> Triplets`.
        margin: above 0, in the distance's unit.
        distance: one of simlearn.distances.
        sample_weight: `(batch,)`, scales each anchor's triplets.

    Returns:
        Scalar; 0 where the batch holds no triplet.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import mined_triplet_loss
        >>> x = np.array([[0.0], [1.0], [1.1]], "float32")
        >>> print(round(float(mined_triplet_loss(np.array([0, 0, 1]), x)), 3))
        0.595

    Reference:
        Schroff et al., "FaceNet", CVPR 2015, eqs. 3 and 4.
    """
    check_range("margin", margin)
    row_loss = functools.partial(_mined, miner=miner, margin=margin, distance=distance)
    return over_batch(row_loss, labels, embeddings, sample_weight)


def _mined(block: Block, *, miner: mining.TripletMiner, margin: float, distance: Distance) -> Terms:
    if miner is mining.semi_hard:
        return _active_triplets(block, mining.active_semi_hard, margin=margin, distance=distance)
    near, far, valid = mined_triplets(block, miner=miner, distance=distance)
    return masked_terms(ops.maximum(near - far + margin, 0.0), valid, block.column_weights)


@register
def batch_all_triplet_loss(
    labels: Tensor,
    embeddings: Tensor,
    *,
    margin: float = 0.2,
    distance: Distance = _distances.euclidean,
    sample_weight: Tensor | None = None,
) -> Tensor:
    """Triplet loss over *all* triplets of a batch, in O(batch^2) memory.

    Args:
        labels: integers `(batch,)`.
        embeddings: `(batch, dim)`.
        margin: above 0, in the distance's unit.
        distance: one of simlearn.distances.
        sample_weight: `(batch,)`, scales each anchor's triplets.

    Returns:
        Scalar, the mean over valid triplets; 0 where the batch holds none.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import batch_all_triplet_loss
        >>> x = np.array([[0.0], [1.0], [1.1]], "float32")
        >>> print(round(float(batch_all_triplet_loss(np.array([0, 0, 1]), x)), 3))
        0.6

    Reference:
        Hermans et al., "In Defense of the Triplet Loss for Person Re-Identification", 2017, eq. 6.
    """
    check_range("margin", margin)
    row_loss = functools.partial(_all_triplets, margin=margin, distance=distance)
    return over_batch(row_loss, labels, embeddings, sample_weight)


def _all_triplets(block: Block, *, margin: float, distance: Distance) -> Terms:
    return _active_triplets(block, mining.batch_all, margin=margin, distance=distance)


def _active_triplets(
    block: Block, count: Callable[..., mining.ActiveTriplets], *, margin: float, distance: Distance
) -> Terms:
    apart = distance(block.anchors, block.others)
    found = count(apart, block.positives, block.negatives, margin=margin)
    hinges = found.hinges(apart, margin)
    if block.weights is not None:
        hinges = hinges * block.weights
    return Terms(ops.sum(hinges), ops.sum(found.valid))


class _BatchTripletLoss(BatchLoss):
    """Margin and distance, which every in-batch triplet loss has."""

    def __init__(self, *, margin: float, distance: Distance, name: str) -> None:
        super().__init__(name=name)
        self.margin = check_range("margin", margin)
        self.distance = check_callable("distance", distance)


@register
class MinedTripletLoss(_BatchTripletLoss):
    """Triplet loss with any miner: `mined_triplet_loss`.

    Args:
        miner: `(distances, positives, negatives) -> Triplets`, as in simlearn.mining.
        margin: above 0, in the distance's unit.
        distance: one of simlearn.distances.
        name: of the loss.
    """

    def __init__(
        self,
        *,
        miner: mining.TripletMiner,
        margin: float = 0.2,
        distance: Distance = _distances.squared_euclidean,
        name: str = "mined_triplet",
    ) -> None:
        super().__init__(margin=margin, distance=distance, name=name)
        self.miner = check_callable("miner", miner)

    @property
    def seed_generators(self) -> list[keras.random.SeedGenerator]:
        """Random state of the miner, for whoever saves the state of a training run."""
        generator = getattr(self.miner, "seed_generator", None)
        return [] if generator is None else [generator]

    def row_loss(self, block: Block) -> Terms:
        """What a block's anchors add to the loss."""
        return _mined(block, miner=self.miner, margin=self.margin, distance=self.distance)


class _FixedMinerLoss(MinedTripletLoss):
    """A mined loss whose miner is its name, not an argument."""


@register
class TripletSemiHardLoss(_FixedMinerLoss):
    """Triplet loss with FaceNet's semi-hard negatives, one for each positive pair.

    `mined_triplet_loss` with `simlearn.mining.semi_hard`; for unit-norm embeddings.

    Args:
        margin: in the distance's unit; 0.2 is the paper's, for squared distances.
        distance: one of simlearn.distances.
        name: of the loss.

    Examples:
        >>> import keras
        >>> from simlearn.losses import TripletSemiHardLoss
        >>> model = keras.Sequential([keras.layers.Dense(8), keras.layers.UnitNormalization()])
        >>> model.compile(optimizer="adam", loss=TripletSemiHardLoss())
    """

    def __init__(
        self,
        *,
        margin: float = 0.2,
        distance: Distance = _distances.squared_euclidean,
        name: str = "triplet_semi_hard",
    ) -> None:
        super().__init__(miner=mining.semi_hard, margin=margin, distance=distance, name=name)


@register
class TripletHardLoss(_FixedMinerLoss):
    """Triplet loss of each anchor's farthest positive and closest negative ("batch hard").

    `mined_triplet_loss` with `simlearn.mining.batch_hard`.

    Args:
        margin: above 0, in the distance's unit.
        distance: one of simlearn.distances; the paper found plain Euclidean more stable.
        name: of the loss.
    """

    def __init__(
        self,
        *,
        margin: float = 0.2,
        distance: Distance = _distances.euclidean,
        name: str = "triplet_hard",
    ) -> None:
        super().__init__(miner=mining.batch_hard, margin=margin, distance=distance, name=name)


@register
class TripletEasyPositiveLoss(_FixedMinerLoss):
    """Triplet loss of each anchor's closest positive and the closest negative beyond it.

    `mined_triplet_loss` with `simlearn.mining.easy_positive`.

    Args:
        margin: above 0, in the distance's unit.
        distance: one of simlearn.distances.
        name: of the loss.
    """

    def __init__(
        self,
        *,
        margin: float = 0.2,
        distance: Distance = _distances.squared_euclidean,
        name: str = "triplet_easy_positive",
    ) -> None:
        super().__init__(miner=mining.easy_positive, margin=margin, distance=distance, name=name)


@register
class TripletDistanceWeightedLoss(_FixedMinerLoss):
    """Triplet loss with distance-weighted random negatives; for unit-norm embeddings.

    `mined_triplet_loss` with a `simlearn.mining.DistanceWeighted` over Euclidean distances.

    Args:
        dim: length of the embeddings.
        margin: in Euclidean distance.
        seed: of the draws.
        name: of the loss.
    """

    def __init__(
        self,
        *,
        dim: int,
        margin: float = 0.2,
        seed: int | None = None,
        name: str = "triplet_distance_weighted",
    ) -> None:
        miner = mining.DistanceWeighted(dim=dim, seed=seed)
        super().__init__(miner=miner, margin=margin, distance=_distances.euclidean, name=name)
        self.dim = dim
        self.seed = seed


@register
class TripletBatchAllLoss(_BatchTripletLoss):
    """Triplet loss over all triplets of a batch: `batch_all_triplet_loss`.

    Args:
        margin: above 0, in the distance's unit.
        distance: one of simlearn.distances.
        name: of the loss.
    """

    def __init__(
        self,
        *,
        margin: float = 0.2,
        distance: Distance = _distances.euclidean,
        name: str = "triplet_batch_all",
    ) -> None:
        super().__init__(margin=margin, distance=distance, name=name)

    def row_loss(self, block: Block) -> Terms:
        """What a block's anchors add to the loss."""
        return _all_triplets(block, margin=self.margin, distance=self.distance)
