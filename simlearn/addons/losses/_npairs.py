"""N-pairs losses over a matrix of similarities, as tensorflow-addons defines them."""

from typing import Any

import keras
from keras import ops

from simlearn._numerics import logsumexp, masked_mean, masked_sum
from simlearn._typing import Tensor
from simlearn.addons.losses._base import register, without_reduction
from simlearn.errors import UserError
from simlearn.losses._base import WholeBatchLoss, check_batch


@register
def npairs_loss(y_true: Tensor, y_pred: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
    """N-pairs loss of a matrix: mean over rows of `logsumexp(s_i) - mean over same j of s_ij`.

    The cross-entropy between the softmax of each row and equal shares for the columns of the
    row's class. Column i is the partner of row i and always of its class.

    Args:
        y_true: integers `(batch,)` or `(batch, 1)`.
        y_pred: similarities `(batch, batch)`, for example `a @ b.T` of two sets of embeddings.
        sample_weight: `(batch,)`, scales each row; new here.

    Returns:
        Scalar.

    Raises:
        UserError: labels are not integers, or shapes do not fit.

    Examples:
        >>> import numpy as np
        >>> from simlearn.addons import npairs_loss
        >>> print(round(float(npairs_loss(np.array([0, 1]), np.eye(2))), 4))
        0.3133

    Reference:
        Sohn, "Improved Deep Metric Learning with Multi-class N-pair Loss Objective", NIPS 2016,
        the N-pair-mc loss. Deviation, as in tensorflow-addons: all columns of the row's class share
        the target. Deviations from tensorflow-addons: there labels become floats of the
        similarities' type, so that ids above 2^24 (2048 in float16) collide, and a column of
        labels, which Keras makes of them in `fit`, gives NaN.
    """
    labels, similarities, weights = check_batch(y_true, y_pred, sample_weight)
    same = ops.equal(labels[:, None], labels[None, :])
    return _cross_entropy(same, similarities, weights)


@register
def npairs_multilabel_loss(
    y_true: Tensor, y_pred: Tensor, *, sample_weight: Tensor | None = None
) -> Tensor:
    """N-pairs loss of items with several labels: columns share by how many labels they have.

    The mean over rows of `logsumexp(s_i) - sum_j w_ij s_ij / sum_j w_ij`, with w the number of
    labels that i and j have in common.

    Args:
        y_true: 1 where the item has the label, else 0, `(batch, classes)`; dense or sparse.
        y_pred: similarities `(batch, batch)`, for example `a @ b.T` of two sets of embeddings.
        sample_weight: `(batch,)`, scales each row; new here.

    Returns:
        Scalar; rows without any label do not count, 0 where none is left.

    Raises:
        UserError: shapes do not fit.

    Examples:
        >>> import numpy as np
        >>> from simlearn.addons import npairs_multilabel_loss
        >>> sets = np.array([[1, 1, 0], [0, 0, 1]])
        >>> print(round(float(npairs_multilabel_loss(sets, np.eye(2))), 4))
        0.3133

    Reference:
        Sohn 2016, the N-pair-mc loss, with tensorflow-addons' targets. Deviation from
        tensorflow-addons: there a row without any label gives NaN.
    """
    indicators, similarities, weights = _check_sets(y_true, y_pred, sample_weight)
    return _cross_entropy(_in_common(indicators), similarities, weights)


class _SimilarityLoss(WholeBatchLoss):
    """A loss over a matrix of similarities, of which replicas have one each."""

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> WholeBatchLoss:
        """Make a loss from `get_config()`, or from what tensorflow-addons saved."""
        return super().from_config(without_reduction(config))


@register
class NpairsLoss(_SimilarityLoss):
    """N-pairs loss for a model that outputs similarities `(batch, batch)`: `npairs_loss`.

    Args:
        name: of the loss.

    Examples:
        >>> import numpy as np
        >>> from simlearn.addons import NpairsLoss
        >>> print(round(float(NpairsLoss()(np.array([0, 1]), np.eye(2))), 4))
        0.3133
    """

    def __init__(self, name: str | None = "npairs_loss") -> None:
        super().__init__(name=name)

    def prepare(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        """Integer labels, similarities and weights, one of each an item, or an error."""
        return check_batch(y_true, y_pred, sample_weight)

    def call(
        self, labels: Tensor, similarities: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Scalar loss of one batch."""
        return npairs_loss(labels, similarities, sample_weight=sample_weight)


@register
class NpairsMultilabelLoss(_SimilarityLoss):
    """N-pairs loss of items with several labels: `npairs_multilabel_loss`.

    Args:
        name: of the loss.

    Examples:
        >>> import numpy as np
        >>> from simlearn.addons import NpairsMultilabelLoss
        >>> sets = np.array([[1, 1, 0], [0, 0, 1]])
        >>> print(round(float(NpairsMultilabelLoss()(sets, np.eye(2))), 4))
        0.3133
    """

    def __init__(self, name: str | None = "npairs_multilabel_loss") -> None:
        super().__init__(name=name)

    def prepare(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        """Indicators, similarities and weights, one row of each an item, or an error."""
        return _check_sets(y_true, y_pred, sample_weight)

    def call(
        self, indicators: Tensor, similarities: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Scalar loss of one batch."""
        return npairs_multilabel_loss(indicators, similarities, sample_weight=sample_weight)


def _check_sets(
    indicators: Tensor, similarities: Tensor, sample_weight: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    indicators = ops.cast(ops.convert_to_tensor(indicators, sparse=False), "float32")
    if len(indicators.shape) != 2:
        raise UserError(
            "expected 1 or 0 for each item and label, shape (batch, classes), "
            f"received {tuple(indicators.shape)}"
        )
    # Any integers do for labels: the numbers of items are what is to be compared.
    first = ops.cast(indicators[:, 0], "int32")
    _, similarities, weights = check_batch(first, similarities, sample_weight)
    return indicators, similarities, weights


def _in_common(indicators: Tensor) -> Tensor:
    """How many labels each two items share, `(batch, batch)`."""
    if keras.backend.backend() != "tensorflow":
        return ops.matmul(indicators, ops.transpose(indicators))
    import tensorflow as tf

    # Most of it is zeros: a dense product would take longer than all the rest of the loss.
    fixed = tf.stop_gradient(indicators)
    return tf.matmul(fixed, fixed, transpose_b=True, a_is_sparse=True, b_is_sparse=True)


def _cross_entropy(shares: Tensor, similarities: Tensor, weights: Tensor | None) -> Tensor:
    """Mean over rows, those with any share, against the shares of each row's columns.

    Args:
        shares: `(batch, batch)`, numbers of at least 0, or bool for equal ones.
        similarities: `(batch, batch)`.
        weights: of the rows, `(batch,)`, or None for ones.
    """
    shape = tuple(similarities.shape)
    if None not in shape and shape[0] != shape[1]:
        raise UserError(f"expected similarities of shape (batch, batch), received {shape}")
    total = ops.sum(ops.cast(shares, similarities.dtype), axis=-1)
    counted = total > 0
    # A pair that shares nothing may have a similarity of minus infinity: 0 times that is NaN.
    equal = keras.backend.standardize_dtype(shares.dtype) == "bool"
    some, factor = (shares, None) if equal else (shares > 0, shares)
    wanted = masked_sum(similarities, some, factor, axis=-1)
    costs = logsumexp(similarities)[:, 0] - wanted / ops.where(counted, total, 1.0)
    return masked_mean(costs, counted, weights)
