"""Neighbourhood components analysis: the chance that a neighbour is of the anchor's class."""

import functools

from keras import ops

from simlearn import distances, pairs
from simlearn._numerics import logsumexp
from simlearn._typing import Tensor
from simlearn.losses._base import check_range, register
from simlearn.losses._blocks import BatchLoss, Block, Terms, masked_terms, over_batch


@register
def nca_loss(
    labels: Tensor,
    embeddings: Tensor,
    *,
    temperature: float = 1.0,
    sample_weight: Tensor | None = None,
) -> Tensor:
    """Neighbourhood components analysis (NCA), also known as the soft nearest neighbour loss.

    Mean over anchors of `-log(sum_p exp(-d_ap / T) / sum_{j != a} exp(-d_aj / T))`, d the squared
    Euclidean distance: the anchor picks a neighbour, the closer the likelier, and p_a is the
    chance that it is a positive. What is minimised is the mean of `-log p_a`.

    Args:
        labels: integers `(batch,)`.
        embeddings: `(batch, dim)`, as they are: their length sets the scale.
        temperature: T, a squared distance, above 0; the smaller, the fewer neighbours count.
        sample_weight: `(batch,)`, scales each anchor.

    Returns:
        Scalar; anchors without a positive and a negative do not count, 0 where none is left.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import nca_loss
        >>> x = np.array([[0.0], [1.0], [-1.0]], "float32")
        >>> print(round(float(nca_loss(np.array([0, 0, 1]), x)), 4))
        0.3709

    Reference:
        Goldberger et al., "Neighbourhood Components Analysis", NIPS 2004: the objective g, of the
        logarithms (f, the sum of the p_a themselves, has hardly a gradient where an anchor is far
        from its class). With a temperature, Frosst et al., "Analyzing and Improving
        Representations with the Soft Nearest Neighbor Loss", ICML 2019. Deviation: an anchor
        without a positive is left out, where p_a would be 0.
    """
    check_range("temperature", temperature)
    row_loss = functools.partial(_nca, temperature=temperature)
    return over_batch(row_loss, labels, embeddings, sample_weight)


def _nca(block: Block, *, temperature: float) -> Terms:
    apart = distances.squared_euclidean(block.anchors, block.others)
    logits = apart / -temperature
    towards, away = (logsumexp(logits, mask)[:, 0] for mask in (block.positives, block.negatives))
    valid = pairs.valid_anchors(block.positives, block.negatives)
    return masked_terms(ops.softplus(away - towards), valid, block.weights)


@register
class NCALoss(BatchLoss):
    """Neighbourhood components analysis, or soft nearest neighbour loss: `nca_loss`.

    Args:
        temperature: a squared distance, above 0; the smaller, the fewer neighbours count.
        name: of the loss.
    """

    def __init__(self, *, temperature: float = 1.0, name: str = "nca") -> None:
        super().__init__(name=name)
        self.temperature = check_range("temperature", temperature)

    def row_loss(self, block: Block) -> Terms:
        """What a block's anchors add to the loss."""
        return _nca(block, temperature=self.temperature)
