"""Multi-similarity loss."""

import functools
import math

from keras import ops

from simlearn import distances, mining, pairs
from simlearn._numerics import logsumexp
from simlearn._typing import Tensor
from simlearn.losses._base import check_range, register
from simlearn.losses._blocks import BatchLoss, Block, Terms, masked_terms, over_batch


@register
def multi_similarity_loss(
    labels: Tensor,
    embeddings: Tensor,
    *,
    alpha: float = 2.0,
    beta: float = 50.0,
    base: float = 0.5,
    epsilon: float = 0.1,
    sample_weight: Tensor | None = None,
) -> Tensor:
    """Multi-similarity loss over mined pairs.

    Mean over anchors of `log(1 + sum_p exp(-alpha (s_ap - base))) / alpha + log(1 + sum_n
    exp(beta (s_an - base))) / beta`, s the cosine, over the pairs that
    `simlearn.mining.multi_similarity` keeps.

    Args:
        labels: integers `(batch,)`.
        embeddings: `(batch, dim)`, of any length.
        alpha: weight of the positives, above 0.
        beta: weight of the negatives, above 0.
        base: the similarity around which pairs are weighed (lambda in the paper), in `[-1, 1]`.
        epsilon: the miner's margin, in cosine; finite.
        sample_weight: `(batch,)`, scales each anchor.

    Returns:
        Scalar; anchors without a positive and a negative do not count, 0 where none is left.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import multi_similarity_loss
        >>> x = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], "float32")
        >>> print(round(float(multi_similarity_loss(np.array([0, 0, 1]), x)), 4))
        0.9066

    Reference:
        Wang et al., "Multi-Similarity Loss with General Pair Weighting for Deep Metric Learning",
        CVPR 2019: mining, then the loss of the pairs kept (alpha 2, beta 50, epsilon 0.1; lambda,
        1 in the paper, is the 0.5 of the authors' code). Deviation: the mean is over the anchors
        that have both kinds of pair.
    """
    _check(alpha, beta, base, epsilon)
    row_loss = functools.partial(
        _multi_similarity, alpha=alpha, beta=beta, base=base, epsilon=epsilon
    )
    return over_batch(row_loss, labels, embeddings, sample_weight)


def _multi_similarity(
    block: Block, *, alpha: float, beta: float, base: float, epsilon: float
) -> Terms:
    apart = distances.cosine(block.anchors, block.others)
    kept = mining.multi_similarity(apart, block.positives, block.negatives, epsilon=epsilon)
    above_base = 1.0 - apart - base
    pull = ops.softplus(logsumexp(-alpha * above_base, kept.positives)) / alpha
    push = ops.softplus(logsumexp(beta * above_base, kept.negatives)) / beta
    valid = pairs.valid_anchors(block.positives, block.negatives)
    return masked_terms((pull + push)[:, 0], valid, block.weights)


@register
class MultiSimilarityLoss(BatchLoss):
    """Multi-similarity loss over mined pairs: `multi_similarity_loss`.

    Args:
        alpha: weight of the positives, above 0.
        beta: weight of the negatives, above 0.
        base: the similarity around which pairs are weighed (lambda in the paper), in `[-1, 1]`.
        epsilon: the miner's margin, in cosine; finite.
        name: of the loss.
    """

    def __init__(
        self,
        *,
        alpha: float = 2.0,
        beta: float = 50.0,
        base: float = 0.5,
        epsilon: float = 0.1,
        name: str = "multi_similarity",
    ) -> None:
        super().__init__(name=name)
        _check(alpha, beta, base, epsilon)
        self.alpha = alpha
        self.beta = beta
        self.base = base
        self.epsilon = epsilon

    def row_loss(self, block: Block) -> Terms:
        """What a block's anchors add to the loss."""
        return _multi_similarity(
            block, alpha=self.alpha, beta=self.beta, base=self.base, epsilon=self.epsilon
        )


def _check(alpha: float, beta: float, base: float, epsilon: float) -> None:
    check_range("alpha", alpha)
    check_range("beta", beta)
    check_range("base", base, low=-1.0, high=1.0, bounds="[]")
    check_range("epsilon", epsilon, low=-math.inf)
