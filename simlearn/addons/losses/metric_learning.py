"""The module `tensorflow_addons.losses.metric_learning`: distances within one batch."""

from keras import ops

from simlearn import distances
from simlearn._typing import Tensor

__all__ = ["angular_distance", "pairwise_distance"]


def pairwise_distance(feature: Tensor, squared: bool = False) -> Tensor:
    """Euclidean distances `|x_i - x_j|` of all pairs of a batch.

    Args:
        feature: `(batch, dim)`.
        squared: whether to return the distances' squares.

    Returns:
        `(batch, batch)`; 0 on the diagonal, whose gradient is 0 too.

    Raises:
        UserError: the shape is not `(batch, dim)`.

    Examples:
        >>> import numpy as np
        >>> from simlearn.addons.losses import metric_learning
        >>> x = np.array([[0.0, 0.0], [3.0, 4.0]], "float32")
        >>> print(np.asarray(metric_learning.pairwise_distance(x)))
        [[0. 5.]
         [5. 0.]]
    """
    apart = (distances.squared_euclidean if squared else distances.euclidean)(feature, feature)
    # Rounding may leave an item a little apart from itself.
    return ops.where(ops.eye(ops.shape(apart)[0], dtype="bool"), 0.0, apart)


def angular_distance(feature: Tensor) -> Tensor:
    """Cosine distances `1 - cos(x_i, x_j)` of all pairs of a batch: no angle, for all its name.

    Args:
        feature: `(batch, dim)`, of any length; a zero vector is at 1 from everything.

    Returns:
        `(batch, batch)`, in `[0, 2]`.

    Raises:
        UserError: the shape is not `(batch, dim)`.

    Examples:
        >>> import numpy as np
        >>> from simlearn.addons.losses import metric_learning
        >>> x = np.array([[2.0, 0.0], [0.0, 1.0]], "float32")
        >>> print(np.asarray(metric_learning.angular_distance(x)))
        [[0. 1.]
         [1. 0.]]
    """
    return ops.maximum(distances.cosine(feature, feature), 0.0)
