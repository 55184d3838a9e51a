"""All captioners, small, and pictures with captions for them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from caption import models
from caption.models import Captioner

IMAGES, CAPTIONS, TIME, LOCATIONS, CHANNELS = 3, 2, 5, 7, 11
VOCABULARY, WIDTH, WORD_WIDTH = 13, 17, 19


@dataclass(frozen=True)
class Row:
    """A captioner.

    Attributes:
        captioner: the class.
        attends: it has maps.
        leaks: attention that goes elsewhere than to locations.
        draws: in training by itself, dropout or not.
        batches: in training it standardises by the batch.
        adds: losses of its own.
        settings: a value away from its default for every argument that only it has.
    """

    captioner: type[Captioner]
    attends: bool
    leaks: bool = False
    draws: bool = False
    batches: bool = False
    adds: bool = False
    settings: tuple[tuple[str, Any], ...] = ()

    def make(self, **changes):
        """Without dropout by default, built, with weights and biases that are nobody's default."""
        sizes = {"width": WIDTH, "word_width": WORD_WIDTH, "dropout": 0.0}
        model = self.captioner(VOCABULARY, **{**sizes, **dict(self.settings), **changes})
        model(batch())
        draw = np.random.default_rng(5)
        for weight in model.trainable_weights:
            weight.assign(draw.normal(scale=0.4, size=weight.shape))
        if self.batches:
            # As if all of training had been the batch of this table: it is then seen alike after.
            means = features().mean(axis=1)
            model.standardize.moving_mean.assign(means.mean(axis=0))
            model.standardize.moving_variance.assign(means.var(axis=0))
        return model


_ATTENDS = ("attention_width", 3)

TABLE = (
    Row(models.ShowAndTell, attends=False, batches=True),
    Row(models.LRCN, attends=False, batches=True),
    Row(models.MultimodalRNN, attends=False, batches=True),
    Row(models.SoftAttention, attends=True, adds=True, settings=(_ATTENDS, ("penalty", 0.7))),
    Row(
        models.HardAttention,
        attends=True,
        draws=True,
        adds=True,
        settings=(_ATTENDS, ("penalty", 0.3), ("reward_weight", 0.6), ("entropy_weight", 0.05)),
    ),
    Row(models.SpatialAttention, attends=True, settings=(_ATTENDS,)),
    Row(models.AdaptiveAttention, attends=True, leaks=True, settings=(_ATTENDS,)),
)

_TOKENS = [
    [[1, 5, 9, 4, 12], [1, 7, 0, 0, 0]],
    [[1, 3, 8, 8, 0], [1, 0, 0, 0, 0]],
    [[1, 10, 6, 0, 0], [1, 4, 11, 5, 7]],
]
_TARGETS = [
    [[5, 9, 4, 12, 2], [7, 2, 0, 0, 0]],
    [[3, 8, 8, 2, 0], [2, 0, 0, 0, 0]],
    [[10, 6, 2, 0, 0], [4, 11, 5, 7, 2]],
]


def features(seed=7, images=IMAGES):
    """Half precision, as files hold it, in float32."""
    drawn = np.random.default_rng(seed).normal(size=(images, LOCATIONS, CHANNELS))
    return drawn.astype("float16").astype("float32")


def batch():
    """Captions of different lengths, one without a word."""
    return {"features": features(), "tokens": np.array(_TOKENS, "int32")}


def targets():
    return np.array(_TARGETS, "int32")


def with_nothing(inputs, targets):
    """One more caption for each image, which is no caption."""
    nothing = [[0, 0], [0, 1], [0, 0]]
    return {**inputs, "tokens": np.pad(inputs["tokens"], nothing)}, np.pad(targets, nothing)
