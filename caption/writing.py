"""Captions of pictures: a captioner, a decoder and a vocabulary put together."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from caption import decoding
from caption.batches import Features
from caption.models import Captioner
from caption.vocabulary import END, PAD, Vocabulary
from simlearn._typing import Tensor

Decoder = Callable[..., decoding.Decoded]
"""From step, state and the keyword `images` to captions: one of `caption.decoding`."""


@dataclass(frozen=True)
class Written:
    """A caption of a picture.

    Attributes:
        words: of the caption.
        score: as the decoder ranks it.
        attention: `(len(words), locations)` where the captioner looked at each word, or None.
    """

    words: tuple[str, ...]
    score: float
    attention: NDArray[np.float32] | None

    @property
    def text(self) -> str:
        """The words with spaces between them."""
        return " ".join(self.words)


def speaker(captioner: Captioner, features: Tensor) -> tuple[Any, Any]:
    """Step and first state of sentences on pictures, as `caption.decoding` takes them.

    What was computed of the pictures stays out of the state, so that beams neither repeat nor move
    it.

    Args:
        captioner: built.
        features: `(images, locations, channels)`.
    """
    image = captioner.look(ops.cast(features, "float32"), training=False)
    return partial(captioner.step, image=image), captioner.begin(image)


class Writer:
    """Writes captions of pictures, many at a time.

    Args:
        captioner: built, or several, whose probabilities are averaged.
        vocabulary: of its tokens.
        decode: by default a beam search of width 3 over 20 words.
        batch_size: pictures at a time.

    Examples:
        >>> from caption.models import ShowAndTell
        >>> vocabulary = Vocabulary(("a", "dog"))
        >>> writer = Writer(ShowAndTell(len(vocabulary), width=8), vocabulary)
        >>> captions = writer(np.zeros((2, 9, 5), np.float16))
        >>> len(captions), len(captions[0])
        (2, 1)
    """

    def __init__(
        self,
        captioner: Captioner | list[Captioner],
        vocabulary: Vocabulary,
        *,
        decode: Decoder | None = None,
        batch_size: int = 64,
    ) -> None:
        import tensorflow as tf

        self._captioners = captioner if isinstance(captioner, list) else [captioner]
        self._vocabulary = vocabulary
        self._decode = decode or partial(decoding.beam_search, beams=3, max_length=20)
        self._batch_size = batch_size
        self._run = tf.function(self._decoded, reduce_retracing=True)

    def __call__(self, features: Features) -> list[list[Written]]:
        """The captions of each picture, the best first.

        Args:
            features: of the pictures, `(locations, channels)` each.
        """
        found: list[list[Written]] = []
        for start in range(0, len(features), self._batch_size):
            rows = np.arange(start, min(start + self._batch_size, len(features)))
            decoded = self._run(ops.convert_to_tensor(np.asarray(features[rows], np.float32)))
            found.extend(self._written(decoded))
        return found

    def _decoded(self, features: Tensor) -> decoding.Decoded:
        spoken = [speaker(one, features) for one in self._captioners]
        images = ops.shape(features)[0]
        if len(spoken) == 1:
            return self._decode(*spoken[0], images=images)
        steps, states = zip(*spoken, strict=True)
        return self._decode(decoding.ensemble(steps), states, images=images)

    def _written(self, decoded: decoding.Decoded) -> Iterator[list[Written]]:
        tokens, scores = np.asarray(decoded.tokens), np.asarray(decoded.scores)
        maps = None if decoded.attention is None else np.asarray(decoded.attention)
        for image, captions in enumerate(tokens):
            written = []
            for place, caption in enumerate(captions):
                words = self._vocabulary.decode(caption)
                length = int(((caption != END) & (caption != PAD)).sum())
                looked = None if maps is None else maps[image, place, :length]
                written.append(Written(tuple(words), float(scores[image, place]), looked))
            yield written
