"""The LSTM: against Keras' own, a loop, and itself by steps."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from caption import recurrence
from caption.recurrence import LSTM

ROWS, TIME, CHANNELS, UNITS = 3, 5, 7, 11


def sentences(time=TIME, seed=1):
    return np.random.default_rng(seed).normal(size=(ROWS, time, CHANNELS)).astype("float32")


def state(seed=2):
    """Neither zeros nor the same in every row."""
    values = np.random.default_rng(seed).normal(size=(2, ROWS, UNITS)).astype("float32")
    return tuple(values)


@pytest.fixture
def lstm():
    """With weights, biases too, that are nobody's default."""
    layer = LSTM(UNITS)
    layer(sentences())
    draw = np.random.default_rng(3)
    for weight in layer.weights:
        weight.assign(draw.normal(scale=0.6, size=weight.shape))
    return layer


def in_keras_order(weights):
    """Keras orders the gates i, f, g, o; here the three sigmoids come first: i, f, o, g."""
    into, kept, out, new = np.split(np.asarray(weights), 4, axis=-1)
    return np.concatenate([into, kept, new, out], axis=-1)


def loop(layer, inputs, hidden, cells):
    """The equations of the docstring, a row and a step at a time, in float64."""
    kernel, recurrent, bias = (np.asarray(w, "float64") for w in layer.weights)

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    all_hidden, all_cells = np.zeros((2, *inputs.shape[:2], UNITS))
    for row in range(len(inputs)):
        h, c = hidden[row].astype("float64"), cells[row].astype("float64")
        for time in range(inputs.shape[1]):
            i, f, o, g = np.split(inputs[row, time] @ kernel + h @ recurrent + bias, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            all_hidden[row, time], all_cells[row, time] = h, c
    return all_hidden, all_cells


@pytest.mark.parametrize("begins", [None, state()], ids=["from zeros", "from a state"])
def test_keras_says_the_same(lstm, begins):
    theirs = keras.layers.LSTM(UNITS, return_sequences=True, return_state=True)
    theirs.build((None, TIME, CHANNELS))
    theirs.set_weights([in_keras_order(weight) for weight in lstm.weights])
    expected, last, last_cells = theirs(sentences(), initial_state=begins)
    hidden, cells = lstm(sentences(), begins)
    np.testing.assert_allclose(hidden, expected, atol=2e-6)
    np.testing.assert_allclose(hidden[:, -1], last, atol=2e-6)
    np.testing.assert_allclose(cells[:, -1], last_cells, atol=2e-6)


def test_cells_of_all_steps_are_those_of_a_loop(lstm):
    hidden, cells = lstm(sentences(), state())
    expected = loop(lstm, sentences(), *state())
    np.testing.assert_allclose(hidden, expected[0], atol=2e-6)
    np.testing.assert_allclose(cells, expected[1], atol=2e-6)


def test_word_by_word_is_the_whole_sentence(lstm):
    hidden, cells = lstm(sentences(), state())
    before = state()
    for time in range(TIME):
        before = lstm.step(sentences()[:, time], before)
        np.testing.assert_allclose(before[0], hidden[:, time], atol=2e-6)
        np.testing.assert_allclose(before[1], cells[:, time], atol=2e-6)


def test_parts_of_the_inputs_can_be_projected_apart(lstm):
    first, last = sentences()[..., :2], sentences()[:, 0, 2:]
    repeated = np.broadcast_to(last[:, None], (ROWS, TIME, CHANNELS - 2))
    expected = lstm(np.concatenate([first, repeated], axis=-1), state())
    projected = lstm.project_first(first) + lstm.project_last(last)[:, None]
    for one, other in zip(lstm.read(projected, state()), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-6)


def test_sentences_too_long_to_unroll_are_scanned(lstm, monkeypatch):
    unrolled = lstm(sentences(), state())
    monkeypatch.setattr(recurrence, "_LONGEST_UNROLLED", TIME - 1)
    calls = []
    scan = recurrence.ops.scan
    monkeypatch.setattr(recurrence.ops, "scan", lambda *a, **k: calls.append(1) or scan(*a, **k))
    for one, other in zip(lstm(sentences(), state()), unrolled, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert calls
    monkeypatch.setattr(recurrence, "_LONGEST_UNROLLED", TIME)
    lstm(sentences(), state())
    assert len(calls) == 1


def test_a_sentence_longer_than_any_that_is_unrolled(lstm):
    time = recurrence._LONGEST_UNROLLED + 5
    hidden, cells = lstm(sentences(time))
    expected = loop(lstm, sentences(time), *np.zeros((2, ROWS, UNITS)))
    np.testing.assert_allclose(hidden, expected[0], atol=1e-5)
    np.testing.assert_allclose(cells, expected[1], atol=1e-5)


def test_numbers_of_rows_and_steps_may_be_unknown(lstm):
    spec = tf.TensorSpec([None, None, CHANNELS])
    traced = tf.function(lstm.call, input_signature=[spec], autograph=False)
    for time in (TIME, 2):
        for one, other in zip(traced(sentences(time)), lstm(sentences(time)), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_scan_has_the_gradient_of_the_unrolled_steps(lstm, monkeypatch):
    def gradients():
        with tf.GradientTape() as tape:
            hidden, cells = lstm(sentences(), state())
            loss = tf.reduce_sum(hidden**2) + tf.reduce_sum(cells[:, 2])
        return tape.gradient(loss, lstm.trainable_variables)

    unrolled = gradients()
    monkeypatch.setattr(recurrence, "_LONGEST_UNROLLED", 0)
    for one, other in zip(gradients(), unrolled, strict=True):
        assert np.abs(other).max() > 0.1
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_it_begins_remembering():
    layer = LSTM(2)
    layer.step(np.zeros((1, 3), "float32"), layer.zeros(1))
    # i, f, o, g of two units each; the forget gate's bias is 1, others are 0.
    assert np.asarray(layer.bias).tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
    theirs = keras.layers.LSTM(2)
    theirs.build((None, None, 3))
    assert in_keras_order(layer.bias).tolist() == np.asarray(theirs.weights[2]).tolist()


def test_its_config_makes_another_like_it():
    layer = LSTM(
        UNITS,
        kernel_initializer=keras.initializers.Constant(0.25),
        recurrent_initializer="zeros",
        name="reader",
    )
    packed = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(packed)
    assert again.get_config() == layer.get_config()
    assert (again.name, again.units) == ("reader", UNITS)
    for one, other in zip(again(sentences()), layer(sentences()), strict=True):
        np.testing.assert_array_equal(one, other)
    assert np.unique(again.kernel).tolist() == [0.25]
    assert not np.any(again.recurrent_kernel)
