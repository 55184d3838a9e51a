"""An encoder that learns with the captioner behind it."""

from typing import Any

import keras

from caption.models._base import Captioner, Image, State
from simlearn._typing import Tensor

register = keras.saving.register_keras_serializable(package="caption")


@register
class FineTuned(keras.Model):
    """An encoder in front of a captioner, trained together; pictures stand where features stood.

    It speaks as its captioner does, so that everything that takes a captioner and features takes
    this one and pictures.

    Args:
        encoder: from pixels (0..255) `(images, height, width, channels)` to `(images, locations,
            channels)`, as `caption.encoder.feature_model` gives it, trainable or not.
        captioner: any.

    Call arguments:
        inputs: as of `Captioner`, with pictures for `features`.
        training: whether to drop units, and to normalise by the batch.

    Call returns:
        Scores of the next word, `(images, captions, time, vocabulary)`.
    """

    def __init__(self, encoder: keras.Model, captioner: Captioner, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.encoder = encoder
        self.captioner = captioner

    @property
    def attends(self) -> bool:
        """Whether the captioner has maps to show."""
        return self.captioner.attends

    @property
    def vocabulary_size(self) -> int:
        """Number of tokens."""
        return self.captioner.vocabulary_size

    def look(self, features: Tensor, training: bool | None = None) -> Image:
        """What is needed of pictures."""
        return self.captioner.look(self.encoder(features, training=training), training)

    def begin(self, image: Image, captions: int = 1) -> State:
        """As the captioner."""
        return self.captioner.begin(image, captions)

    def step(self, tokens: Tensor, state: State, image: Image) -> tuple[Tensor, State, Any]:
        """As the captioner."""
        return self.captioner.step(tokens, state, image)

    def call(self, inputs: dict[str, Tensor], training: bool | None = None) -> Tensor:
        """Encodes the pictures once for all their captions."""
        return self.captioner(self._seen(inputs, training), training=training)

    def attention(self, inputs: dict[str, Tensor]) -> Tensor | None:
        """Where it looks at each step, or None."""
        return self.captioner.attention(self._seen(inputs, False))

    def _seen(self, inputs: dict[str, Tensor], training: bool | None) -> dict[str, Tensor]:
        features = self.encoder(inputs["features"], training=training)
        return {"features": features, "tokens": inputs["tokens"]}

    def get_config(self) -> dict[str, Any]:
        """Both models."""
        return super().get_config() | {
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "captioner": keras.saving.serialize_keras_object(self.captioner),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "FineTuned":
        """Makes both models anew."""
        for name in ("encoder", "captioner"):
            config[name] = keras.saving.deserialize_keras_object(config[name])
        return cls(**config)
