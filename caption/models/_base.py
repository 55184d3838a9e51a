"""What all captioners share: words in, words out, and how a picture is looked at once."""

from typing import Any, ClassVar

import keras
from keras import ops

from caption._deferred import defer
from caption.vocabulary import PAD, UNKNOWN
from simlearn._typing import Tensor
from simlearn.errors import UserError

Image = dict[str, Tensor]
"""What a captioner needs of a picture, computed once; first axis images."""

State = Any
"""A nest of tensors of what was said so far; first axis images times sentences an image."""


class Captioner(keras.Model):
    """A network that says what it sees, word by word.

    A subclass says how a picture is looked at (`look`), with which state a sentence begins
    (`begin`), how a word moves it (`advance`), and, where the recurrence allows it, how a whole
    sentence is read in one pass (`read`).

    Args:
        vocabulary_size: number of tokens, the four special ones included.
        width: of the hidden state.
        word_width: of the word vectors.
        dropout: share of word vectors' and outputs' units that are dropped in training.
        scheduled: whether `sampling_rate` may be raised in training: teacher forcing then costs a
            second pass.

    Call arguments:
        inputs: `features` `(images, locations, channels)` and `tokens` `(images, captions,
            time)`, each caption START, words and PAD. The word at a step is seen, the next is
            predicted.
        training: whether to drop units.

    Call returns:
        Scores of the next word, `(images, captions, time, vocabulary)`.

    Reference:
        Scheduled sampling: Bengio et al. 2015; in two passes over whole sentences, as Mihaylova and
        Martins 2019, "Scheduled Sampling for Transformers", section 4, have it, the words of the
        first being the most likely ones.
    """

    attends: ClassVar[bool] = False
    """Whether it looks at locations, and has maps to show."""

    def __init__(
        self,
        vocabulary_size: int,
        *,
        width: int = 512,
        word_width: int = 512,
        dropout: float = 0.5,
        scheduled: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if vocabulary_size <= UNKNOWN:
            raise UserError(
                f"vocabulary_size: expected more than the {UNKNOWN + 1} special tokens, "
                f"got {vocabulary_size}"
            )
        self.vocabulary_size = vocabulary_size
        self.width = width
        self.word_width = word_width
        self.dropout = dropout
        self.scheduled = scheduled
        self.words = keras.layers.Embedding(vocabulary_size, word_width, name="words")
        self.drop_words = keras.layers.Dropout(dropout, name="drop_words")
        self.drop_outputs = keras.layers.Dropout(dropout, name="drop_outputs")
        self.next_word = keras.layers.Dense(vocabulary_size, dtype="float32", name="next_word")
        self.seeds = keras.random.SeedGenerator(name="seeds")
        self.sampling_rate = keras.Variable(0.0, trainable=False, name="sampling_rate")

    def look(self, features: Tensor, training: bool | None = None) -> Image:
        """What is needed of pictures, from `(images, locations, channels)`."""
        raise NotImplementedError

    def begin(self, image: Image, captions: int = 1) -> State:
        """The state before the first word of so many sentences an image."""
        raise NotImplementedError

    def advance(
        self, words: Tensor, state: State, image: Image, training: bool | None = None
    ) -> tuple[Tensor, State, Tensor | None]:
        """Reads one word of each sentence.

        Args:
            words: word vectors `(images * k, word_width)`.
            state: before it.
            image: of `look`.
            training: whether to drop units.

        Returns:
            Outputs `(images * k, ...)` that `next_word` takes, the state behind the word, and
            attention `(images * k, locations)` or None.
        """
        raise NotImplementedError

    def read(
        self, words: Tensor, image: Image, training: bool | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Reads whole sentences, step by step unless a subclass knows better.

        Args:
            words: word vectors `(images, captions, time, word_width)`.
            image: of `look`.
            training: whether to drop units.

        Returns:
            Outputs `(images, captions, time, ...)` and attention `(images, captions, time,
            locations)` or None.

        Raises:
            UserError: In a graph, the number of captions or steps is unknown.
        """
        images, captions, time, channels = ops.shape(words)
        if words.shape[1] is None or words.shape[2] is None:
            raise UserError(
                "expected a number of captions and steps that is known when the graph is made, "
                f"received word vectors of shape {tuple(words.shape)}"
            )
        state = self.begin(image, captions)
        rows = ops.reshape(words, (-1, time, channels))
        outputs, maps = [], []
        for step in range(time):
            output, state, attention = self.advance(rows[:, step], state, image, training)
            outputs.append(output)
            maps.append(attention)
        shape = (images, captions, time)
        stacked = ops.stack(outputs, axis=1)
        stacked = ops.reshape(stacked, (*shape, stacked.shape[-1]))
        if maps[0] is None:
            return stacked, None
        attention = ops.stack(maps, axis=1)
        return stacked, ops.reshape(attention, (*shape, attention.shape[-1]))

    def step(self, tokens: Tensor, state: State, image: Image) -> tuple[Tensor, State, Any]:
        """Scores of the next word, as `caption.decoding` asks for them.

        Args:
            tokens: `(images * k,)`, k sentences of each image below each other.
            state: before them.
            image: of `look`.

        Returns:
            Scores `(images * k, vocabulary)`, the state, attention `(images * k, locations)` or
            None.
        """
        output, state, attention = self.advance(self.words(tokens), state, image)
        return self.next_word(output), state, attention

    def call(self, inputs: dict[str, Tensor], training: bool | None = None) -> Tensor:
        """Scores the next word of every caption."""
        tokens = inputs["tokens"]
        image = self.look(inputs["features"], training)
        seen = self._mixed(tokens, image) if self.scheduled and training else tokens
        outputs, attention = self.read(self._vectors(seen, training), image, training)
        outputs = self.drop_outputs(outputs, training=training)
        scores = self.next_word(outputs)
        if training:
            self.regularize(tokens, attention, scores)
        return self.in_part(scores, outputs) if training else scores

    def in_part(self, scores: Tensor, outputs: Tensor) -> Tensor:
        """Scores that a loss may also ask for at some steps alone, which spares the others.

        Args:
            scores: of all steps.
            outputs: that they were made of.
        """
        if self.jit_compile:
            # How many words there are is no shape that XLA could know.
            return scores
        rows = ops.reshape(outputs, (-1, outputs.shape[-1]))
        return defer(scores, lambda places: self.next_word(ops.take(rows, places, axis=0)))

    def attention(self, inputs: dict[str, Tensor]) -> Tensor | None:
        """Where it looks at each step, `(images, captions, time, locations)`, or None."""
        image = self.look(inputs["features"])
        return self.read(self._vectors(inputs["tokens"], False), image)[1]

    def regularize(self, tokens: Tensor, attention: Tensor, scores: Tensor) -> None:
        """Adds losses of its own in training; none by default, and none without attention.

        Args:
            tokens: of the captions, also where the model's own words were read instead.
            attention: of `read`.
            scores: of the next words.
        """

    def _vectors(self, tokens: Tensor, training: bool | None) -> Tensor:
        return self.drop_words(self.words(tokens), training=training)

    def _mixed(self, tokens: Tensor, image: Image) -> Tensor:
        """Captions in which some words are those that the model would have said."""
        outputs, _ = self.read(self._vectors(tokens, False), image)
        said = ops.argmax(self.next_word(outputs), axis=-1)
        said = ops.cast(ops.stop_gradient(said), tokens.dtype)
        said = ops.concatenate([tokens[..., :1], said[..., :-1]], axis=-1)
        draws = keras.random.uniform(ops.shape(tokens), seed=self.seeds)
        # START stays, as nothing was said before it, and so does what stands for nothing.
        kept = (draws >= self.sampling_rate) | (tokens == PAD)
        return ops.where(kept, tokens, said)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {
            "vocabulary_size": self.vocabulary_size,
            "width": self.width,
            "word_width": self.word_width,
            "dropout": self.dropout,
            "scheduled": self.scheduled,
        }
