"""Words that pictures show: the loss by hand, and a place that is found from captions alone."""

import keras
import numpy as np
import pytest

from caption.encoder import feature_model
from caption.visual_words import VisualWords, VisualWordsLoss
from simlearn import backbones

RANDOM = np.random.default_rng(5)


def by_hand(tokens, scores):
    """The definition, in float64, word by word."""
    shown = 1 / (1 + np.exp(-scores.astype(np.float64)))
    losses = []
    for captions, image in zip(tokens, shown, strict=True):
        said = {token for caption in captions for token in caption}
        total = 0.0
        for word in range(4, scores.shape[-1]):
            somewhere = 1 - np.prod(1 - image[:, word])
            total -= np.log(somewhere if word in said else 1 - somewhere)
        losses.append(total)
    return np.array(losses)


def test_the_loss_is_the_noisy_or_of_its_definition():
    tokens = np.array([[[1, 5, 7, 2], [5, 2, 0, 0]], [[4, 2, 0, 0], [0, 0, 0, 0]]])
    scores = RANDOM.normal(-1, 2, (2, 3, 11)).astype(np.float32)
    expected = by_hand(tokens, scores)
    loss = VisualWordsLoss(reduction=None)
    np.testing.assert_allclose(loss(tokens, scores), expected, rtol=1e-5)
    np.testing.assert_allclose(VisualWordsLoss()(tokens, scores), expected.mean(), rtol=1e-5)
    np.testing.assert_allclose(
        VisualWordsLoss()(tokens, scores, sample_weight=[1.0, 3.0]),
        (expected * [1, 3]).sum() / 2,
        rtol=1e-5,
    )


@pytest.mark.parametrize("size", [-300.0, 300.0])
def test_sure_scores_leave_value_and_gradient_finite(size):
    import tensorflow as tf

    tokens = np.array([[[4, 2]]])
    scores = tf.fill((1, 2, 6), np.float32(size))
    with tf.GradientTape() as tape:
        tape.watch(scores)
        value = VisualWordsLoss()(tokens, scores)
    gradient = tape.gradient(value, scores)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    # The one that is wrong is told: word 4 where nothing is shown, word 5 where everything is.
    wrong, other = (5, 4) if size > 0 else (4, 5)
    assert np.abs(gradient[0, :, wrong]).min() > 0
    assert np.abs(gradient[0, :, other]).max() < np.abs(gradient[0, :, wrong]).min()


def test_it_finds_where_words_are_from_captions_alone():
    """Each location of a picture holds one of three colours, or nothing; captions name them."""
    keras.utils.set_random_seed(1)
    colours = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]], np.float32)
    places = RANDOM.choice(4, (256, 6), p=[0.7, 0.1, 0.1, 0.1])
    pixels = colours[places].reshape(256, 2, 3, 3)
    tokens = np.where(places, places + 3, 0)[:, None]
    inputs = keras.Input((2, 3, 3))
    seen = keras.layers.Conv2D(16, 1, activation="relu")(inputs / 255.0)
    words = VisualWords(feature_model(keras.Model(inputs, seen), trainable=True), 7)
    words.compile(keras.optimizers.Adam(0.03), VisualWordsLoss())
    words.fit({"features": pixels}, tokens, epochs=40, batch_size=32, verbose=0)
    shown = np.asarray(keras.ops.sigmoid(words({"features": pixels})))[..., 4:]
    np.testing.assert_array_equal(shown > 0.5, places[..., None] == np.arange(1, 4))


def test_it_is_saved_whole(tmp_path):
    words = VisualWords(feature_model(backbones.conv4((32, 48, 3), pooling=None)), 9)
    pixels = RANDOM.uniform(0, 255, (2, 32, 48, 3)).astype(np.float32)
    expected = np.asarray(words({"features": pixels}))
    words.compile("sgd", VisualWordsLoss())
    words.save(tmp_path / "words.keras")
    again = keras.models.load_model(tmp_path / "words.keras")
    np.testing.assert_array_equal(again({"features": pixels}), expected)
