"""In-batch losses as sums over anchors: one formula for a batch, a block of it, or a memory."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from keras import ops

from simlearn import pairs
from simlearn._numerics import masked_sum, nan_unless_finite
from simlearn._typing import Tensor
from simlearn.losses._base import LabelledLoss, check_batch


class Block(NamedTuple):
    """Some anchors, and all the items they are compared with.

    Attributes:
        anchors: embeddings `(n, dim)`.
        others: embeddings `(m, dim)`.
        positives: bool `(n, m)`.
        negatives: bool `(n, m)`.
        weights: of the anchors, `(n,)`, or None for ones.
    """

    anchors: Tensor
    others: Tensor
    positives: Tensor
    negatives: Tensor
    weights: Tensor | None

    @property
    def column_weights(self) -> Tensor | None:
        """Weights of the anchors as a column, one for each row of `(n, m)`."""
        return None if self.weights is None else self.weights[:, None]


class Terms(NamedTuple):
    """What some anchors add to a loss, which is `sum(total / max(count, 1))`.

    Attributes:
        total: scalar, or `(kinds,)` where several means are added up.
        count: of the same shape: how many terms are in each total.
    """

    total: Tensor
    count: Tensor


RowLoss: TypeAlias = Callable[[Block], Terms]


class BatchLoss(LabelledLoss):
    """A loss that compares the items of a batch with each other.

    Subclasses give `row_loss`. Whatever takes an in-batch loss (simlearn.losses.StreamedLoss,
    simlearn.memory) asks it for nothing else. Where an anchor's terms need more of the other
    anchors than their embeddings, `streams` is False, and the block is always the whole batch.
    """

    gathers = True
    streams = True

    def row_loss(self, block: Block) -> Terms:
        """What a block's anchors add to the loss."""
        raise NotImplementedError

    def call(
        self, labels: Tensor, embeddings: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Scalar loss of one batch."""
        return over_batch(self.row_loss, labels, embeddings, sample_weight)


def masked_terms(values: Tensor, mask: Tensor, weights: Tensor | None = None) -> Terms:
    """Sum of `values` where `mask` holds, and the number of those.

    Args:
        values: any shape.
        mask: bool, the shape of `values`.
        weights: optional factors that broadcast against `values`; they do not change the count.
    """
    return Terms(masked_sum(values, mask, weights), ops.sum(ops.cast(mask, values.dtype)))


def both_terms(first: Terms, second: Terms) -> Terms:
    """Two means, to be added up."""
    return Terms(*(ops.stack(parts) for parts in zip(first, second, strict=True)))


def average(terms: Terms) -> Tensor:
    """The loss whose terms these are: 0, with zero gradient, where there is none."""
    return ops.sum(terms.total / ops.maximum(terms.count, 1.0))


def over_batch(
    row_loss: RowLoss, labels: Tensor, embeddings: Tensor, sample_weight: Tensor | None = None
) -> Tensor:
    """Loss of a batch whose items are compared with each other.

    Args:
        row_loss: what each anchor adds.
        labels: integers `(batch,)`.
        embeddings: `(batch, dim)`.
        sample_weight: `(batch,)`, of the anchors.

    Returns:
        Scalar; NaN where an embedding is not finite.
    """
    labels, rows, weights = check_batch(labels, embeddings, sample_weight)
    positives, negatives = pairs.positive_pairs(labels), pairs.negative_pairs(labels)
    terms = row_loss(Block(rows, rows, positives, negatives, weights))
    return average(terms) + nan_unless_finite(rows)
