"""The loss of a batch whose anchors meet a memory too."""

from keras import ops

from simlearn import pairs
from simlearn._numerics import nan_unless_finite
from simlearn._typing import Tensor
from simlearn.losses._blocks import BatchLoss, Block, average
from simlearn.memory._ring import Remembered
from simlearn.pairs import as_labels


def loss_with_memory(
    loss: BatchLoss,
    memory: Remembered,
    labels: Tensor,
    ids: Tensor | None,
    rows: Tensor,
    weights: Tensor | None,
) -> Tensor:
    """Loss of a batch whose items are compared with each other and with the remembered ones.

    Args:
        loss: an in-batch loss.
        memory: what is remembered.
        labels: integers `(batch,)`.
        ids: integers `(batch,)`, or None where unknown.
        rows: embeddings `(batch, dim)`, float32 or better.
        weights: of the anchors, `(batch,)`, or None for ones.

    Returns:
        Scalar; NaN where an embedding of the batch is not finite.
    """
    labels = ops.cast(labels, memory.labels.dtype)
    rows = ops.reshape(rows, (-1, memory.embeddings.shape[1]))  # gathered from replicas, it forgot
    # Unknown ids are never those of the memory; in the batch an item is known by its place.
    own = ops.arange(ops.shape(labels)[0]) if ids is None else as_labels(ids)
    own = ops.cast(own, memory.ids.dtype)
    past = memory.ids if ids is not None else ops.full_like(memory.ids, -1)
    others = ops.concatenate([own, past])
    there = ops.concatenate([ops.ones_like(own, dtype="bool"), memory.filled])
    other_labels = ops.concatenate([labels, memory.labels])
    different = ops.logical_and(own[:, None] != others[None, :], there[None, :])
    positives = ops.logical_and(pairs.positive_pairs(labels, other_labels), different)
    negatives = ops.logical_and(pairs.negative_pairs(labels, other_labels), different)
    block = Block(rows, _with_memory(rows, memory), positives, negatives, weights)
    return average(loss.row_loss(block)) + nan_unless_finite(rows)


def _with_memory(rows: Tensor, memory: Remembered) -> Tensor:
    """The batch and the memory, below each other.

    A row that is not there yet lies amid the batch: far away from all others, though in no pair,
    it would cost a distance digits.
    """
    count = ops.cast(ops.maximum(ops.shape(rows)[0], 1), rows.dtype)
    amid = ops.stop_gradient(ops.sum(rows, axis=0) / count)[None, :]
    past = ops.where(memory.filled[:, None], ops.cast(memory.embeddings, rows.dtype), amid)
    return ops.concatenate([rows, past], axis=0)
