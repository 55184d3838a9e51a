"""Any in-batch loss a few anchors at a time: memory for a block of distances, not for all."""

from keras import ops

from simlearn import pairs
from simlearn._accumulate import accumulate
from simlearn._numerics import nan_unless_finite
from simlearn._typing import Tensor
from simlearn.errors import UserError
from simlearn.losses._base import LabelledLoss, register
from simlearn.losses._blocks import BatchLoss, Block, RowLoss, Terms, average


@register
class StreamedLoss(LabelledLoss):
    """An in-batch loss computed a few anchors at a time, for batches whose distances do not fit.

    The same value and the same gradient in O(batch * chunk) memory instead of O(batch^2): each
    block of anchors is compared with the whole batch and differentiated at once. Validation costs
    as much as training, for the gradient is made along with the value; there is no second
    derivative, and a hyperparameter or a weight that is itself learned gets no gradient.

    Args:
        loss: one of this package's losses that compare the items of a batch.
        chunk: anchors at a time, at least 1. A few hundred keep a block in the cache.
        name: of the loss; that of `loss` where left out.

    Raises:
        UserError: the loss is not of that kind, or `chunk` is below 1.

    Examples:
        >>> import numpy as np
        >>> from simlearn.losses import StreamedLoss, SupConLoss
        >>> x = np.random.default_rng(0).normal(size=(64, 8)).astype("float32")
        >>> labels = np.arange(64) // 4
        >>> whole, streamed = SupConLoss(), StreamedLoss(SupConLoss(), chunk=10)
        >>> bool(abs(whole(labels, x) - streamed(labels, x)) < 1e-5)
        True
    """

    gathers = True

    def __init__(self, loss: BatchLoss, *, chunk: int = 512, name: str | None = None) -> None:
        if not isinstance(loss, BatchLoss) or not loss.streams:
            raise UserError(
                "expected a loss that can go through a batch in blocks of anchors, "
                f"received {getattr(loss, 'name', loss)!r}"
            )
        if isinstance(chunk, bool) or not isinstance(chunk, int) or chunk < 1:
            raise UserError(f"expected chunk as an integer of at least 1, received {chunk!r}")
        super().__init__(name=name or loss.name)
        self.loss = loss
        self.chunk = chunk

    @property
    def seed_generators(self) -> list[object]:
        """Random state of the loss inside, for whoever saves the state of a training run."""
        return list(getattr(self.loss, "seed_generators", []))

    def call(
        self, labels: Tensor, embeddings: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Scalar loss of one batch."""
        return _streamed(self.loss.row_loss, labels, embeddings, sample_weight, self.chunk)


def _streamed(
    row_loss: RowLoss, labels: Tensor, rows: Tensor, weights: Tensor | None, chunk: int
) -> Tensor:
    if rows.shape[0] == 0:  # There is no first block.
        return ops.sum(rows)
    size = ops.shape(rows)[0]
    positions = ops.arange(size)

    def step(index: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        mine = index * chunk + ops.arange(chunk, dtype="int32")
        # The last block reaches beyond the batch: those anchors have no pair, and so no term.
        there = (mine < size)[:, None]
        mine = ops.minimum(mine, ops.maximum(size - 1, 0))
        own = ops.take(labels, mine, axis=0)
        positives = pairs.positive_pairs(
            own, labels, ids=ops.take(positions, mine), other_ids=positions
        )
        terms = row_loss(
            Block(
                ops.take(rows, mine, axis=0),
                rows,
                ops.logical_and(there, positives),
                ops.logical_and(there, pairs.negative_pairs(own, labels)),
                None if weights is None else ops.take(weights, mine, axis=0),
            )
        )
        return ops.reshape(terms.total, (-1,)), ops.reshape(terms.count, (-1,))

    steps = (size + chunk - 1) // chunk
    return average(Terms(*accumulate(step, rows, steps))) + nan_unless_finite(rows)
