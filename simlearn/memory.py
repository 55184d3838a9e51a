"""Cross-batch memory: anchors meet the embeddings of past batches, at the price of one matrix.

The embeddings of a few batches ago are nearly those of today, so a ring of the last `size` ones
gives an in-batch loss the pairs of a batch of that size. The ring is part of the model's weights:
it is in the `.keras` file and in every checkpoint.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from simlearn import pairs
from simlearn._numerics import nan_unless_finite
from simlearn._typing import Tensor
from simlearn.errors import UserError
from simlearn.losses._base import check_batch, register
from simlearn.losses._blocks import BatchLoss, Block, average
from simlearn.losses._replicas import gathered, share_of_replica
from simlearn.pairs import as_labels

__all__ = ["CrossBatchMemory", "MemoryModel", "Remembered", "with_memory"]


class Remembered(NamedTuple):
    """What a memory holds, in no particular order.

    Attributes:
        embeddings: `(size, dim)`.
        labels: integers `(size,)`.
        ids: integers `(size,)`, the lowest integer where unknown.
        filled: bool `(size,)`; the other rows hold nothing yet.
    """

    embeddings: Tensor
    labels: Tensor
    ids: Tensor
    filled: Tensor


@register
class CrossBatchMemory(keras.layers.Layer):
    """A ring of the last embeddings with their labels and ids, kept as weights.

    `with_memory` does the rest; for a training loop of your own call `recall`, then `remember`.

    Args:
        size: rows, at least 1.
        dim: length of the embeddings.
        start: calls of `remember` that are let pass before the first row is kept, at least 0.
        dtype: of the embeddings, float32 or float64.
        name: of the layer.

    Raises:
        UserError: an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from simlearn.memory import CrossBatchMemory
        >>> ring = CrossBatchMemory(size=3, dim=1)
        >>> for step in range(2):
        ...     ring.remember(np.array([5, 6]), None, np.array([[step], [step + 0.5]], "float32"))
        >>> print(np.asarray(ring.recall().embeddings)[:, 0])
        [1.5 0.5 1. ]
    """

    def __init__(
        self,
        *,
        size: int,
        dim: int,
        start: int = 0,
        dtype: str = "float32",
        name: str = "memory",
    ) -> None:
        super().__init__(dtype=dtype, trainable=False, name=name)
        for argument, value, least in (("size", size, 1), ("dim", dim, 1), ("start", start, 0)):
            if value < least:
                raise UserError(f"expected {argument} of {least} or more, received {value}")
        self.size = size
        self.dim = dim
        self.start = start
        self.embeddings = self._state("embeddings", (size, dim), self.variable_dtype)
        integers = _widest_integer()
        self.labels = self._state("labels", (size,), integers)
        self.ids = self._state("ids", (size,), integers)
        self.position = self._state("position", (), integers)
        self.filled = self._state("filled", (), integers)
        self.waited = self._state("waited", (), integers)
        self.built = True

    def recall(self) -> Remembered:
        """The rows as they are now, without a gradient."""
        filled = ops.arange(self.size, dtype=self.filled.dtype) < self.filled
        embeddings, labels, ids = (
            ops.stop_gradient(ops.convert_to_tensor(state))
            for state in (self.embeddings, self.labels, self.ids)
        )
        return Remembered(embeddings, labels, ids, filled)

    def remember(self, labels: Tensor, ids: Tensor | None, embeddings: Tensor) -> None:
        """Put a batch in the place of the oldest rows: its last `size` items, if it is larger.

        A batch with an embedding that is not finite is not kept: one bad step that a loss-scaling
        optimiser skips would spoil many that follow.

        Args:
            labels: integers `(batch,)`.
            ids: integers `(batch,)`, or None where unknown.
            embeddings: `(batch, dim)`.
        """
        labels = self._whole_numbers(labels)
        ids = ops.full_like(labels, self.unknown) if ids is None else self._whole_numbers(ids)
        rows = ops.cast(ops.stop_gradient(ops.convert_to_tensor(embeddings)), self.embeddings.dtype)
        keep = ops.logical_and(self.waited >= self.start, ops.all(ops.isfinite(rows)))
        count = ops.shape(rows[-self.size :])[0]
        slots = (self.position + ops.arange(count, dtype=self.position.dtype)) % self.size
        for state, new in ((self.embeddings, rows), (self.labels, labels), (self.ids, ids)):
            state.assign(_replaced(ops.convert_to_tensor(state), slots, new[-self.size :], keep))
        written = ops.where(keep, ops.cast(count, self.position.dtype), 0)
        self.position.assign((self.position + written) % self.size)
        self.filled.assign(ops.minimum(self.filled + written, self.size))
        self.waited.assign(ops.minimum(self.waited + 1, self.start))

    @property
    def unknown(self) -> int:
        """The id of an item whose id nobody told."""
        return int(np.iinfo(self.ids.dtype).min)

    def get_config(self) -> dict[str, Any]:
        """Everything needed to make an equal, empty memory."""
        config = {"size": self.size, "dim": self.dim, "start": self.start}
        return {**config, "dtype": self.variable_dtype, "name": self.name}

    def _state(self, name: str, shape: tuple[int, ...], dtype: str) -> keras.Variable:
        # Replicas all write the same rows, those of the whole batch.
        return self.add_weight(
            shape=shape,
            initializer="zeros",
            dtype=dtype,
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
            name=name,
        )

    def _whole_numbers(self, values: Tensor) -> Tensor:
        return ops.cast(as_labels(values), self.labels.dtype)


def _replaced(state: Tensor, slots: Tensor, rows: Tensor, keep: Tensor) -> Tensor:
    rows = ops.where(keep, rows, ops.take(state, slots, axis=0))
    return ops.scatter_update(state, slots[:, None], rows)


def _widest_integer() -> str:
    """Int64, but int32 on JAX unless it has been told otherwise."""
    widest = ops.convert_to_tensor(np.zeros((), "int64")).dtype
    return str(keras.backend.standardize_dtype(widest))


@register
class MemoryModel(keras.Model):
    """An embedding model that trains against a cross-batch memory: `with_memory`.

    Args:
        embedding: functional or sequential model with one output `(batch, dim)`.
        size: rows of the memory, at least 1.
        start: training steps before the first batch is kept, at least 0.
        name: of the model.

    Attributes:
        embedding: the model that was given, which holds what is learned.
        memory: the `CrossBatchMemory`.
    """

    def __init__(
        self, embedding: keras.Model, *, size: int, start: int = 0, name: str = "with_memory"
    ) -> None:
        super().__init__(name=name)
        outputs: Sequence[Tensor] = getattr(embedding, "outputs", None) or ()
        if len(outputs) != 1 or len(outputs[0].shape) != 2 or outputs[0].shape[1] is None:
            raise UserError(
                "expected a functional or sequential model with one output of shape (batch, dim), "
                f"received {getattr(embedding, 'name', embedding)!r} with outputs of shapes "
                f"{[tuple(tensor.shape) for tensor in outputs]}"
            )
        wide = keras.backend.standardize_dtype(outputs[0].dtype) == "float64"
        self.embedding = embedding
        self.memory = CrossBatchMemory(
            size=size, dim=outputs[0].shape[1], start=start, dtype="float64" if wide else "float32"
        )
        self.built = True

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """Embeddings of a batch."""
        return self.embedding(inputs, training=training)

    def compile(
        self, optimizer: Any = "rmsprop", loss: Any = None, *args: Any, **options: Any
    ) -> None:
        """Compile as any Keras model, with one in-batch loss.

        Args:
            optimizer: as in `keras.Model.compile`.
            loss: one of simlearn.losses that compare the items of a batch.
            args: as in `keras.Model.compile`.
            options: as in `keras.Model.compile`.

        Raises:
            UserError: the loss is not of that kind.
        """
        if not isinstance(loss, BatchLoss) or not loss.streams:
            raise UserError(
                "expected a loss of simlearn.losses that compares anchors with any set of others, "
                f"received {getattr(loss, 'name', loss)!r}"
            )
        super().compile(optimizer, loss, *args, **options)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as when the model was saved."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def compute_loss(
        self,
        x: Tensor = None,
        y: Tensor = None,
        y_pred: Tensor = None,
        sample_weight: Tensor | None = None,
        training: bool = True,
    ) -> Tensor:
        """Loss of a batch against itself and, in training, against the memory, which it enters."""
        labels, ids = _labels_and_ids(y)
        if not training:
            return super().compute_loss(x, labels, y_pred, sample_weight)
        labels, rows, weights = check_batch(labels, y_pred, sample_weight)
        parts = gathered((labels, ids, rows, weights))
        loss = share_of_replica(loss_with_memory(self.loss, self.memory.recall(), *parts))
        self.memory.remember(*parts[:3])
        return loss + sum(ops.sum(extra) for extra in self.losses)

    def compute_metrics(
        self, x: Tensor, y: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> dict[str, Any]:
        """Metrics of the batch's labels, without the ids, and embeddings."""
        return super().compute_metrics(x, _labels_and_ids(y)[0], y_pred, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Everything needed to make an equal model with an empty memory."""
        embedding = keras.saving.serialize_keras_object(self.embedding)
        sizes = {"size": self.memory.size, "start": self.memory.start}
        return {"embedding": embedding, **sizes, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "MemoryModel":
        """Make a model from `get_config`'s answer."""
        embedding = keras.saving.deserialize_keras_object(config["embedding"], custom_objects)
        return cls(**{**config, "embedding": embedding})


def with_memory(
    embedding: keras.Model, *, size: int, start: int = 0, name: str = "with_memory"
) -> MemoryModel:
    """Give an embedding model a memory of the last `size` embeddings to train against.

    `L = sum over the batch's anchors a of l(a, batch + memory)`, over the number of those terms,
    with l what the compiled loss adds for an anchor; then the batch takes the place of the oldest
    rows. No gradient flows into the memory, and rows of a memory not yet full are in no pair.

    `y` is the labels and ids of the items as two columns of integers, `(batch, 2)`. An item that
    comes back while an older embedding of it is in the memory is then neither its own positive nor
    its own negative; nor are two items of a batch with one id a pair, so give two views of one
    picture that are to be a pair two ids. `y` may also be the labels alone, `(batch,)`: nobody can
    then tell an item that comes back from another of its class, so it is its own positive, as in
    the paper; this does little harm where the memory is smaller than an epoch. Metrics get the
    labels alone. Labels and ids are kept as int64 (on JAX, unless it has been told to use 64 bits,
    everything is int32, and larger numbers have lost their upper half before they get here).

    Evaluation neither reads the memory nor writes it: its loss is the plain one of each batch.

    Args:
        embedding: functional or sequential model with one output `(batch, dim)`. Its layers are
            shared: training the result trains the model passed in, and that is what to save for
            use. A result read from a file has it as `model.embedding`.
        size: rows of the memory, at least 1; any number, whatever the batch. Each step costs as
            much as a matrix of distances `(batch, batch + size)`.
        start: training steps, at least 0, before the first batch is kept: early in training
            embeddings move too fast to be worth remembering.
        name: of the model.

    Returns:
        A model to compile with an in-batch loss of simlearn.losses and to train with `fit`.

    Raises:
        UserError: the model does not give one vector an item, or an argument is out of range.

    Examples:
        >>> import keras, numpy as np
        >>> from simlearn import losses
        >>> embedding = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> model = with_memory(embedding, size=6)
        >>> model.compile("sgd", losses.BatchContrastiveLoss())
        >>> x, labels, ids = np.eye(3, dtype="float32"), np.array([4, 4, 9]), np.arange(3)
        >>> history = model.fit(x, np.stack([labels, ids], axis=1), epochs=1, verbose=0)
        >>> print(np.asarray(model.memory.recall().filled).sum())
        3

    Reference:
        Wang et al., "Cross-Batch Memory for Embedding Learning", CVPR 2020, section 3.3 and
        algorithm 1. Deviations: the anchors meet the batch itself with gradients on both sides,
        beside the memory, in one loss (algorithm 1 puts a copy of the batch into the memory
        first); an item's own older embedding is no pair.
    """
    return MemoryModel(embedding, size=size, start=start, name=name)


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


def _labels_and_ids(y: Tensor) -> tuple[Tensor, Tensor | None]:
    rank = len(y.shape)
    if rank == 2 and y.shape[1] == 2:
        return y[:, 0], y[:, 1]
    if rank == 1 or (rank == 2 and y.shape[1] == 1):
        return y, None
    raise UserError(
        "expected labels (batch,) or labels and ids (batch, 2), "
        f"received a shape of {tuple(y.shape)}"
    )
