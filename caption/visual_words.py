"""Which words a picture shows, and where: learned from captions alone, to give an encoder a start.

Captions say little of what is where, and a captioner in front of an encoder that knows nothing
learns to see slowly. A word that a caption has is somewhere in the picture; that is enough to
teach the encoder what to tell apart.
"""

from typing import Any, Final

import keras
from keras import ops

from caption.vocabulary import UNKNOWN
from simlearn._numerics import at_least_float32
from simlearn._typing import Tensor

register = keras.saving.register_keras_serializable(package="caption")

_RARE: Final = -5.0
"""At first a location shows a word with the probability of 0.7 %."""


@register
class VisualWords(keras.Model):
    """Scores for every word at every location of a picture.

    Takes the batches that captioners take; train it with `VisualWordsLoss`, then put a captioner
    behind the same encoder.

    Args:
        encoder: from pixels (0..255) `(images, height, width, channels)` to `(images, locations,
            channels)`, as `caption.encoder.feature_model` gives it, trainable.
        vocabulary_size: number of tokens, the four special ones included.

    Call arguments:
        inputs: `features` are the pictures.

    Call returns:
        `(images, locations, vocabulary)`; the sigmoid is the probability that the location shows
        the word.

    Examples:
        >>> from caption.encoder import feature_model
        >>> from simlearn.backbones import conv4
        >>> words = VisualWords(feature_model(conv4((32, 48, 3), pooling=None)), 9)
        >>> words({"features": ops.zeros((2, 32, 48, 3))}).shape
        TensorShape([2, 6, 9])

    Reference:
        Fang et al. 2015, "From Captions to Visual Concepts and Back", section 3, there with image
        regions for locations.
    """

    def __init__(self, encoder: keras.Model, vocabulary_size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.encoder = encoder
        self.vocabulary_size = vocabulary_size
        self.scores = keras.layers.Dense(
            vocabulary_size,
            bias_initializer=keras.initializers.Constant(_RARE),
            dtype="float32",
            name="scores",
        )

    def call(self, inputs: dict[str, Tensor], training: bool | None = None) -> Tensor:
        """Scores of all words."""
        return self.scores(self.encoder(inputs["features"], training=training))

    def get_config(self) -> dict[str, Any]:
        """Both arguments."""
        encoder = keras.saving.serialize_keras_object(self.encoder)
        return super().get_config() | {
            "encoder": encoder,
            "vocabulary_size": self.vocabulary_size,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "VisualWords":
        """Makes the encoder anew."""
        config["encoder"] = keras.saving.deserialize_keras_object(config["encoder"])
        return cls(**config)


@register
class VisualWordsLoss(keras.losses.Loss):
    r"""Cross-entropy of the words that some caption of a picture has, by a noisy or over locations.

    `p_w = 1 - prod_l (1 - sigmoid(z_lw))`, and for each picture `-sum_w y_w log p_w +
    (1 - y_w) log(1 - p_w)` with y_w = 1 for the words of any of its captions. Special tokens do not
    count. Computed from `log(1 - p_w) = -sum_l softplus(z_lw)`, finite for any scores.

    Call arguments:
        y_true: tokens of the captions, `(images, captions, time)`.
        y_pred: `(images, locations, vocabulary)`.

    Call returns:
        `(images,)`, in nats.

    Examples:
        >>> import numpy as np
        >>> scores = np.zeros((1, 2, 6), "float32")  # Either word is shown by 3 in 4.
        >>> round(float(VisualWordsLoss()(np.array([[[5, 2, 0]]]), scores)), 3)
        1.674

    Reference:
        Fang et al. 2015, equation 1.
    """

    def __init__(self, *, name: str = "visual_words", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Any:
        """The mean, with integer targets left as they are."""
        return super().__call__(ops.cast(y_true, "int32"), y_pred, sample_weight)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The sum over words of each picture."""
        scores = at_least_float32(y_pred)
        absent = -ops.sum(ops.softplus(scores), axis=1)
        # Of small probabilities the sum is as exact, and does not round to 0.
        rare = absent > -1e-6
        present = ops.where(
            rare,
            ops.logsumexp(ops.log_sigmoid(scores), axis=1),
            ops.log(-ops.expm1(ops.where(rare, -1.0, absent))),
        )
        said = ops.one_hot(ops.cast(y_true, "int32"), y_pred.shape[-1], dtype=scores.dtype)
        said = ops.max(said, axis=(1, 2))
        terms = said * present + (1 - said) * absent
        return -ops.sum(terms[:, UNKNOWN + 1 :], axis=-1)
