"""Losses that let positives compete with negatives in a softmax over the batch."""

import functools

from keras import ops

from simlearn import distances
from simlearn._numerics import l2_normalize, logsumexp, masked_sum
from simlearn._typing import Tensor
from simlearn.losses._base import check_range, register
from simlearn.losses._blocks import BatchLoss, Block, Terms, masked_terms, over_batch


@register
def n_pairs_loss(
    labels: Tensor, embeddings: Tensor, *, sample_weight: Tensor | None = None
) -> Tensor:
    """N-pairs loss: mean over positive pairs of `log(1 + sum_n exp(a.n - a.p))`.

    Args:
        labels: integers `(batch,)`.
        embeddings: `(batch, dim)`, not normalised: the inner product is the similarity.
        sample_weight: `(batch,)`, scales each anchor's pairs.

    Returns:
        Scalar; 0 where no anchor has a positive and a negative.

    Raises:
        UserError: labels are not integers, or shapes do not fit.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import n_pairs_loss
        >>> x = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], "float32")
        >>> print(round(float(n_pairs_loss(np.array([0, 0, 1]), x)), 4))
        0.3133

    Reference:
        Sohn, "Improved Deep Metric Learning with Multi-class N-pair Loss Objective", NIPS 2016,
        the N-pair-mc loss. Deviation: every positive pair of the batch serves as an anchor and its
        positive, against all items of other classes, in either order; the paper's penalty on the
        length of the embeddings is left to an activity regulariser.
    """
    return over_batch(_n_pairs, labels, embeddings, sample_weight)


@register
def nt_xent_loss(
    labels: Tensor,
    embeddings: Tensor,
    *,
    temperature: float = 0.1,
    sample_weight: Tensor | None = None,
) -> Tensor:
    """Normalised-temperature cross-entropy, each positive pair against the anchor's negatives.

    Mean over positive pairs of `-log(exp(s_ap) / (exp(s_ap) + sum_n exp(s_an)))`, with s the
    cosine over the temperature. Self-supervised: give both views of a picture one label.

    Args:
        labels: integers `(batch,)`.
        embeddings: `(batch, dim)`, of any length.
        temperature: above 0.
        sample_weight: `(batch,)`, scales each anchor's pairs.

    Returns:
        Scalar; 0 where no anchor has a positive and a negative.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import nt_xent_loss
        >>> x = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], "float32")
        >>> print(round(float(nt_xent_loss(np.array([0, 0, 1]), x, temperature=1.0)), 4))
        0.3133

    Reference:
        Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations", ICML
        2020, eq. 1. Deviation: with more than two views a label the other positives of the anchor
        stay out of the denominator.
    """
    check_range("temperature", temperature)
    row_loss = functools.partial(_nt_xent, temperature=temperature)
    return over_batch(row_loss, labels, embeddings, sample_weight)


@register
def supcon_loss(
    labels: Tensor,
    embeddings: Tensor,
    *,
    temperature: float = 0.1,
    sample_weight: Tensor | None = None,
) -> Tensor:
    """Supervised contrastive loss, the positives averaged outside the logarithm.

    Mean over anchors of `-mean_p log(exp(s_ap) / sum_{j != a} exp(s_aj))`, with s the cosine over
    the temperature.

    Args:
        labels: integers `(batch,)`.
        embeddings: `(batch, dim)`, of any length.
        temperature: above 0.
        sample_weight: `(batch,)`, scales each anchor.

    Returns:
        Scalar; anchors without a positive do not count, 0 where none is left.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import supcon_loss
        >>> x = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], "float32")
        >>> print(round(float(supcon_loss(np.array([0, 0, 1]), x, temperature=1.0)), 4))
        0.3133

    Reference:
        Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020, eq. 2.
    """
    check_range("temperature", temperature)
    row_loss = functools.partial(_supcon, temperature=temperature)
    return over_batch(row_loss, labels, embeddings, sample_weight)


def _n_pairs(block: Block) -> Terms:
    return _one_positive_against_negatives(block, -distances.dot(block.anchors, block.others))


def _nt_xent(block: Block, *, temperature: float) -> Terms:
    return _one_positive_against_negatives(block, _cosines(block) / temperature)


def _supcon(block: Block, *, temperature: float) -> Terms:
    similarity = _cosines(block) / temperature
    others = ops.logical_or(block.positives, block.negatives)
    count = ops.sum(ops.cast(block.positives, similarity.dtype), axis=-1)
    near = masked_sum(similarity, block.positives, axis=-1) / ops.maximum(count, 1.0)
    losses = logsumexp(similarity, others)[:, 0] - near
    return masked_terms(losses, count > 0, block.weights)


def _cosines(block: Block) -> Tensor:
    return -distances.dot(l2_normalize(block.anchors), l2_normalize(block.others))


def _one_positive_against_negatives(block: Block, similarity: Tensor) -> Terms:
    against = logsumexp(similarity, block.negatives)
    losses = ops.softplus(against - similarity)
    opposed = ops.any(block.negatives, axis=-1, keepdims=True)
    counted = ops.logical_and(block.positives, opposed)
    return masked_terms(losses, counted, block.column_weights)


class _TemperatureLoss(BatchLoss):
    """The temperature, which NT-Xent and SupCon share."""

    def __init__(self, *, temperature: float, name: str) -> None:
        super().__init__(name=name)
        self.temperature = check_range("temperature", temperature)


@register
class NPairsLoss(BatchLoss):
    """N-pairs loss over every positive pair of a batch: `n_pairs_loss`.

    Args:
        name: of the loss.
    """

    def __init__(self, *, name: str = "n_pairs") -> None:
        super().__init__(name=name)

    def row_loss(self, block: Block) -> Terms:
        """What a block's anchors add to the loss."""
        return _n_pairs(block)


@register
class NTXentLoss(_TemperatureLoss):
    """NT-Xent loss (SimCLR) over every positive pair of a batch: `nt_xent_loss`.

    Args:
        temperature: above 0.
        name: of the loss.
    """

    def __init__(self, *, temperature: float = 0.1, name: str = "nt_xent") -> None:
        super().__init__(temperature=temperature, name=name)

    def row_loss(self, block: Block) -> Terms:
        """What a block's anchors add to the loss."""
        return _nt_xent(block, temperature=self.temperature)


@register
class SupConLoss(_TemperatureLoss):
    """Supervised contrastive loss: `supcon_loss`.

    Args:
        temperature: above 0.
        name: of the loss.
    """

    def __init__(self, *, temperature: float = 0.1, name: str = "supcon") -> None:
        super().__init__(temperature=temperature, name=name)

    def row_loss(self, block: Block) -> Terms:
        """What a block's anchors add to the loss."""
        return _supcon(block, temperature=self.temperature)
