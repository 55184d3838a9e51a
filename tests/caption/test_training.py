"""Scores of decoded captions in the history."""

from functools import partial

import keras
import numpy as np
import pytest

from caption import decoding, models
from caption.losses import CaptionCrossentropy
from caption.metrics import score
from caption.training import DecodedScores
from caption.vocabulary import Vocabulary
from simlearn.errors import UserError

VOCABULARY = Vocabulary(("a", "dog", "cat", "runs"))  # Numbers 4 to 7.
REFERENCES = [["a dog runs", "A dog."], ["a cat", "a cat runs"], ["dog runs"]]
FEATURES = np.ones((3, 2, 5), np.float16)
# What is said at the end of each epoch: one word, thrice.
SAYS = [5, 7, 4, 6, 5]


class Rote(keras.callbacks.Callback):
    """Makes the model say one word alone, another after each epoch."""

    def __init__(self, captioner):
        super().__init__()
        self.captioner = captioner

    def on_epoch_end(self, epoch, logs=None):
        for weight in self.captioner.trainable_weights:
            weight.assign(np.zeros(weight.shape))
        self.captioner.next_word.bias.assign(9 * np.eye(len(VOCABULARY))[SAYS[epoch]])


def expected(epoch):
    """What the scores are by the function that scores text."""
    word = VOCABULARY.names[SAYS[epoch]]
    corpus = score(REFERENCES, [" ".join([word] * 3)] * 3, metrics=("bleu", "cider_d")).corpus
    return {f"val_{name}": value for name, value in corpus.items()}


def trained(*, model=None, epochs=5, **settings):
    captioner = models.ShowAndTell(len(VOCABULARY), width=3, word_width=2)
    scores = DecodedScores(FEATURES, REFERENCES, VOCABULARY, longest=3, **settings)
    if model is not None:
        scores.captioner = captioner
    inputs = {"features": FEATURES.astype("float32"), "tokens": np.ones((3, 1, 2), "int32")}
    captioner(inputs)
    model = model or captioner
    model.compile(keras.optimizers.SGD(0.0), CaptionCrossentropy(), jit_compile=False)
    data = (inputs, np.full((3, 1, 2), 4)) if model is captioner else (np.ones((3, 1)),) * 2
    if model is not captioner:
        model.compile("sgd", "mse", jit_compile=False)
    return model.fit(
        *data, epochs=epochs, callbacks=[Rote(captioner), scores], verbose=0
    ).history, scores


def test_scores_of_what_is_said_after_each_epoch():
    history, _ = trained()
    names = {"val_bleu_1", "val_bleu_2", "val_bleu_3", "val_bleu_4", "val_cider_d"}
    assert set(history) == names | {"loss"}
    for epoch in range(5):
        for name, value in expected(epoch).items():
            assert history[name][epoch] == pytest.approx(value, abs=1e-9), (epoch, name)
    assert len(set(history["val_bleu_1"])) > 2


def test_the_last_scores_stand_where_none_are_made():
    shown = []
    history, _ = trained(every=2, show=lambda epoch, captions: shown.append((epoch, captions)))
    assert [epoch for epoch, _ in shown] == [0, 2, 4]
    for epoch, captions in shown:
        word = VOCABULARY.names[SAYS[epoch]]
        assert [[one.text for one in of_one] for of_one in captions] == [[" ".join([word] * 3)]] * 3
    assert history["val_bleu_1"] == pytest.approx(
        [expected(epoch)["val_bleu_1"] for epoch in (0, 0, 2, 2, 4)]
    )


def test_another_model_may_be_trained_and_other_decoders_write():
    around = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    decode = partial(decoding.beam_search, beams=2, max_length=3)
    history, _ = trained(model=around, epochs=2, decode=decode, metrics=("cider_d",))
    assert set(history) == {"loss", "val_cider_d"}
    assert history["val_cider_d"] == pytest.approx(
        [expected(epoch)["val_cider_d"] for epoch in (0, 1)]
    )


def test_scores_end_a_training_that_gets_worse():
    captioner = models.ShowAndTell(len(VOCABULARY), width=3, word_width=2)
    scores = DecodedScores(FEATURES, REFERENCES, VOCABULARY, longest=3)
    inputs = {"features": FEATURES.astype("float32"), "tokens": np.ones((3, 1, 2), "int32")}
    captioner.compile(keras.optimizers.SGD(0.0), CaptionCrossentropy(), jit_compile=False)
    early = keras.callbacks.EarlyStopping("val_bleu_1", mode="max", patience=1)
    captioner(inputs)
    history = captioner.fit(
        inputs,
        np.full((3, 1, 2), 4),
        epochs=5,
        callbacks=[Rote(captioner), scores, early],
        verbose=0,
    ).history
    # "dog dog dog" finds a dog in two of three pictures, "runs" in all: then "a" in two.
    assert len(history["loss"]) == 3


def test_every_none_is_refused():
    with pytest.raises(UserError, match="every: expected at least 1 epoch, got 0"):
        DecodedScores(FEATURES, REFERENCES, VOCABULARY, every=0)
