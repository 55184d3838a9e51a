"""All metrics of a batch at once."""

import keras

from simlearn import distances as _distances
from simlearn.losses._base import Distance
from simlearn.telemetry._collapse import EmbeddingSpread
from simlearn.telemetry._pairs import (
    ActiveTriplets,
    AnchorsWithoutNegative,
    AnchorsWithoutPositive,
    MeanNegativeDistance,
    MeanPositiveDistance,
)


def in_batch(
    *, distance: Distance = _distances.euclidean, margin: float = 0.2
) -> list[keras.metrics.Metric]:
    """All metrics of this module, to be given to `compile` as they are.

    In a compiled `fit` the distances are computed once for all of them: TensorFlow and XLA merge
    what is the same.

    Args:
        distance: that of the loss.
        margin: that of the loss, above 0, in the distance's unit.

    Returns:
        New metrics.

    Raises:
        UserError: an argument is out of range.
    """
    return [
        ActiveTriplets(margin=margin, distance=distance),
        AnchorsWithoutPositive(),
        AnchorsWithoutNegative(),
        MeanPositiveDistance(distance=distance),
        MeanNegativeDistance(distance=distance),
        EmbeddingSpread(),
    ]
