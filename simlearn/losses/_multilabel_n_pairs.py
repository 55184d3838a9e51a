"""N-pairs loss of items that have several labels each."""

from keras import ops

from simlearn import distances
from simlearn._numerics import logsumexp, nan_unless_finite
from simlearn._typing import Tensor
from simlearn.errors import UserError
from simlearn.losses._base import WholeBatchLoss, check_count, check_rows, register
from simlearn.losses._blocks import average, masked_terms


@register
def multilabel_n_pairs_loss(
    labels: Tensor, embeddings: Tensor, *, sample_weight: Tensor | None = None
) -> Tensor:
    """Multi-label N-pairs loss: items attract each other by the number of labels they share.

    Mean over anchors of `logsumexp_j(s_ij) - sum_j w_ij s_ij / sum_j w_ij`, j over the other items
    of the batch, s the inner product and w the number of labels that i and j share.

    Args:
        labels: 1 where the item has the label, else 0, `(batch, classes)`.
        embeddings: `(batch, dim)`, not normalised: the inner product is the similarity.
        sample_weight: `(batch,)`, scales each anchor.

    Returns:
        Scalar; items that share no label with another do not count, 0 where none is left.

    Raises:
        UserError: shapes do not fit.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import multilabel_n_pairs_loss
        >>> x = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], "float32")
        >>> labels = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1]])
        >>> print(round(float(multilabel_n_pairs_loss(labels, x)), 4))
        0.3133

    Reference:
        Sohn, "Improved Deep Metric Learning with Multi-class N-pair Loss Objective", NIPS 2016,
        the N-pair-mc loss, with the targets of tensorflow-addons' `npairs_multilabel_loss`.
        Deviation: the partners of an item are all other items of the batch, not a second set; the
        paper's penalty on the length of the embeddings is left to an activity regulariser.
    """
    return _multilabel_n_pairs(*_check_sets(labels, embeddings, sample_weight))


def _multilabel_n_pairs(sets: Tensor, rows: Tensor, weights: Tensor | None) -> Tensor:
    others = ops.logical_not(ops.eye(ops.shape(rows)[0], dtype="bool"))
    whole = logsumexp(-distances.dot(rows, rows), others)[:, 0]
    # sum_j (y_i.y_j)(x_i.x_j) is y_i M x_i with M = sum_j y_j x_j: no matrix of shared labels.
    own = ops.sum(ops.square(sets), axis=-1)
    shared = ops.matmul(sets, ops.sum(sets, axis=0)) - own
    near = ops.sum(ops.matmul(sets, ops.matmul(ops.transpose(sets), rows)) * rows, axis=-1)
    near = near - own * ops.sum(ops.square(rows), axis=-1)
    losses = whole - near / ops.maximum(shared, 1.0)
    return average(masked_terms(losses, shared > 0, weights)) + nan_unless_finite(rows)


def _check_sets(
    labels: Tensor, embeddings: Tensor, sample_weight: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Labels as numbers, float rows and weights, one of each an item, or an error."""
    rows = check_rows(embeddings)
    sets = ops.cast(ops.convert_to_tensor(labels), rows.dtype)
    if len(sets.shape) != 2:
        raise UserError(
            "expected 0 or 1 for each label of each item, shape (batch, classes), "
            f"received {tuple(sets.shape)}"
        )
    check_count("labels", sets, rows)
    if sample_weight is None:
        return sets, rows, None
    weights = ops.reshape(ops.cast(sample_weight, rows.dtype), (-1,))
    check_count("sample_weight", weights, rows)
    return sets, rows, weights


@register
class MultilabelNPairsLoss(WholeBatchLoss):
    """N-pairs loss of items that have several labels each: `multilabel_n_pairs_loss`.

    Args:
        name: of the loss.
    """

    gathers = True

    def __init__(self, *, name: str = "multilabel_n_pairs") -> None:
        super().__init__(name=name)

    def prepare(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        """Labels, float rows and weights, one of each an item, or an error."""
        return _check_sets(y_true, y_pred, sample_weight)

    def call(
        self, labels: Tensor, embeddings: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Scalar loss of one batch."""
        return _multilabel_n_pairs(labels, embeddings, sample_weight)
