"""Captioners that see a picture as one vector: Show and Tell, LRCN and m-RNN."""

from typing import Any

import keras
from keras import ops

from caption.attention import grouped, ungrouped
from caption.models._base import Captioner, Image, State
from caption.recurrence import LSTM
from simlearn._typing import Tensor

register = keras.saving.register_keras_serializable(package="caption")


def repeated(values: Tensor, times: int) -> Tensor:
    """One row an image as one for each of its sentences, below each other."""
    return values if times == 1 else ops.repeat(values, times, axis=0)


def per_row(values: Tensor, rows: Tensor) -> Tensor:
    """`(images, channels)` for rows that hold several sentences an image."""
    images = ops.shape(values)[0]
    spread = ops.zeros_like(grouped(rows[:, :1], images)) + values[:, None]
    return ungrouped(spread)


class _Whole(Captioner):
    """Sees the mean of a picture's locations, each channel standardised over the batch.

    Most of a mean location is the same for all pictures; left in, it hides what differs, and some
    hundred pictures teach the captioner one sentence for all of them.
    """

    def __init__(self, vocabulary_size: int, **kwargs: Any) -> None:
        super().__init__(vocabulary_size, **kwargs)
        self.standardize = keras.layers.BatchNormalization(
            center=False, scale=False, momentum=0.9, name="standardize"
        )

    def whole(self, features: Tensor, training: bool | None) -> Tensor:
        """`(images, channels)` of `(images, locations, channels)`."""
        return self.standardize(ops.mean(features, axis=1), training=training)


@register
class ShowAndTell(_Whole):
    """The picture is the first thing the LSTM reads, and nothing of it later.

    Reference:
        Vinyals et al. 2015, "Show and Tell: A Neural Image Caption Generator", equations 10-12.
        Deviation: the picture's vector is standardised, by the batch in training (Ioffe, Szegedy
        2015, equations of algorithm 1, without scale and shift).
    """

    def __init__(self, vocabulary_size: int, **kwargs: Any) -> None:
        super().__init__(vocabulary_size, **kwargs)
        self.picture = keras.layers.Dense(self.word_width, name="picture")
        self.lstm = LSTM(self.width, name="lstm")

    def look(self, features: Tensor, training: bool | None = None) -> Image:
        """The mean of the locations, as if it were a word."""
        return {"word": self.picture(self.whole(features, training))}

    def begin(self, image: Image, captions: int = 1) -> State:
        """The state behind the picture."""
        word = image["word"]
        state = self.lstm(word[:, None])
        return tuple(repeated(kind[:, 0], captions) for kind in state)

    def advance(
        self, words: Tensor, state: State, image: Image, training: bool | None = None
    ) -> tuple[Tensor, State, None]:
        """One step of the LSTM."""
        state = self.lstm.step(words, state)
        return state[0], state, None

    def read(
        self, words: Tensor, image: Image, training: bool | None = None
    ) -> tuple[Tensor, None]:
        """All steps at once, the picture before the words."""
        images, captions, time, channels = ops.shape(words)
        rows = ops.reshape(words, (-1, time, channels))
        first = per_row(image["word"], rows[:, 0])
        hidden, _ = self.lstm(ops.concatenate([first[:, None], rows], axis=1))
        return ops.reshape(hidden[:, 1:], (images, captions, time, self.width)), None


@register
class LRCN(_Whole):
    """Two LSTMs: the first reads words alone, the second its output and the picture.

    Reference:
        Donahue et al. 2015, "Long-term Recurrent Convolutional Networks for Visual Recognition and
        Description", section 5, the factored network with two layers. Deviation: the picture's
        vector is standardised, as `ShowAndTell`'s.
    """

    def __init__(self, vocabulary_size: int, **kwargs: Any) -> None:
        super().__init__(vocabulary_size, **kwargs)
        self.picture = keras.layers.Dense(self.width, name="picture")
        self.language = LSTM(self.width, name="language")
        self.both = LSTM(self.width, name="both")

    def look(self, features: Tensor, training: bool | None = None) -> Image:
        """The mean of the locations."""
        return {"picture": self.picture(self.whole(features, training))}

    def begin(self, image: Image, captions: int = 1) -> State:
        """Zeros."""
        rows = ops.shape(image["picture"])[0] * captions
        return self.language.zeros(rows), self.both.zeros(rows)

    def advance(
        self, words: Tensor, state: State, image: Image, training: bool | None = None
    ) -> tuple[Tensor, State, None]:
        """One step of both."""
        first = self.language.step(words, state[0])
        seen = per_row(image["picture"], words)
        second = self.both.step(ops.concatenate([first[0], seen], axis=-1), state[1])
        return second[0], (first, second), None

    def read(
        self, words: Tensor, image: Image, training: bool | None = None
    ) -> tuple[Tensor, None]:
        """All steps at once."""
        images, captions, time, channels = ops.shape(words)
        hidden, _ = self.language(ops.reshape(words, (-1, time, channels)))
        seen = per_row(image["picture"], hidden[:, 0])
        seen = ops.broadcast_to(seen[:, None], ops.shape(hidden))
        hidden, _ = self.both(ops.concatenate([hidden, seen], axis=-1))
        return ops.reshape(hidden, (images, captions, time, self.width)), None


@register
class MultimodalRNN(_Whole):
    r"""A plain recurrence over words, and a layer where words, its state and the picture meet.

    `r_t = relu(U r_{t-1} + w_t)`, `m_t = g(V_w w_t + V_r r_t + V_I I)` with the scaled
    `g(x) = 1.7159 tanh(2 x / 3)`.

    Reference:
        Mao et al. 2015, "Deep Captioning with Multimodal Recurrent Neural Networks (m-RNN)",
        equations 2-4. Deviation: U begins as the identity, as Le et al. 2015 have it, for the
        recurrence is a ReLU's; the picture's vector is standardised, as `ShowAndTell`'s.
    """

    def __init__(self, vocabulary_size: int, **kwargs: Any) -> None:
        super().__init__(vocabulary_size, **kwargs)
        self.picture = keras.layers.Dense(self.width, use_bias=False, name="picture")
        self.second_words = keras.layers.Dense(self.width, activation="relu", name="second_words")
        self.recurrent = keras.layers.Dense(
            self.width, use_bias=False, kernel_initializer="identity", name="recurrent"
        )
        self.meet = keras.layers.Dense(self.width, name="meet")

    def look(self, features: Tensor, training: bool | None = None) -> Image:
        """The mean of the locations."""
        return {"picture": self.picture(self.whole(features, training))}

    def begin(self, image: Image, captions: int = 1) -> State:
        """Zeros."""
        return repeated(ops.zeros_like(image["picture"]), captions)

    def advance(
        self, words: Tensor, state: State, image: Image, training: bool | None = None
    ) -> tuple[Tensor, State, None]:
        """One step."""
        words = self.second_words(words)
        state = ops.relu(self.recurrent(state) + words)
        met = self.meet(ops.concatenate([words, state], axis=-1))
        return _scaled_tanh(met + per_row(image["picture"], words)), state, None


def _scaled_tanh(values: Tensor) -> Tensor:
    return 1.7159 * ops.tanh(values * (2 / 3))
