"""Single captioners against the equations of their papers, written out in numpy."""

import numpy as np
import pytest
import tensorflow as tf

from caption import models
from tests.caption.models import table


def row_of(kind):
    return next(row for row in table.TABLE if row.captioner is kind)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def dense(layer):
    """Kernel and bias, the latter 0 where there is none, in float64."""
    weights = [np.asarray(weight, "float64") for weight in layer.weights]
    return weights if len(weights) == 2 else (weights[0], 0.0)


def apply(layer, x):
    kernel, bias = dense(layer)
    return x @ kernel + bias


def lstm(layer, x, hidden, cells):
    kernel, recurrent, bias = (np.asarray(weight, "float64") for weight in layer.weights)
    i, f, o, g = np.split(x @ kernel + hidden @ recurrent + bias, 4)
    cells = sigmoid(f) * cells + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(cells), cells


def score(scores, key, hidden):
    """w . tanh(key + W_g h), of one location."""
    return float(np.tanh(key + apply(scores._ask, hidden)) @ dense(scores._score)[0][:, 0])


def knowing_when_to_look(model, features, tokens, *, sentinel):
    """Lu et al. 2017, equations 1-13: log-odds, attention and beta of each step of a caption."""
    embeddings = np.asarray(model.words.embeddings, "float64")
    locations = np.maximum(apply(model.locations, features.astype("float64")), 0)
    picture = np.maximum(apply(model.picture, features.astype("float64").mean(axis=0)), 0)
    keys = apply(model.scores._look, locations)
    hidden = cells = np.zeros(table.WIDTH)
    found = []
    for token in tokens:
        x = np.concatenate([embeddings[token], picture])
        before = hidden
        hidden, cells = lstm(model.lstm, x, hidden, cells)
        z = np.array([score(model.scores, key, hidden) for key in keys])
        alpha = softmax(z)
        context = sum(a * v for a, v in zip(alpha, locations, strict=True))
        beta = 0.0
        if sentinel:
            gate = sigmoid(apply(model.gate_inputs, x) + apply(model.gate_hidden, before))
            s = gate * np.tanh(cells)
            wide = softmax(np.append(z, score(model.scores, apply(model.sentinel, s), hidden)))
            beta = wide[-1]
            context = beta * s + (1 - beta) * context  # Equation 11, not the code's one sum.
        output = np.tanh(apply(model.output_layer, context + hidden))
        found.append((apply(model.next_word, output), (1 - beta) * alpha, beta))
    return [np.array(values) for values in zip(*found, strict=True)]


@pytest.mark.parametrize("kind", [models.SpatialAttention, models.AdaptiveAttention])
def test_knowing_when_to_look(kind):
    model, inputs = row_of(kind).make(), table.batch()
    scores, attention = model(inputs), model.attention(inputs)
    for place in [(0, 0), (1, 0), (2, 1)]:
        expected, alpha, beta = knowing_when_to_look(
            model,
            inputs["features"][place[0]],
            inputs["tokens"][place],
            sentinel=kind is models.AdaptiveAttention,
        )
        np.testing.assert_allclose(scores[place], expected, atol=5e-5)
        np.testing.assert_allclose(attention[place], alpha, atol=1e-5)
        # Attention sums to what the sentinel leaves.
        np.testing.assert_allclose(np.sum(attention[place], axis=-1), 1 - beta, atol=1e-5)


def test_a_closed_gate_leaves_nothing_of_the_sentinel():
    # A gate of 0 makes the sentinel 0: its kernel cannot matter then. Were the gate added, the
    # sentinel would be tanh of the cells, and its kernel would.
    model, inputs = row_of(models.AdaptiveAttention).make(), table.batch()
    model.gate_inputs.bias.assign(np.full(table.WIDTH, -1e4))
    closed = np.asarray(model(inputs))
    kernel = model.sentinel.kernel
    kernel.assign(3.0 * np.ones(kernel.shape))
    np.testing.assert_allclose(model(inputs), closed, atol=1e-6)
    model.gate_inputs.bias.assign(np.zeros(table.WIDTH))
    assert np.abs(model(inputs) - closed).max() > 1e-2


def show_attend_and_tell(model, features, tokens):
    """Xu et al. 2015, equations 1-9 with the gate of section 4.2.1."""
    embeddings = np.asarray(model.words.embeddings, "float64")
    locations = np.maximum(apply(model.locations, features.astype("float64")), 0)
    keys = apply(model.scores._look, locations)
    mean = locations.mean(axis=0)
    hidden = np.tanh(apply(model.first_hidden, mean))
    cells = np.tanh(apply(model.first_cells, mean))
    found = []
    for token in tokens:
        alpha = softmax(np.array([score(model.scores, key, hidden) for key in keys]))
        beta = sigmoid(apply(model.gate, hidden))
        z = beta * sum(a * v for a, v in zip(alpha, locations, strict=True))
        word = embeddings[token]
        hidden, cells = lstm(model.lstm, np.concatenate([word, z]), hidden, cells)
        output = np.tanh(word + apply(model.from_hidden, hidden) + apply(model.from_context, z))
        found.append((apply(model.next_word, output), alpha))
    return [np.array(values) for values in zip(*found, strict=True)]


@pytest.mark.parametrize("kind", [models.SoftAttention, models.HardAttention])
def test_show_attend_and_tell(kind):
    model, inputs = row_of(kind).make(), table.batch()
    scores, attention = model(inputs), model.attention(inputs)
    for place in [(0, 1), (1, 0), (2, 1)]:
        expected, alpha = show_attend_and_tell(
            model, inputs["features"][place[0]], inputs["tokens"][place]
        )
        np.testing.assert_allclose(scores[place], expected, atol=5e-5)
        np.testing.assert_allclose(attention[place], alpha, atol=1e-5)


def test_every_location_is_asked_for_a_look():
    model, inputs = row_of(models.SoftAttention).make(penalty=0.7), table.batch()
    model(inputs, training=True)
    maps = np.asarray(model.attention(inputs), "float64")
    total, words = 0.0, 0
    for image, caption in np.ndindex(table.IMAGES, table.CAPTIONS):
        steps = int((inputs["tokens"][image, caption] != 0).sum())
        words += steps
        for location in range(table.LOCATIONS):
            total += (1 - maps[image, caption, :steps, location].sum()) ** 2
    (found,) = model.losses
    assert float(found) == pytest.approx(0.7 * total / words, rel=1e-5)


def test_the_penalty_does_not_depend_on_the_size_of_the_batch():
    model, inputs = row_of(models.SoftAttention).make(), table.batch()
    model(inputs, training=True)
    once = float(model.losses[0])
    model({name: np.concatenate([v, v]) for name, v in inputs.items()}, training=True)
    assert float(model.losses[0]) == pytest.approx(once, rel=1e-5)


def drawing(images, captions):
    """One step of training of a hard captioner from START: expected and used weights."""
    model = row_of(models.HardAttention).make()
    image = model.look(np.repeat(table.features()[:1], images, axis=0), training=True)
    state = model.begin(image, captions)
    words = model.words(np.ones(images * captions, "int32"))
    _, _, shown = model.advance(words, state, image, training=True)
    shown = np.asarray(shown).reshape(images, captions, 2 * table.LOCATIONS)
    return shown[..., : table.LOCATIONS], shown[..., table.LOCATIONS :]


def test_one_location_is_drawn_in_half_of_the_sentences():
    weights, used = drawing(3, 2)
    for image, caption in np.ndindex(3, 2):
        if (image + caption) % 2 == 0:
            assert sorted(used[image, caption]) == [0.0] * 6 + [1.0]
        else:
            np.testing.assert_array_equal(used[image, caption], weights[image, caption])


def test_locations_are_drawn_as_often_as_they_are_looked_at():
    weights, used = drawing(1, 8000)
    drawn = used[0, ::2]
    # Of 4000 draws the share is off by sqrt(1/4 / 4000) = 0.008 at most, in one deviation.
    np.testing.assert_allclose(drawn.mean(axis=0), weights[0, 0], atol=4 * 0.008)
    assert weights[0, 0].max() - weights[0, 0].min() > 0.1


def test_reinforce_is_the_gradient_of_the_expected_reward():
    # One word after START: the reward depends on the location s of the first step alone. Its
    # expectation is sum_s alpha_s r(s), over all seven s; what is drawn at the second step changes
    # nothing that is rewarded, and drops out on average.
    captions, word, b = 12000, 6, -4.0
    model = row_of(models.HardAttention).make(penalty=0.0, entropy_weight=0.0, reward_weight=0.6)
    model.baseline.assign(b)
    features = table.features()[:1]
    tokens = np.tile(np.array([1, word], "int32"), (1, captions, 1))
    weight = model.scores._score.kernel
    with tf.GradientTape() as tape:
        model({"features": features, "tokens": tokens}, training=True)
        (loss,) = model.losses
    estimate = np.asarray(tape.gradient(loss, weight)).ravel()

    image = model.look(features)
    rewards = [reward_of(model, image, place, word) for place in range(table.LOCATIONS)]
    assert np.ptp(rewards) > 0.3
    with tf.GradientTape() as tape:
        state = model.begin(image)
        alpha = tf.nn.softmax(model.scores(image["keys"], state[0][:, None]))[0, 0]
        expected = tf.reduce_sum(alpha * (np.array(rewards, "float32") - b))
    # Half of the captions draw; each has two steps that the sum is divided by.
    exact = -0.6 * np.asarray(tape.gradient(expected, weight)).ravel() / 2 / 2
    np.testing.assert_allclose(estimate, exact, atol=0.15 * np.abs(exact).max())


def reward_of(model, image, place, word):
    """log p(word | START) where the first look is at one location."""
    hidden, cells = model.begin(image)
    context = image["locations"][:, place] * model.gate(hidden)
    first = model.words(np.array([1]))
    after = model.lstm.step(tf.concat([first, context], -1), (hidden, cells))
    output = tf.tanh(first + model.from_hidden(after[0]) + model.from_context(context))
    return float(tf.nn.log_softmax(model.next_word(output))[0, word])


def test_the_baseline_follows_the_rewards_of_captions():
    model, inputs = row_of(models.HardAttention).make(), table.batch()
    more, _ = table.with_nothing(inputs, table.targets())
    model.baseline.assign(-2.0)
    scores = np.asarray(model(more, training=True), "float64")
    logs = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    rewards = []
    for image, caption in np.ndindex(table.IMAGES, table.CAPTIONS):
        said = [token for token in inputs["tokens"][image, caption, 1:] if token]
        told = [logs[image, caption, time, token] for time, token in enumerate(said)]
        rewards.append(sum(told) / max(1, len(told)))
    assert float(model.baseline) == pytest.approx(0.9 * -2.0 + 0.1 * np.mean(rewards), rel=1e-5)


def test_sampled_words_are_not_rewarded(monkeypatch):
    # At a rate of 1 all words that are read are the model's own; the caption's are to be likely.
    model = row_of(models.HardAttention).make(scheduled=True)
    model.sampling_rate.assign(1.0)
    seen = []
    monkeypatch.setattr(model, "regularize", lambda tokens, *_: seen.append(tokens))
    model(table.batch(), training=True)
    np.testing.assert_array_equal(seen[0], table.batch()["tokens"])


@pytest.mark.parametrize("captioner", [models.ShowAndTell, models.LRCN, models.MultimodalRNN])
def test_the_mean_location_is_standardised_over_the_batch(captioner):
    model = row_of(captioner).make()
    means = table.features(images=5).astype("float64").mean(axis=1)
    seen = np.asarray(model.whole(table.features(images=5), True))
    mean, variance = means.mean(axis=0), means.var(axis=0)
    np.testing.assert_allclose(seen, (means - mean) / np.sqrt(variance + 1e-3), atol=1e-5)
    # Later a picture is seen by itself, with what batches had in common.
    for _ in range(100):
        model.whole(table.features(images=5), True)
    alone = np.asarray(model.whole(table.features(images=5)[3:4], False))
    np.testing.assert_allclose(alone, seen[3:4], atol=1e-3)
