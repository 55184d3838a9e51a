"""A model that trains against a memory."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from simlearn._typing import Tensor
from simlearn.errors import UserError
from simlearn.losses._base import check_batch, register
from simlearn.losses._blocks import BatchLoss
from simlearn.losses._replicas import gathered, share_of_replica
from simlearn.memory._loss import loss_with_memory
from simlearn.memory._ring import CrossBatchMemory


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
                f"received {type(loss).__name__}"
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
        Wang et al., "Cross-Batch Memory for Embedding Learning", CVPR 2020. Deviations: the
        anchors meet the batch itself with gradients on both sides, beside the memory, in one loss
        (the authors' code puts a copy of the batch into the memory first, and adds up the loss
        within the batch and that against the memory); an item's own older embedding is no pair.
    """
    return MemoryModel(embedding, size=size, start=start, name=name)


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
