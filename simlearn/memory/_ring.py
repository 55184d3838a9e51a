"""The ring that holds the embeddings of past batches."""

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from simlearn._typing import Tensor
from simlearn.errors import UserError
from simlearn.losses._base import register
from simlearn.pairs import as_labels


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
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise UserError(
                    f"expected {argument} as an integer of at least {least}, received {value!r}"
                )
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
