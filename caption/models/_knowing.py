"""Attention that follows the LSTM: spatial, and adaptive with the visual sentinel.

The LSTM reads words and the whole picture; where to look is asked of its state and never fed back,
so that teacher forcing runs over all steps in one pass.
"""

from typing import Any, ClassVar

import keras
from keras import ops

from caption.attention import AdditiveAttention, attend, grouped, ungrouped
from caption.models._base import Captioner, Image, State
from caption.recurrence import LSTM
from simlearn._typing import Tensor

register = keras.saving.register_keras_serializable(package="caption")


@register
class SpatialAttention(Captioner):
    r"""Looks at the picture with the state that has read the word.

    `x_t = [w_t; v_g]`, `h_t = LSTM(x_t)`, `alpha_t = softmax(w . tanh(W_v V + W_g h_t))`,
    `c_t = sum alpha_tl v_l`, and the next word from `W_p (c_t + h_t)`. Location features are
    `v_l = relu(W_a a_l)`, the whole picture `v_g = relu(W_b mean a)`.

    Args:
        vocabulary_size: as of `Captioner`.
        attention_width: of the hidden layer that scores locations; the paper's is the number of
            locations.
        kwargs: as of `Captioner`.

    Reference:
        Lu et al. 2017, "Knowing When to Look: Adaptive Attention via A Visual Sentinel for Image
        Captioning", equations 5-8. Deviation: an output of its own layer, tanh before the
        words' scores, as in the authors' code.
    """

    attends: ClassVar[bool] = True

    def __init__(self, vocabulary_size: int, *, attention_width: int = 49, **kwargs: Any) -> None:
        super().__init__(vocabulary_size, **kwargs)
        self.attention_width = attention_width
        self.locations = keras.layers.Dense(self.width, activation="relu", name="locations")
        self.picture = keras.layers.Dense(self.word_width, activation="relu", name="picture")
        self.lstm = LSTM(self.width, name="lstm")
        self.scores = AdditiveAttention(attention_width, name="scores")
        self.output_layer = keras.layers.Dense(self.width, activation="tanh", name="output_layer")
        self.drop_locations = keras.layers.Dropout(self.dropout, name="drop_locations")

    def look(self, features: Tensor, training: bool | None = None) -> Image:
        """Locations, their keys, and what the whole picture is to the LSTM at each word."""
        locations = self.drop_locations(self.locations(features), training=training)
        picture = self.picture(ops.mean(features, axis=1))
        if not self.lstm.built:
            self.lstm.build((None, 2 * self.word_width))
        return {
            "locations": locations,
            "keys": self.scores.look(locations),
            "picture": picture,
            "read": self.lstm.project_last(picture),
        }

    def begin(self, image: Image, captions: int = 1) -> State:
        """Zeros."""
        return self.lstm.zeros(ops.shape(image["picture"])[0] * captions)

    def advance(
        self, words: Tensor, state: State, image: Image, training: bool | None = None
    ) -> tuple[Tensor, State, Tensor]:
        """One step of the LSTM, then a look."""
        images = ops.shape(image["picture"])[0]
        projected = grouped(self.lstm.project_first(words), images) + image["read"][:, None]
        before, state = state, self.lstm.advance(ungrouped(projected), state)
        hidden, cells = (grouped(part, images) for part in state)
        read, left = grouped(words, images), grouped(before[0], images)
        outputs, weights = self.looked(read, left, hidden, cells, image)
        return ungrouped(outputs), state, ungrouped(weights)

    def read(
        self, words: Tensor, image: Image, training: bool | None = None
    ) -> tuple[Tensor, Tensor]:
        """All steps of the LSTM, then all looks."""
        images, captions, time, channels = ops.shape(words)
        words = ops.reshape(words, (images, captions * time, channels))
        projected = self.lstm.project_first(words) + image["read"][:, None]
        hidden, cells = self.lstm.read(
            ops.reshape(projected, (images * captions, time, projected.shape[-1]))
        )
        before = ops.pad(hidden[:, :-1], [[0, 0], [1, 0], [0, 0]])
        before, hidden, cells = (
            ops.reshape(part, (images, captions * time, part.shape[-1]))
            for part in (before, hidden, cells)
        )
        outputs, weights = self.looked(words, before, hidden, cells, image)
        shape = (images, captions, time)
        return (
            ops.reshape(outputs, (*shape, outputs.shape[-1])),
            ops.reshape(weights, (*shape, weights.shape[-1])),
        )

    def looked(
        self, words: Tensor, before: Tensor, hidden: Tensor, cells: Tensor, image: Image
    ) -> tuple[Tensor, Tensor]:
        """Looks once for each query.

        Args:
            words: that the LSTM read beside the picture, `(images, queries, channels)`.
            before: its hidden state before that.
            hidden: its hidden state.
            cells: its cells.
            image: of `look`.

        Returns:
            Outputs `(images, queries, width)` and attention `(images, queries, locations)`.
        """
        weights = ops.softmax(self.scores(image["keys"], hidden))
        context = attend(weights, image["locations"])
        return self.output_layer(context + hidden), weights

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"attention_width": self.attention_width}


@register
class AdaptiveAttention(SpatialAttention):
    r"""Decides at each word whether to look at the picture or at what it knows of language.

    The sentinel `s_t = sigmoid(W_x x_t + W_h h_{t-1}) * tanh(m_t)`, made of the LSTM's cells m_t,
    is one more location: with z_t the scores of the locations, `alpha^_t = softmax([z_t; w .
    tanh(W_s s_t + W_g h_t)])`, its last entry is `beta_t`, and the context
    `c^_t = sum alpha^_tl v_l + beta_t s_t`, the same as `beta_t s_t + (1 - beta_t) c_t`.

    The gate *multiplies* the cells: code that adds it is in circulation, and learns no sentinel.

    Attention that is returned holds the locations alone and sums to `1 - beta_t`.

    Reference:
        Lu et al. 2017, equations 9-13.
    """

    def __init__(self, vocabulary_size: int, **kwargs: Any) -> None:
        super().__init__(vocabulary_size, **kwargs)
        self.gate_inputs = keras.layers.Dense(self.width, name="gate_inputs")
        self.gate_hidden = keras.layers.Dense(self.width, use_bias=False, name="gate_hidden")
        self.sentinel = keras.layers.Dense(self.attention_width, use_bias=False, name="sentinel")

    def look(self, features: Tensor, training: bool | None = None) -> Image:
        """What the whole picture is to the sentinel's gate, too."""
        image = super().look(features, training)
        if not self.gate_inputs.built:
            self.gate_inputs.build((None, 2 * self.word_width))
        kernel = self.gate_inputs.kernel[self.word_width :]
        gate = ops.matmul(image["picture"], kernel) + self.gate_inputs.bias
        return {**image, "gate": gate}

    def looked(
        self, words: Tensor, before: Tensor, hidden: Tensor, cells: Tensor, image: Image
    ) -> tuple[Tensor, Tensor]:
        """Looks at the locations and the sentinel."""
        of_words = ops.matmul(words, self.gate_inputs.kernel[: self.word_width])
        gate = ops.sigmoid(of_words + image["gate"][:, None] + self.gate_hidden(before))
        sentinel = gate * ops.tanh(cells)
        scores = self.scores(image["keys"], hidden)
        own = self.scores.score(self.sentinel(sentinel) + self.scores.ask(hidden))
        weights = ops.softmax(ops.concatenate([scores, own[..., None]], axis=-1))
        weights, beta = weights[..., :-1], weights[..., -1:]
        context = attend(weights, image["locations"]) + beta * sentinel
        return self.output_layer(context + hidden), weights
