"""A long short-term memory that shows its cells, over a whole sentence at once or word by word."""

from typing import Any

import keras
from keras import ops

from simlearn._typing import Tensor

State = tuple[Tensor, Tensor]
"""Hidden state and cells, `(rows, units)` each."""

# A sentence of up to so many words is unrolled, which runs faster than a loop in the graph.
_LONGEST_UNROLLED = 48


@keras.saving.register_keras_serializable(package="caption")
class LSTM(keras.layers.Layer):
    r"""Long short-term memory whose cells can be read at every step.

    `i, f, o = sigmoid(...)`, `g = tanh(...)`, `c_t = f c_{t-1} + i g`, `h_t = o tanh(c_t)`, with
    all four from `x_t W + h_{t-1} U + b`. Keras' layer hides the cells, of which the visual
    sentinel is made, and offers no step of its own. What depends on the inputs alone is computed
    for all steps in one product.

    Args:
        units: of the hidden state.
        kernel_initializer: of W.
        recurrent_initializer: of U.

    Call arguments:
        inputs: `(rows, time, channels)`.
        state: hidden state and cells before the first step, `(rows, units)` each; by default zeros.

    Call returns:
        Hidden states and cells of all steps, `(rows, time, units)` each.

    Examples:
        >>> import numpy as np
        >>> lstm = LSTM(3)
        >>> hidden, cells = lstm(np.ones((2, 5, 7), "float32"))
        >>> hidden.shape
        TensorShape([2, 5, 3])

    Reference:
        Hochreiter, Schmidhuber 1997, "Long Short-Term Memory"; with the forget gate of Gers et
        al. 2000, its bias starting at 1 (Jozefowicz et al. 2015).
    """

    def __init__(
        self,
        units: int,
        *,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weights for inputs of `(..., channels)`."""
        self.kernel = self.add_weight(
            (input_shape[-1], 4 * self.units), initializer=self.kernel_initializer, name="kernel"
        )
        self.recurrent_kernel = self.add_weight(
            (self.units, 4 * self.units),
            initializer=self.recurrent_initializer,
            name="recurrent_kernel",
        )
        self.bias = self.add_weight((4 * self.units,), initializer=_forget_bias, name="bias")

    def zeros(self, rows: int | Tensor) -> State:
        """The state before anything was read."""
        nothing = ops.zeros((rows, self.units), self.compute_dtype)
        return nothing, nothing

    def call(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, Tensor]:
        """Reads whole sentences."""
        return self.read(self.project(inputs), state)

    def read(self, projected: Tensor, state: State | None = None) -> tuple[Tensor, Tensor]:
        """Reads whole sentences from inputs that were projected, `(rows, time, 4 units)`."""
        state = self.zeros(ops.shape(projected)[0]) if state is None else state
        if projected.shape[1] is not None and projected.shape[1] <= _LONGEST_UNROLLED:
            steps = []
            # Not by slices, whose gradients would be as many arrays of the size of all steps.
            for of_step in ops.unstack(projected, axis=1):
                state = self.advance(of_step, state)
                steps.append(state)
            return tuple(ops.stack(kind, axis=1) for kind in zip(*steps, strict=True))

        def advance(state: State, projected: Tensor) -> tuple[State, State]:
            state = self.advance(projected, state)
            return state, state

        _, (hidden, cells) = ops.scan(advance, state, ops.swapaxes(projected, 0, 1))
        return ops.swapaxes(hidden, 0, 1), ops.swapaxes(cells, 0, 1)

    def project(self, inputs: Tensor) -> Tensor:
        """What the inputs contribute to the gates, `(..., 4 units)`."""
        if not self.built:
            # Who reads word by word never calls the layer.
            self.build(inputs.shape)
        return ops.matmul(inputs, self.kernel) + self.bias

    def project_first(self, inputs: Tensor) -> Tensor:
        """What the first channels of the inputs contribute to the gates; no bias."""
        return ops.matmul(inputs, self.kernel[: inputs.shape[-1]])

    def project_last(self, inputs: Tensor) -> Tensor:
        """What the last channels contribute, and the bias: the rest of `project`."""
        return ops.matmul(inputs, self.kernel[-inputs.shape[-1] :]) + self.bias

    def step(self, inputs: Tensor, state: State) -> State:
        """Reads one word of every sentence, `(rows, channels)`."""
        return self.advance(self.project(inputs), state)

    def advance(self, projected: Tensor, state: State) -> State:
        """The same from inputs that were projected, `(rows, 4 units)`."""
        hidden, cells = state
        gates = projected + ops.matmul(hidden, self.recurrent_kernel)
        doors, new = ops.split(gates, [3 * self.units], axis=-1)
        into, kept, out = ops.split(ops.sigmoid(doors), 3, axis=-1)
        cells = kept * cells + into * ops.tanh(new)
        return out * ops.tanh(cells), cells

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {
            "units": self.units,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": keras.initializers.serialize(self.recurrent_initializer),
        }


def _forget_bias(shape: tuple[int, ...], dtype: Any = None) -> Tensor:
    """Zeros, with ones for the forget gate, the second of four."""
    quarter = shape[0] // 4
    return ops.concatenate(
        [ops.zeros(quarter, dtype), ops.ones(quarter, dtype), ops.zeros(2 * quarter, dtype)]
    )
