"""Training on rewards: scripted ones, and the gradient that is taken."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from caption import models
from caption.self_critical import CiderReward, SelfCritical
from caption.vocabulary import Vocabulary
from simlearn.errors import UserError

IMAGES, SAMPLES, LONGEST, WORDS = 3, 5, 4, 11
FEATURES = np.random.default_rng(1).normal(size=(IMAGES, 2, 7)).astype("float32")
ROWS = np.array([4, 0, 9])


class Reward:
    """A reward that keeps what it was asked about."""

    def __init__(self, rule):
        self.rule, self.asked = rule, []

    def __call__(self, rows, tokens):
        self.asked.append((rows.copy(), tokens.copy()))
        return np.asarray(self.rule(tokens), np.float32)


def says_seven(tokens):
    return tokens[..., 0] == 7


def counts(tokens):
    """Something different for nearly every caption."""
    return (tokens * np.array([1.0, 0.3, -0.2, 0.7])).sum(axis=-1)


def make(reward, *, optimizer, **settings):
    captioner = models.ShowAndTell(WORDS, width=13, word_width=5, dropout=0.5)
    captioner({"features": FEATURES, "tokens": np.ones((IMAGES, 1, 2), "int32")})
    draw = np.random.default_rng(2)
    for weight in captioner.trainable_weights:
        weight.assign(draw.normal(scale=0.5, size=weight.shape))
    trainer = SelfCritical(captioner, reward, **{"longest": LONGEST, "seed": 3, **settings})
    trainer.compile(optimizer, jit_compile=False)
    return trainer


def values(trainer):
    return [np.array(weight) for weight in trainer.captioner.trainable_weights]


def greedy_tokens(captioner):
    """By a loop: the likeliest of END and words, one picture at a time."""
    said = np.zeros((IMAGES, 1, LONGEST), int)
    for row in range(IMAGES):
        image = captioner.look(FEATURES[row : row + 1])
        state, token = captioner.begin(image), 1
        for time in range(LONGEST):
            scores, state, _ = captioner.step(np.array([token]), state, image)
            token = int(np.argmax(np.where(np.isin(np.arange(WORDS), [0, 1, 3]), -99, scores[0])))
            said[row, 0, time] = token
            if token == 2:
                break
    return said


def baseline_of(rewards, greedy, kind):
    if kind == "greedy":
        return np.repeat(greedy, SAMPLES, axis=1)
    each = np.zeros_like(rewards)
    for row, sample in np.ndindex(rewards.shape):
        each[row, sample] = np.delete(rewards[row], sample).mean()
    return each


@pytest.mark.parametrize("kind", ["others", "greedy"])
def test_a_step_follows_the_gradient_of_reinforce(kind):
    reward = Reward(counts)
    trainer = make(reward, samples=SAMPLES, baseline=kind, optimizer=keras.optimizers.SGD(1.0))
    captioner, before = trainer.captioner, values(trainer)
    greedy = greedy_tokens(captioner)
    trainer.train_step({"features": tf.constant(FEATURES), "rows": tf.constant(ROWS)})
    moved = [b - a for b, a in zip(before, values(trainer), strict=True)]

    rows, tokens = reward.asked[0]
    assert rows.tolist() == ROWS.tolist()
    assert tokens.shape == (IMAGES, SAMPLES, LONGEST)
    if kind == "greedy":
        np.testing.assert_array_equal(reward.asked[1][1], greedy)
    rewards = counts(tokens)
    advantage = rewards - baseline_of(rewards, counts(greedy), kind)
    for weight, value in zip(captioner.trainable_weights, before, strict=True):
        weight.assign(value)
    # -(r - b) sum_t log p(w_t), word by word as it was sampled, END included; by words.
    with tf.GradientTape() as tape:
        total = 0.0
        for row, sample in np.ndindex(IMAGES, SAMPLES):
            image = captioner.look(FEATURES[row : row + 1])
            state, token = captioner.begin(image), 1
            for following in tokens[row, sample]:
                if following == 0:
                    break
                scores, state, _ = captioner.step(np.array([token]), state, image)
                # Among what can be drawn: END and words.
                drawn = tf.gather(scores[0], [2, *range(4, WORDS)])
                log = scores[0][following] - tf.reduce_logsumexp(drawn)
                total -= float(advantage[row, sample]) * log
                token = following
        loss = total / np.sum(tokens != 0)
    expected = tape.gradient(loss, captioner.trainable_weights)
    for found, gradient, weight in zip(moved, expected, captioner.trainable_weights, strict=True):
        gradient = np.asarray(tf.convert_to_tensor(gradient))
        assert np.abs(gradient).max() > 1e-3
        np.testing.assert_allclose(found, gradient, rtol=1e-3, atol=2e-5, err_msg=weight.path)


@pytest.mark.parametrize("kind", ["others", "greedy"])
def test_rewards_that_are_all_the_same_teach_nothing(kind):
    reward = Reward(lambda tokens: np.full(tokens.shape[:2], 7.25))
    trainer = make(reward, samples=2, baseline=kind, optimizer=keras.optimizers.SGD(10.0))
    before = values(trainer)
    logs = trainer.train_step({"features": tf.constant(FEATURES), "rows": tf.constant(ROWS)})
    assert float(logs["reward"]) == 7.25
    assert float(logs["loss"]) == 0.0
    for one, other in zip(values(trainer), before, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", ["others", "greedy"])
def test_what_is_rewarded_is_learned_in_few_steps(kind):
    # One word a sample: of longer ones that do not begin with 7, a 7 further on is unlearned too.
    trainer = make(
        Reward(says_seven),
        samples=SAMPLES,
        baseline=kind,
        longest=1,
        optimizer=keras.optimizers.Adam(0.05),
    )
    # Every word has the same chance at first, so that some samples are rewarded.
    for weight in trainer.captioner.next_word.weights:
        weight.assign(np.zeros(weight.shape))

    def chance():
        scores = trainer({"features": FEATURES, "tokens": np.ones((IMAGES, 1, 1), "int32")})
        # Of what can be said: PAD, START and UNKNOWN are never drawn, and so not changed.
        return np.asarray(tf.nn.softmax(tf.gather(scores, [2, *range(4, WORDS)], axis=-1)))[..., 4]

    assert chance().max() < 0.5
    steps = 40
    data = {"features": np.tile(FEATURES, (steps, 1, 1)), "rows": np.tile(ROWS, steps)}
    history = trainer.fit(data, batch_size=IMAGES, shuffle=False, verbose=0).history
    assert set(history) == {"loss", "reward"}
    assert chance().min() > 0.9
    assert trainer.reward.asked[0][1].tolist() != trainer.reward.asked[2][1].tolist()


def test_a_caption_that_breaks_off_earns_less():
    # "a" and the end are in both pictures and weigh nothing alone; w = log 2 for all else.
    # With its end, "a dog" has the reference's n-grams of lengths 1 to 3: 10 (1 + 1 + 1 + 0) / 4.
    # Without, one of two bigrams and no trigram, and is a word shorter:
    # 10 (1 + 1 / sqrt 2) / 4 exp(-1 / (2 * 36)).
    vocabulary = Vocabulary(("a", "cat", "dog"))
    reward = CiderReward([[["a", "dog"]], [["a", "cat"]]], vocabulary)
    whole, broken, other = [4, 6, 2, 0], [4, 6, 0, 0], [4, 5, 2, 0]
    found = reward(np.array([0, 1]), np.array([[whole, broken, other], [other, whole, broken]]))
    assert (found.shape, found.dtype) == ((2, 3), np.float32)
    off = 10 * (1 + 1 / np.sqrt(2)) / 4 * np.exp(-1 / 72)
    assert found[0].tolist() == pytest.approx([7.5, off, 0.0], rel=1e-6)
    assert found[1].tolist() == pytest.approx([7.5, 0.0, 0.0], rel=1e-6)


def test_too_few_samples_and_other_baselines_are_refused():
    captioner = models.ShowAndTell(WORDS)
    with pytest.raises(UserError, match="samples: expected at least 2, got 1"):
        SelfCritical(captioner, says_seven, samples=1)
    with pytest.raises(UserError, match="samples: expected at least 1, got 0"):
        SelfCritical(captioner, says_seven, samples=0, baseline="greedy")
    with pytest.raises(UserError, match="baseline: expected 'greedy' or 'others', got 'mean'"):
        SelfCritical(captioner, says_seven, baseline="mean")
