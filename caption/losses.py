"""Cross-entropy of captions, which does not count what stands for nothing."""

from typing import Any

import keras
from keras import ops

from caption._deferred import deferred
from caption.vocabulary import PAD
from simlearn._numerics import at_least_float32
from simlearn._typing import Tensor
from simlearn.errors import UserError


def caption_crossentropy(
    targets: Tensor, scores: Tensor, *, label_smoothing: float = 0.0
) -> Tensor:
    r"""Negative log likelihood of each next word, 0 where the target is PAD.

    With smoothing s the target's share is `1 - s`, and each of the V words gets `s / V`:
    `-(1 - s) log p_y - s / V sum_w log p_w`.

    Args:
        targets: `(..., time)` token numbers.
        scores: `(..., time, vocabulary)` before the softmax.
        label_smoothing: s, in `[0, 1)`.

    Returns:
        `(..., time)`, in nats, computed in float32 at least.

    Examples:
        >>> import numpy as np
        >>> targets, scores = np.array([3, 2, 0]), np.zeros((3, 8), "float32")
        >>> np.round(caption_crossentropy(targets, scores), 3)  # log 8, twice
        array([2.079, 2.079, 0.   ], dtype=float32)

    Reference:
        Label smoothing: Szegedy et al. 2016, "Rethinking the Inception Architecture", section 7.
    """
    scores = at_least_float32(scores)
    real = targets != PAD
    words = ops.cast(targets, "int32")[..., None]
    total = ops.logsumexp(scores, axis=-1)
    likely = ops.take_along_axis(scores, words, axis=-1)[..., 0] - total
    if label_smoothing:
        even = ops.mean(scores, axis=-1) - total
        likely = (1 - label_smoothing) * likely + label_smoothing * even
    return ops.where(real, -likely, 0.0)


@keras.saving.register_keras_serializable(package="caption")
class CaptionCrossentropy(keras.losses.Loss):
    """Mean over the words of a batch of `caption_crossentropy`; captions weigh by their length.

    Sample weights, one for each image, caption or word, multiply the terms, and not the number of
    words that they are divided by: a reward can be such a weight.

    Args:
        label_smoothing: in `[0, 1)`.

    Raises:
        UserError: it lies elsewhere; called, if weights are of another shape than `(images,)`,
            `(images, captions)` or that of the targets.

    Examples:
        >>> import numpy as np
        >>> targets, scores = np.array([[[3, 2, 0]]]), np.zeros((1, 1, 3, 8), "float32")
        >>> loss = CaptionCrossentropy(label_smoothing=0.1)
        >>> round(float(loss(targets, scores)), 3)
        2.079
    """

    def __init__(
        self, *, label_smoothing: float = 0.0, name: str = "caption_crossentropy", **kwargs: Any
    ) -> None:
        if not 0 <= label_smoothing < 1:
            raise UserError(f"label_smoothing: expected a number in [0, 1), got {label_smoothing}")
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing

    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Any:
        """The mean, with integer targets left as they are."""
        targets = ops.convert_to_tensor(y_true)
        terms, places = self._terms(targets, y_pred)
        words = ops.sum(ops.cast(targets != PAD, terms.dtype))
        if sample_weight is not None:
            weights = _for_each_word(ops.cast(sample_weight, terms.dtype), targets)
            if places is not None:
                weights = _flat(ops.broadcast_to(weights, ops.shape(targets)), places)
            terms = terms * weights
        return ops.sum(terms) / ops.maximum(words, 1.0)

    def _terms(self, targets: Tensor, scores: Tensor) -> tuple[Tensor, Tensor | None]:
        """All terms; or those of words alone, and where they are."""
        scores_at = deferred(scores)
        if scores_at is None:
            return self.call(targets, scores), None
        places = ops.nonzero(ops.reshape(targets != PAD, (-1,)))[0]
        return self.call(_flat(targets, places), scores_at(places)), places

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The terms, one a word."""
        return caption_crossentropy(y_true, y_pred, label_smoothing=self.label_smoothing)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"label_smoothing": self.label_smoothing}


def _flat(values: Tensor, places: Tensor) -> Tensor:
    return ops.take(ops.reshape(values, (-1,)), places)


def _for_each_word(weights: Tensor, targets: Tensor) -> Tensor:
    """Weights of images or captions with axes for what they stand for."""
    known = tuple(targets.shape)[: len(weights.shape)]
    fits = zip(weights.shape, known, strict=False)
    if len(weights.shape) > len(targets.shape) or any(None not in p and p[0] != p[1] for p in fits):
        raise UserError(
            f"expected sample_weight for each image, caption or word of {tuple(targets.shape)}, "
            f"received shape {tuple(weights.shape)}"
        )
    missing = len(targets.shape) - len(weights.shape)
    return ops.reshape(weights, (*ops.shape(weights), *(1,) * missing))
