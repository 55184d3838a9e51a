"""Scores that are made where they are asked for, since much of a batch of captions is padding.

A captioner in training gives the scores of all steps, and with them the function that makes them
at chosen places alone. A loss that asks for those leaves the whole unread, and a graph computes
nothing that is not read: four tenths of the products of a batch of captions fall away.
"""

from collections.abc import Callable

import keras

from simlearn._typing import Tensor

ScoresAt = Callable[[Tensor], Tensor]
"""From places `(n,)` among the steps of all captions, flat, to scores `(n, vocabulary)`."""

# On the tensor itself, as Keras keeps a mask, so that it goes where the scores go.
_NAME = "_caption_scores_at"


def defer(scores: Tensor, scores_at: ScoresAt) -> Tensor:
    """Scores `(..., vocabulary)` that can also be had in part.

    In TensorFlow alone: how many places are asked for depends on the captions, and elsewhere a
    graph wants all its shapes known.
    """
    if keras.backend.backend() == "tensorflow":
        setattr(scores, _NAME, scores_at)
    return scores


def deferred(scores: Tensor) -> ScoresAt | None:
    """What makes them in part, if it can be had."""
    return getattr(scores, _NAME, None)
