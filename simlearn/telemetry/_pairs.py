"""What the pairs and triplets of a batch tell."""

from typing import Any

from keras import ops

from simlearn import distances as _distances
from simlearn import mining, pairs
from simlearn._typing import Tensor
from simlearn.losses._base import Distance, check_range, register
from simlearn.losses._blocks import masked_terms
from simlearn.telemetry._metric import BatchMetric, DistanceMetric


@register
class ActiveTriplets(DistanceMetric):
    """Share of all triplets in a batch with `d_an < d_ap + margin`: those that still teach.

    Exact over every triplet in O(batch^2) memory, as `simlearn.mining.batch_all` counts them.

    Args:
        margin: above 0, in the distance's unit: that of the loss.
        distance: one of simlearn.distances: that of the loss.
        name: of the metric.
        dtype: of the sums.

    Raises:
        UserError: an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.telemetry import ActiveTriplets
        >>> metric = ActiveTriplets(margin=0.2)
        >>> metric.update_state(np.array([0, 0, 1]), np.array([[0.0], [1.0], [2.1]], "float32"))
        >>> print(float(metric.result()))
        0.5

    Reference:
        The triplets are those of Hermans et al., "In Defense of the Triplet Loss for Person
        Re-Identification", 2017, eq. 6.
    """

    def __init__(
        self,
        *,
        margin: float = 0.2,
        distance: Distance = _distances.euclidean,
        name: str = "active_triplets",
        dtype: str | None = None,
    ) -> None:
        super().__init__(distance=distance, name=name, dtype=dtype)
        self.margin = check_range("margin", margin)

    def measure(self, labels: Tensor, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """Active triplets of one batch, and all triplets."""
        positives, negatives = pairs.positive_pairs(labels), pairs.negative_pairs(labels)
        apart = self.distance(embeddings, embeddings)
        found = mining.batch_all(apart, positives, negatives, margin=self.margin)
        return ops.sum(found.active), ops.sum(found.valid)

    def get_config(self) -> dict[str, Any]:
        """Everything needed to make an equal metric."""
        return {**super().get_config(), "margin": self.margin}


class _AnchorsWithout(BatchMetric):
    """Share of a batch's items without a partner of some kind."""

    def share(self, partners: Tensor) -> tuple[Tensor, Tensor]:
        """Items with no partner, and all items; `partners` is bool `(batch, batch)`."""
        alone = ops.logical_not(ops.any(partners, axis=1))
        return ops.sum(ops.cast(alone, self.dtype)), ops.sum(ops.ones_like(alone, dtype=self.dtype))


@register
class AnchorsWithoutPositive(_AnchorsWithout):
    """Share of items whose label no other item of the batch has; most losses pass them over.

    Args:
        name: of the metric.
        dtype: of the sums.
    """

    def __init__(self, *, name: str = "anchors_without_positive", dtype: str | None = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def measure(self, labels: Tensor, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """Items without a positive, and all items."""
        return self.share(pairs.positive_pairs(labels))


@register
class AnchorsWithoutNegative(_AnchorsWithout):
    """Share of items whose label every item of the batch has.

    Args:
        name: of the metric.
        dtype: of the sums.
    """

    def __init__(self, *, name: str = "anchors_without_negative", dtype: str | None = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def measure(self, labels: Tensor, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """Items without a negative, and all items."""
        return self.share(pairs.negative_pairs(labels))


@register
class MeanPositiveDistance(DistanceMetric):
    """Mean distance of two items of a batch with one label.

    Args:
        distance: one of simlearn.distances.
        name: of the metric.
        dtype: of the sums.
    """

    def __init__(
        self,
        *,
        distance: Distance = _distances.euclidean,
        name: str = "mean_positive_distance",
        dtype: str | None = None,
    ) -> None:
        super().__init__(distance=distance, name=name, dtype=dtype)

    def measure(self, labels: Tensor, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """Sum over positive pairs, and their number."""
        apart = self.distance(embeddings, embeddings)
        return masked_terms(apart, pairs.positive_pairs(labels))


@register
class MeanNegativeDistance(DistanceMetric):
    """Mean distance of two items of a batch with different labels.

    Args:
        distance: one of simlearn.distances.
        name: of the metric.
        dtype: of the sums.
    """

    def __init__(
        self,
        *,
        distance: Distance = _distances.euclidean,
        name: str = "mean_negative_distance",
        dtype: str | None = None,
    ) -> None:
        super().__init__(distance=distance, name=name, dtype=dtype)

    def measure(self, labels: Tensor, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """Sum over negative pairs, and their number."""
        apart = self.distance(embeddings, embeddings)
        return masked_terms(apart, pairs.negative_pairs(labels))
