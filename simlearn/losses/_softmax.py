"""Losses that let positives compete with negatives in a softmax over the batch."""

from typing import Any

from keras import ops

from simlearn import pairs
from simlearn._numerics import (
    l2_normalize,
    masked_logsumexp,
    masked_mean,
    nan_unless_finite,
)
from simlearn._typing import Tensor
from simlearn.losses._base import (
    LabelledLoss,
    anchor_weights,
    check_batch,
    check_range,
    register,
)


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
        eq. 6. Deviation: every positive pair of the batch serves as an anchor and its positive,
        against all items of other classes, in either order; the paper's penalty on the length of
        the embeddings is left to an activity regulariser.
    """
    labels, rows, sample_weight = check_batch(labels, embeddings, sample_weight)
    mean = _one_positive_against_negatives(labels, _inner(rows), sample_weight)
    return mean + nan_unless_finite(rows)


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
    labels, rows, sample_weight = check_batch(labels, embeddings, sample_weight)
    similarity = _inner(l2_normalize(rows)) / temperature
    mean = _one_positive_against_negatives(labels, similarity, sample_weight)
    return mean + nan_unless_finite(rows)


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
    labels, rows, sample_weight = check_batch(labels, embeddings, sample_weight)
    similarity = _inner(l2_normalize(rows)) / temperature
    positives = pairs.positive_pairs(labels)
    others = ops.logical_or(positives, pairs.negative_pairs(labels))
    log_probability = similarity - masked_logsumexp(similarity, others)
    count = ops.sum(ops.cast(positives, similarity.dtype), axis=-1)
    total = ops.sum(ops.where(positives, log_probability, 0.0), axis=-1)
    mean = masked_mean(-total / ops.maximum(count, 1.0), count > 0, sample_weight)
    return mean + nan_unless_finite(rows)


class _TemperatureLoss(LabelledLoss):
    """The temperature, which NT-Xent and SupCon share."""

    def __init__(self, *, temperature: float, name: str) -> None:
        super().__init__(name=name)
        self.temperature = check_range("temperature", temperature)

    def get_config(self) -> dict[str, Any]:
        """Everything needed to make an equal loss."""
        return {**super().get_config(), "temperature": self.temperature}


@register
class NPairsLoss(LabelledLoss):
    """N-pairs loss over every positive pair of a batch: `n_pairs_loss`.

    Args:
        name: of the loss.
    """

    def __init__(self, *, name: str = "n_pairs") -> None:
        super().__init__(name=name)

    def call(
        self, labels: Tensor, embeddings: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Scalar loss of one batch."""
        return n_pairs_loss(labels, embeddings, sample_weight=sample_weight)


@register
class NTXentLoss(_TemperatureLoss):
    """NT-Xent loss (SimCLR) over every positive pair of a batch: `nt_xent_loss`.

    Args:
        temperature: above 0.
        name: of the loss.
    """

    def __init__(self, *, temperature: float = 0.1, name: str = "nt_xent") -> None:
        super().__init__(temperature=temperature, name=name)

    def call(
        self, labels: Tensor, embeddings: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Scalar loss of one batch."""
        return nt_xent_loss(
            labels, embeddings, temperature=self.temperature, sample_weight=sample_weight
        )


@register
class SupConLoss(_TemperatureLoss):
    """Supervised contrastive loss: `supcon_loss`.

    Args:
        temperature: above 0.
        name: of the loss.
    """

    def __init__(self, *, temperature: float = 0.1, name: str = "supcon") -> None:
        super().__init__(temperature=temperature, name=name)

    def call(
        self, labels: Tensor, embeddings: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Scalar loss of one batch."""
        return supcon_loss(
            labels, embeddings, temperature=self.temperature, sample_weight=sample_weight
        )


def _inner(rows: Tensor) -> Tensor:
    return ops.matmul(rows, ops.transpose(rows))


def _one_positive_against_negatives(
    labels: Tensor, similarity: Tensor, sample_weight: Tensor | None
) -> Tensor:
    positives, negatives = pairs.positive_pairs(labels), pairs.negative_pairs(labels)
    against = masked_logsumexp(similarity, negatives)
    losses = ops.softplus(against - similarity)
    counted = ops.logical_and(positives, ops.any(negatives, axis=-1, keepdims=True))
    return masked_mean(losses, counted, anchor_weights(sample_weight))
