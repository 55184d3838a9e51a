"""Circle loss."""

import functools

from keras import ops

from simlearn import distances, pairs
from simlearn._numerics import logsumexp
from simlearn._typing import Tensor
from simlearn.losses._base import check_range, register
from simlearn.losses._blocks import BatchLoss, Block, Terms, masked_terms, over_batch


@register
def circle_loss(
    labels: Tensor,
    embeddings: Tensor,
    *,
    margin: float = 0.4,
    gamma: float = 80.0,
    sample_weight: Tensor | None = None,
) -> Tensor:
    """Circle loss: pairs far from where they should be weigh more.

    Mean over anchors of `log(1 + sum_n exp(gamma w_n (s_n - m)) sum_p exp(-gamma w_p (s_p - 1 +
    m)))`, with s the cosine, m the margin, `w_n = max(0, s_n + m)` and `w_p = max(0, 1 + m -
    s_p)`. The weights w carry no gradient.

    Args:
        labels: integers `(batch,)`.
        embeddings: `(batch, dim)`, of any length.
        margin: m, in `(-1, 1)`: smaller asks for more.
        gamma: scale, above 0; the paper has 80 (with a margin of 0.4) for fine-grained retrieval
            and 256 (0.25) for faces.
        sample_weight: `(batch,)`, scales each anchor.

    Returns:
        Scalar; anchors without a positive and a negative do not count, 0 where none is left.

    Raises:
        UserError: labels are not integers, shapes do not fit, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import circle_loss
        >>> x = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]], "float32")
        >>> print(round(float(circle_loss(np.array([0, 0, 1]), x, gamma=1.0)), 4))
        0.6484

    Reference:
        Sun et al., "Circle Loss: A Unified Perspective of Pair Similarity Optimization", CVPR
        2020, eqs. 5 and 6, with section 3.2's one margin for its four constants.
    """
    _check(margin, gamma)
    row_loss = functools.partial(_circle, margin=margin, gamma=gamma)
    return over_batch(row_loss, labels, embeddings, sample_weight)


def _circle(block: Block, *, margin: float, gamma: float) -> Terms:
    apart = distances.cosine(block.anchors, block.others)
    # How far a pair is from its optimum: then one formula serves both kinds.
    off = ops.where(block.positives, apart, 1.0 - apart)
    logits = gamma * ops.stop_gradient(ops.relu(off + margin)) * (off - margin)
    pull = logsumexp(logits, block.positives)
    push = logsumexp(logits, block.negatives)
    valid = pairs.valid_anchors(block.positives, block.negatives)
    return masked_terms(ops.softplus(pull + push)[:, 0], valid, block.weights)


@register
class CircleLoss(BatchLoss):
    """Circle loss of the pairs of a batch: `circle_loss`.

    Args:
        margin: m in the paper, in `(-1, 1)`: smaller asks for more.
        gamma: scale, above 0.
        name: of the loss.
    """

    def __init__(self, *, margin: float = 0.4, gamma: float = 80.0, name: str = "circle") -> None:
        super().__init__(name=name)
        _check(margin, gamma)
        self.margin = margin
        self.gamma = gamma

    def row_loss(self, block: Block) -> Terms:
        """What a block's anchors add to the loss."""
        return _circle(block, margin=self.margin, gamma=self.gamma)


def _check(margin: float, gamma: float) -> None:
    check_range("margin", margin, low=-1.0, high=1.0)
    check_range("gamma", gamma)
