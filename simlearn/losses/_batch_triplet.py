"""Triplet losses of a batch: mined, or over all of its triplets."""

from typing import Any

import keras
from keras import ops

from simlearn import distances as _distances
from simlearn import mining, pairs
from simlearn._numerics import masked_mean, nan_unless_finite, pick_columns
from simlearn._typing import Tensor
from simlearn.losses._base import (
    Distance,
    LabelledLoss,
    anchor_weights,
    check_batch,
    check_callable,
    check_range,
    register,
    save_callable,
)


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
    labels, rows, sample_weight = check_batch(labels, embeddings, sample_weight)
    apart = distance(rows, rows)
    chosen = miner(apart, pairs.positive_pairs(labels), pairs.negative_pairs(labels))
    near = pick_columns(apart, chosen.positive)
    far = pick_columns(apart, chosen.negative)
    hinge = ops.maximum(near - far + margin, 0.0)
    mean = masked_mean(hinge, chosen.valid, anchor_weights(sample_weight))
    return mean + nan_unless_finite(rows)


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
    labels, rows, sample_weight = check_batch(labels, embeddings, sample_weight)
    apart = distance(rows, rows)
    positives, negatives = pairs.positive_pairs(labels), pairs.negative_pairs(labels)
    counts = mining.batch_all(apart, positives, negatives, margin=margin)
    hinges = counts.positive * (apart + margin) - counts.negative * apart
    if sample_weight is not None:
        hinges = hinges * anchor_weights(sample_weight)
    of_each = [ops.sum(ops.cast(mask, hinges.dtype), axis=-1) for mask in (positives, negatives)]
    triplets = ops.sum(of_each[0] * of_each[1])
    return ops.sum(hinges) / ops.maximum(triplets, 1.0) + nan_unless_finite(rows)


class _BatchTripletLoss(LabelledLoss):
    """Margin and distance, which every in-batch triplet loss has."""

    def __init__(self, *, margin: float, distance: Distance, name: str) -> None:
        super().__init__(name=name)
        self.margin = check_range("margin", margin)
        self.distance = check_callable("distance", distance)

    def get_config(self) -> dict[str, Any]:
        """Everything needed to make an equal loss."""
        config = {"margin": self.margin, "distance": save_callable(self.distance)}
        return {**super().get_config(), **config}


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

    def call(
        self, labels: Tensor, embeddings: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Scalar loss of one batch."""
        return mined_triplet_loss(
            labels,
            embeddings,
            miner=self.miner,
            margin=self.margin,
            distance=self.distance,
            sample_weight=sample_weight,
        )

    def get_config(self) -> dict[str, Any]:
        """Everything needed to make an equal loss."""
        return {**super().get_config(), "miner": save_callable(self.miner)}


class _FixedMinerLoss(MinedTripletLoss):
    """A mined loss whose miner is its name, not an argument."""

    def get_config(self) -> dict[str, Any]:
        """Everything needed to make an equal loss."""
        config = super().get_config()
        del config["miner"]
        return config


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

    def get_config(self) -> dict[str, Any]:
        """Everything needed to make an equal loss."""
        return {"name": self.name, "dim": self.dim, "margin": self.margin, "seed": self.seed}


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

    def call(
        self, labels: Tensor, embeddings: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Scalar loss of one batch."""
        return batch_all_triplet_loss(
            labels,
            embeddings,
            margin=self.margin,
            distance=self.distance,
            sample_weight=sample_weight,
        )
