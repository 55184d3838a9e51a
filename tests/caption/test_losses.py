"""Cross-entropy of captions: derivations, a loop, Keras' own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from caption._deferred import defer
from caption.losses import CaptionCrossentropy, caption_crossentropy
from simlearn.errors import UserError

TARGETS = np.array([[[5, 3, 2, 0], [2, 0, 0, 0]], [[4, 2, 0, 0], [0, 0, 0, 0]], [[6, 6, 6, 6]] * 2])
WORDS = 3 + 1 + 2 + 4 + 4
SCORES = np.random.default_rng(1).normal(size=(3, 2, 4, 7)).astype("float32") * 2


def loop(smoothing):
    """`-(1 - s) log p_y - s / V sum_w log p_w` of each word, in float64."""
    terms = np.zeros(TARGETS.shape)
    for place in np.ndindex(TARGETS.shape):
        if TARGETS[place] == 0:
            continue
        shares = np.exp(SCORES[place].astype("float64"))
        logs = np.log(shares / shares.sum())
        terms[place] = -(1 - smoothing) * logs[TARGETS[place]] - smoothing * logs.sum() / 7
    return terms


@pytest.mark.parametrize("smoothing", [0.0, 0.13])
def test_terms_are_those_of_a_loop(smoothing):
    terms = caption_crossentropy(TARGETS, SCORES, label_smoothing=smoothing)
    np.testing.assert_allclose(terms, loop(smoothing), rtol=1e-5)
    mean = CaptionCrossentropy(label_smoothing=smoothing)(TARGETS, SCORES)
    assert float(mean) == pytest.approx(loop(smoothing).sum() / WORDS, rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.13])
def test_keras_says_the_same_of_real_words(smoothing):
    real = TARGETS != 0
    theirs = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
    expected = theirs(np.eye(7)[TARGETS[real]], SCORES[real])
    mean = CaptionCrossentropy(label_smoothing=smoothing)(TARGETS, SCORES)
    assert float(mean) == pytest.approx(float(expected), rel=1e-5)


def test_captions_weigh_by_their_length():
    # Even scores: log 7 a word, however many there are.
    assert float(CaptionCrossentropy()(TARGETS, np.zeros_like(SCORES))) == pytest.approx(np.log(7))


@pytest.mark.parametrize("axes", [1, 2, 3], ids=["image", "caption", "word"])
def test_weights_multiply_terms_and_not_the_words(axes):
    weights = np.random.default_rng(2).normal(size=TARGETS.shape[:axes])  # Rewards: some below 0.
    wide = weights.reshape(*weights.shape, *(1,) * (3 - axes))
    found = CaptionCrossentropy()(TARGETS, SCORES, sample_weight=weights)
    assert float(found) == pytest.approx((loop(0.0) * wide).sum() / WORDS, rel=1e-4)


@pytest.mark.parametrize("axes", [0, 1, 2, 3], ids=["none", "image", "caption", "word"])
def test_scores_that_can_be_had_in_part_are_asked_for_at_words_alone(axes):
    weights = np.random.default_rng(2).normal(size=TARGETS.shape[:axes]) if axes else None
    wide = weights.reshape(*weights.shape, *(1,) * (3 - axes)) if axes else 1.0
    asked = []

    def scores_at(places):
        asked.append(np.asarray(places))
        return tf.gather(SCORES.reshape(-1, 7), places)

    # Of the whole, which is no number, nothing is read.
    whole = defer(tf.fill(SCORES.shape, np.float32("nan")), scores_at)
    loss = CaptionCrossentropy(label_smoothing=0.13)
    found = loss(TARGETS, whole, sample_weight=weights)
    assert float(found) == pytest.approx((loop(0.13) * wide).sum() / WORDS, rel=1e-4)
    (places,) = asked
    assert places.tolist() == np.flatnonzero(TARGETS).tolist()


@pytest.mark.parametrize("shape", [(2,), (3, 3), (1, 2, 4, 1), (3, 1)])
def test_weights_of_something_else_are_refused(shape):
    with pytest.raises(
        UserError, match=r"for each image, caption or word of \(3, 2, 4\), received"
    ):
        CaptionCrossentropy()(TARGETS, SCORES, sample_weight=np.ones(shape))


def test_weights_go_through_fit():
    model = keras.Sequential([keras.Input((2, 4, 7)), keras.layers.Activation("linear")])
    model.compile("sgd", CaptionCrossentropy(), jit_compile=False)
    weights = np.array([0.0, 3.0, 0.0])
    found = model.evaluate(SCORES, TARGETS, sample_weight=weights, verbose=0)
    assert found == pytest.approx(3 * loop(0.0)[1].sum() / WORDS, rel=1e-5)


def test_what_stands_for_nothing_has_no_gradient():
    scores = tf.constant(SCORES)
    with tf.GradientTape() as tape:
        tape.watch(scores)
        loss = CaptionCrossentropy(label_smoothing=0.1)(TARGETS, scores)
    gradient = np.asarray(tape.gradient(loss, scores))
    assert not gradient[TARGETS == 0].any()
    assert (np.abs(gradient[TARGETS != 0]).max(axis=-1) > 0).all()
    # Softmax less the smoothed target, which sums to 0.
    np.testing.assert_allclose(gradient.sum(axis=-1), 0, atol=1e-7)


def test_a_batch_without_words_is_worth_nothing():
    scores = tf.constant(SCORES)
    with tf.GradientTape() as tape:
        tape.watch(scores)
        loss = CaptionCrossentropy()(np.zeros_like(TARGETS), scores)
    assert float(loss) == 0.0
    assert not np.any(tape.gradient(loss, scores))


def test_half_precision_is_computed_in_single():
    narrow = SCORES.astype("float16")
    terms = caption_crossentropy(TARGETS, narrow)
    assert terms.dtype == "float32"
    np.testing.assert_allclose(terms, caption_crossentropy(TARGETS, narrow.astype("float32")))


def test_words_far_up_in_the_vocabulary_stay_apart():
    # In float16, 2049 is 2048.
    scores = np.zeros((1, 1, 1, 2051), "float32")
    scores[..., 2049] = 20.0
    words = np.array([[[2049]]])
    assert float(CaptionCrossentropy()(words, scores)) < 1e-4
    assert float(CaptionCrossentropy()(words - 1, scores)) > 19


def test_its_config_makes_another_like_it():
    loss = CaptionCrossentropy(label_smoothing=0.2, name="told")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert again.get_config() == loss.get_config()
    assert (again.label_smoothing, again.name) == (0.2, "told")


@pytest.mark.parametrize("smoothing", [-0.1, 1.0])
def test_smoothing_out_of_range_is_refused(smoothing):
    with pytest.raises(UserError, match=rf"label_smoothing: expected .*\[0, 1\), got {smoothing}"):
        CaptionCrossentropy(label_smoothing=smoothing)
