"""What a batch teaches, as numbers beside the loss: for `compile(metrics=...)`.

A loss that stands still has learned all, or nothing: of triplets that are all satisfied, of anchors
without a partner, of embeddings that are all the same. These metrics tell which. Like every metric
they stand in the history and in TensorBoard, and for the validation data too.

Examples:
    >>> import keras
    >>> from simlearn import losses, telemetry
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    >>> model.compile("sgd", losses.TripletHardLoss(), metrics=telemetry.in_batch())
"""

from simlearn.telemetry._collapse import CollapseAlarm, EmbeddingSpread
from simlearn.telemetry._in_batch import in_batch
from simlearn.telemetry._pairs import (
    ActiveTriplets,
    AnchorsWithoutNegative,
    AnchorsWithoutPositive,
    MeanNegativeDistance,
    MeanPositiveDistance,
)

__all__ = [
    "ActiveTriplets",
    "AnchorsWithoutNegative",
    "AnchorsWithoutPositive",
    "CollapseAlarm",
    "EmbeddingSpread",
    "MeanNegativeDistance",
    "MeanPositiveDistance",
    "in_batch",
]
