"""Attention over the locations of a picture, for many queries at once.

A picture is looked at once for all its captions: `locations` and what is projected from them have
one row an image, queries have `(images, queries, width)`, whether the queries are the beams of one
step or all words of five captions.
"""

from typing import Any

import keras
from keras import ops

from simlearn._typing import Tensor


@keras.saving.register_keras_serializable(package="caption")
class AdditiveAttention(keras.layers.Layer):
    r"""Scores of a small network: `z_l = w . tanh(W_v v_l + W_g g)`.

    Args:
        width: of the hidden layer.

    Call arguments:
        keys: what `look` made of the locations, `(images, locations, width)`.
        queries: `(images, queries, channels)`.

    Call returns:
        Scores before the softmax, `(images, queries, locations)`.

    Reference:
        Bahdanau et al. 2015, "Neural Machine Translation by Jointly Learning to Align and
        Translate", section A.1.2; Xu et al. 2015, "Show, Attend and Tell", equation 4; Lu et al.
        2017, "Knowing When to Look", equation 6.
    """

    def __init__(self, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.width = width
        self._look = keras.layers.Dense(width, use_bias=False, name="look")
        self._ask = keras.layers.Dense(width, name="ask")
        self._score = keras.layers.Dense(1, use_bias=False, name="score")

    def look(self, locations: Tensor) -> Tensor:
        """Keys of a picture's locations, `(images, locations, width)`; once a picture."""
        return self._look(locations)

    def call(self, keys: Tensor, queries: Tensor) -> Tensor:
        """Scores every location for every query."""
        asked = self._ask(queries)
        return self.score(keys[:, None] + asked[:, :, None])

    def score(self, summed: Tensor) -> Tensor:
        """Scores of sums of key and query, `(..., width)` to `(...)`."""
        return ops.squeeze(self._score(ops.tanh(summed)), axis=-1)

    def ask(self, queries: Tensor) -> Tensor:
        """What a query adds to the keys, `(..., width)`."""
        return self._ask(queries)

    def build(self, keys_shape: tuple[int, ...], queries_shape: tuple[int, ...]) -> None:
        """Makes the weights."""
        if not self._ask.built:
            self._ask.build(queries_shape)
        if not self._score.built:
            self._score.build((*queries_shape[:-1], self.width))

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"width": self.width}


def attend(weights: Tensor, locations: Tensor) -> Tensor:
    """Means of the locations under attention weights.

    Args:
        weights: `(images, queries, locations)`, each row summing to one at most.
        locations: `(images, locations, channels)`.

    Returns:
        `(images, queries, channels)`.
    """
    return ops.matmul(weights, locations)


def grouped(rows: Tensor, images: int | Tensor) -> Tensor:
    """Rows of images put below each other, `(images * k, ...)`, as `(images, k, ...)`."""
    return ops.reshape(rows, (images, -1, *rows.shape[1:]))


def ungrouped(values: Tensor) -> Tensor:
    """The reverse of `grouped`."""
    return ops.reshape(values, (-1, *values.shape[2:]))
