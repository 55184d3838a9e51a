"""The model whose training step embeds a batch twice, chunk by chunk."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
from keras import ops, tree

from simlearn._typing import Tensor
from simlearn.caching._chunks import (
    Tensors,
    check_same,
    first_of,
    over_chunks,
    share,
    size_of,
    slice_of,
)
from simlearn.errors import UserError


def cached(embedding: keras.Model, *, chunk: int, name: str = "cached") -> keras.Model:
    """The same layers in a model that trains with the activations of one chunk in memory.

    `dL/dw = sum_c (de_c/dw)^T dL/de_c`, where `e_c = e(x_c)` are the embeddings of chunk c and L is
    the loss of the whole batch: first all `e_c`, without activations, then every `dL/de_c`, then
    one chunk after another.

    One step is the ordinary step, at the cost of one more forward pass, except that

    - batch normalisation normalises over a chunk, not over the batch; its moving averages move once
      a chunk, and so do other states of layers;
    - what a layer adds to the loss (`add_loss`, activity regularisers) is averaged over chunks
      by their sizes: the same for a mean over items, as Keras' own are. Weight regularisers count
      once;
    - the gradients of chunks are added in float32, also in mixed precision, and densely: where an
      id comes twice in a batch, Adam squares the sum of its `Embedding` row's gradients, not
      each of them.

    Random layers must draw from a `keras.random.SeedGenerator` of their own, as Keras' layers do:
    the second pass then draws what the first one drew. The loss's own memory, often quadratic in
    the batch, is not made smaller.

    Training the model trains `embedding`, which is the one to save and to use afterwards. Layers
    frozen before `compile` stay frozen. A `train_step` of your own in `embedding` is not called.

    Args:
        embedding: functional or sequential, with any number of inputs and outputs whose first axis
            is the batch. Those that are not dense tensors are not supported.
        chunk: items in memory at a time, at least 1; it need not divide the batch.
        name: of the model.

    Returns:
        A model with the inputs, outputs and weights of `embedding`. `fit` and `evaluate` go through
        a batch in chunks, `predict` has its own `batch_size`. It is not compiled by XLA:
        `jit_compile="auto"` means False, and True gives Keras' warning and means False.

    Raises:
        UserError: for a backend other than TensorFlow, under a `tf.distribute` strategy (in `fit`
            and `evaluate` too), for a model without symbolic inputs and outputs, or a `chunk`
            below 1; in `fit`, for a layer that changes, while it is called, trainable weights or a
            variable that is not the model's, as `keras.random.normal(shape)` without `seed=` does.
        tensorflow.errors.InvalidArgumentError: in `fit`, when the two passes give different
            embeddings, as with a layer that draws from a `tf.random.Generator`.

    Examples:
        >>> from simlearn.backbones import conv4
        >>> from simlearn.losses import SupConLoss
        >>> from simlearn.models import embedding
        >>> encoder = embedding(conv4((8, 8, 1)))
        >>> model = cached(encoder, chunk=32)
        >>> model.compile("adam", SupConLoss())
        >>> all(a is b for a, b in zip(model.weights, encoder.weights, strict=True))
        True

    Reference:
        Gao, Zhang, Han, Callan 2021, "Scaling Deep Contrastive Learning Batch Size under Memory
        Limited Setup", section 3.3 (steps 1 to 4). Deviation: the random state of the whole
        first pass is replayed, where the paper's code stores one state a chunk.
    """
    if keras.backend.backend() != "tensorflow":
        raise UserError(
            "expected the TensorFlow backend for gradient caching, received "
            f"{keras.backend.backend()!r}"
        )
    _check_strategy()
    if isinstance(chunk, bool) or not isinstance(chunk, int) or chunk < 1:
        raise UserError(f"expected chunk as an integer of at least 1, received {chunk!r}")
    if not getattr(embedding, "inputs", None) or not getattr(embedding, "outputs", None):
        raise UserError(
            "expected a functional or sequential model that is built, received "
            f"{getattr(embedding, 'name', embedding)!r}"
        )
    flat = isinstance(embedding, keras.Sequential)  # which knows its tensors as lists of one
    inputs = embedding.inputs[0] if flat else embedding.input
    outputs = embedding.outputs[0] if flat else embedding.output
    return _Cached(inputs, outputs, embedding.dtype_policy, chunk, name)


def _check_strategy() -> None:
    import tensorflow as tf

    if tf.distribute.has_strategy():
        raise UserError(
            "expected no tf.distribute strategy for gradient caching, received "
            f"{type(tf.distribute.get_strategy()).__name__}"
        )


@dataclass
class _Traced:
    """What becomes known while a chunk is traced, and holds for every chunk."""

    outputs: Any = None
    adds_losses: bool = False
    changed: set[int] = field(default_factory=set)
    connected: set[int] = field(default_factory=set)


@keras.saving.register_keras_serializable(package="simlearn", name="Cached")
class _Cached(keras.Model):
    """What `cached` returns."""

    def __init__(self, inputs: Any, outputs: Any, policy: Any, chunk: int, name: str) -> None:
        super().__init__(inputs=inputs, outputs=outputs, name=name)
        self.dtype_policy = policy  # Keras scales the loss where this is mixed float16.
        self.supports_jit = False  # The last chunk has a size of its own, known at run time.
        self._chunk = chunk
        self._added: Sequence[Tensor] | None = None

    def get_config(self) -> dict[str, Any]:
        embedding = keras.Model(self.input, self.output, name="embedding")
        return {
            "embedding": keras.saving.serialize_keras_object(embedding),
            "chunk": self._chunk,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> keras.Model:
        embedding = keras.saving.deserialize_keras_object(config["embedding"], custom_objects)
        return cached(embedding, chunk=config["chunk"], name=config["name"])

    @property
    def losses(self) -> list[Tensor]:
        """While a batch's loss is computed: what its chunks added, and weight regularisers."""
        if self._added is None:
            return super().losses
        weights = (w for w in self.trainable_weights if w.regularizer is not None)
        return [*self._added, *(weight.regularizer(weight) for weight in weights)]

    def train_step(self, data: Any) -> dict[str, Tensor]:
        """One step of the optimiser, for a whole batch."""
        import tensorflow as tf

        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        weights = list(self.trainable_weights)
        # The states of this pass are dropped: the second one starts where it did, and draws alike.
        y_pred, added, _ = self._forward(x, training=True)
        outputs = tree.flatten(y_pred)
        with tf.GradientTape() as tape:
            tape.watch([t for t in (*outputs, *added) if t.dtype.is_floating])
            loss = self._loss_of_batch(x, y, y_pred, sample_weight, added, training=True)
            scaled = self.optimizer.scale_loss(loss)
        slopes, direct = tape.gradient(scaled, ([*outputs, *added], weights))
        gradients = self._backward(x, outputs, slopes, direct)
        if weights:
            self.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def test_step(self, data: Any) -> dict[str, Tensor]:
        """Keras' own, but chunk by chunk."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        y_pred, added, keep_states = self._forward(x, training=False)
        keep_states()
        self._loss_of_batch(x, y, y_pred, sample_weight, added, training=False)
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def _loss_of_batch(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any, added: list[Tensor], training: bool
    ) -> Tensor:
        self._added = tuple(added)
        try:
            loss = self.compute_loss(x, y, y_pred, sample_weight, training=training)
        finally:
            self._added = None
        tracker = next(metric for metric in self.metrics if metric.name == "loss")
        tracker.update_state(loss, sample_weight=size_of(x))
        return loss

    def _forward(self, x: Any, training: bool) -> tuple[Any, list[Tensor], Callable[[], None]]:
        """Outputs of a batch, what layers add to its loss, and what keeps the layers' states."""
        import tensorflow as tf

        _check_strategy()
        size, traced = size_of(x), _Traced()

        def step(start: Tensor, stop: Tensor, carried: Any) -> Any:
            states, total, arrays = carried
            piece = slice_of(x, start, stop)
            outputs, added, states = self._call(piece, states, training, traced)
            place = start // self._chunk
            arrays = [array.write(place, out) for array, out in zip(arrays, outputs, strict=True)]
            return states, total + added * share(start, stop, size), arrays

        length = -(-size // self._chunk)
        arrays = [
            tf.TensorArray(t.dtype, length, infer_shape=False, element_shape=(None, *t.shape[1:]))
            for t in self.outputs
        ]
        first = self._states(), ops.zeros((), keras.config.floatx()), arrays
        states, total, arrays = over_chunks(step, first, size, self._chunk)
        outputs = [array.concat() for array in arrays]
        for output in outputs:
            output.set_shape((first_of(x).shape[0], *output.shape[1:]))
        y_pred = tree.pack_sequence_as(traced.outputs, outputs)
        return y_pred, [total] * traced.adds_losses, lambda: self._keep(states, traced)

    def _backward(
        self, x: Any, outputs: Tensors, slopes: Tensors, direct: Tensors
    ) -> list[Tensor | None]:
        """Gradients of the weights: `direct`, and what `slopes` send them through each chunk."""
        import tensorflow as tf

        size, traced, weights = size_of(x), _Traced(), list(self.trainable_weights)
        slopes = [None if slope is None else tf.convert_to_tensor(slope) for slope in slopes]

        def step(start: Tensor, stop: Tensor, carried: Any) -> Any:
            states, sums = carried
            piece = slice_of(x, start, stop)
            with tf.GradientTape() as tape:
                again, added, states = self._call(piece, states, True, traced)
            check_same([output[start:stop] for output in outputs], again)
            sent = [s if s is None else s[start:stop] for s in slopes[: len(again)]]
            sent += [slope * share(start, stop, size) for slope in slopes[len(again) :]]
            pairs = zip([*again, added], sent, strict=False)
            targets = [(target, slope) for target, slope in pairs if slope is not None]
            found = tape.gradient(
                [target for target, _ in targets],
                weights,
                output_gradients=[slope for _, slope in targets],
            )
            traced.connected |= {i for i, gradient in enumerate(found) if gradient is not None}
            return states, [a if b is None else a + b for a, b in zip(sums, found, strict=True)]

        zeros = [
            tf.zeros(w.shape, w.dtype) if d is None else tf.convert_to_tensor(d)
            for w, d in zip(weights, direct, strict=True)
        ]
        states, sums = over_chunks(step, (self._states(), zeros), size, self._chunk)
        self._keep(states, traced)
        # What nothing reaches has no gradient, not one of 0: weight decay must leave it alone.
        used = traced.connected | {i for i, gradient in enumerate(direct) if gradient is not None}
        return [total if i in used else None for i, total in enumerate(sums)]

    def _call(
        self, x: Any, states: Tensors, training: bool, traced: _Traced
    ) -> tuple[list[Tensor], Tensor, list[Tensor]]:
        """Outputs of a chunk, what layers add to the loss, their states after; assigns nothing."""
        variables = self._state_variables()
        scope = keras.StatelessScope(zip(variables, states, strict=True), collect_losses=True)
        before = [scope.get_current_value(variable) for variable in variables]
        with scope:
            traced.outputs = self(x, training=training)
        after = [scope.get_current_value(variable) for variable in variables]
        if set(scope.state_mapping) != {id(variable) for variable in variables}:
            changed = [w.path for w in self.trainable_weights if id(w) in scope.state_mapping]
            raise UserError(
                "expected layers that change no variables but their own non-trainable ones (random "
                "layers need a keras.random.SeedGenerator of their own); changed was "
                f"{', '.join(changed) or 'a variable outside the model'}"
            )
        traced.changed |= {i for i, old in enumerate(before) if after[i] is not old}
        traced.adds_losses |= bool(scope.losses)
        dtype = keras.config.floatx()
        added = sum((ops.cast(ops.sum(loss), dtype) for loss in scope.losses), ops.zeros((), dtype))
        return tree.flatten(traced.outputs), added, after

    def _state_variables(self) -> list[Any]:
        """What layers may change when called: moving averages, random states, their metrics."""
        metrics = (v for layer in self.layers for v in layer.metrics_variables)
        return list({id(v): v for v in (*self.non_trainable_variables, *metrics)}.values())

    def _states(self) -> list[Tensor]:
        return [ops.convert_to_tensor(variable) for variable in self._state_variables()]

    def _keep(self, states: Tensors, traced: _Traced) -> None:
        variables = self._state_variables()
        for i in sorted(traced.changed):
            variables[i].assign(states[i])
