"""Captions of pictures: a scripted captioner, and a real one step by step."""

from functools import partial
from itertools import product

import numpy as np
import pytest
import tensorflow as tf

from caption import decoding, models
from caption.vocabulary import Vocabulary
from caption.writing import Writer, speaker
from tests.caption.models import table
from tests.caption.scripted import STEPS, Scripted, script

VOCABULARY = Vocabulary(tuple("abcde"))  # Numbers 4 to 8.
GREEDY = partial(decoding.greedy, max_length=STEPS)


class Watched:
    """Features that remember which rows were asked for."""

    def __init__(self, values):
        self.values, self.asked = values, []

    def __len__(self):
        return len(self.values)

    def __getitem__(self, rows):
        self.asked.append(rows.tolist())
        return self.values[rows]


@pytest.mark.parametrize("size", [2, 64])
def test_pictures_keep_their_order_over_batches(size):
    features = Watched(script([4], [5, 6], [], [7, 7, 7], [8, 4]).astype(np.float16))
    found = Writer(Scripted(), VOCABULARY, decode=GREEDY, batch_size=size)(features)
    assert [[one.text for one in captions] for captions in found] == [
        ["a"],
        ["b c"],
        [""],
        ["d d d"],
        ["e a"],
    ]
    assert features.asked == [list(range(5))[start : start + size] for start in range(0, 5, size)]


def test_no_pictures_have_no_captions():
    assert Writer(Scripted(), VOCABULARY)(script()) == []


def test_a_map_a_word_and_none_for_the_end():
    found = Writer(Scripted(), VOCABULARY, decode=GREEDY)(script([4, 6], [], [5, 5, 5, 5, 5]))
    for (written,), words in zip(found, (2, 0, 5), strict=True):
        # At word t it looked at location t.
        assert len(written.words) == words
        np.testing.assert_array_equal(written.attention, np.eye(STEPS)[:words])
    blind = Writer(Scripted(attends=False), VOCABULARY, decode=GREEDY)(script([4]))
    assert blind[0][0].attention is None


def test_unknown_words_are_words_too():
    decode = partial(decoding.greedy, max_length=STEPS, unknown=True)
    ((written,),) = Writer(Scripted(), VOCABULARY, decode=decode)(script([4, 3, 5]))
    assert written.words == ("a", "<unknown>", "b")
    assert written.attention.shape == (3, STEPS)


def test_the_best_n_in_order():
    # Steps are independent, and no more than two: all sentences are END, or a word and END or a
    # word, and a beam of 36 holds all of them.
    features = np.random.default_rng(3).normal(size=(2, STEPS, 9)).astype("float32")
    decode = partial(decoding.beam_search, beams=36, results=4, max_length=2)
    found = Writer(Scripted(), VOCABULARY, decode=decode)(features)
    logs = features - np.log(np.exp(features).sum(axis=-1, keepdims=True))
    for captions, chances in zip(found, logs, strict=True):
        every = {("<end>",): chances[0, 2]}
        for first, second in product(range(4, 9), (2, *range(4, 9))):
            said = tuple("abcde"[word - 4] if word > 2 else "<end>" for word in (first, second))
            every[said] = chances[0, first] + chances[1, second]
        best = sorted(every, key=every.get, reverse=True)[:4]
        assert [one.words for one in captions] == [
            tuple(word for word in said if word != "<end>") for said in best
        ]
        assert [one.score for one in captions] == pytest.approx(
            [every[said] for said in best], abs=1e-4
        )


def test_several_captioners_average_their_probabilities():
    # One has a 0.5, b 0.4, c 0.1; the other, 0.1, 0.4, 0.5: together a 0.3, b 0.4, c 0.3.
    features = np.full((1, STEPS, 9), -30.0, np.float32)
    features[0, 0, 4:7] = np.log([0.5, 0.4, 0.1])
    features[0, 1:, 2] = 30.0
    mirrored = Scripted()
    mirrored.look = lambda features, training: {
        "script": tf.gather(features, [0, 1, 2, 3, 6, 5, 4, 7, 8], axis=-1)
    }
    one, both = Scripted(), Writer([Scripted(), mirrored], VOCABULARY, decode=GREEDY)
    assert Writer(one, VOCABULARY, decode=GREEDY)(features)[0][0].text == "a"
    assert Writer(mirrored, VOCABULARY, decode=GREEDY)(features)[0][0].text == "c"
    ((written,),) = both(features)
    assert written.text == "b"
    assert written.score == pytest.approx(np.log(0.4), abs=1e-4)
    np.testing.assert_allclose(written.attention, np.eye(STEPS)[:1], atol=1e-6)


@pytest.mark.parametrize("kind", [models.ShowAndTell, models.SoftAttention])
def test_a_real_captioner_says_its_likeliest_words(kind):
    model = next(row for row in table.TABLE if row.captioner is kind).make(dropout=0.5)
    features = table.features(images=5)
    vocabulary = Vocabulary(tuple("abcdefghi"))
    found = Writer(model, vocabulary, decode=GREEDY, batch_size=2)(features)
    for row, (written,) in enumerate(found):
        step, state = speaker(model, features[row : row + 1])
        token, words, maps = 1, [], []
        while token != 2 and len(words) < STEPS:
            scores, state, attention = step(np.array([token]), state)
            # Neither PAD nor START nor UNKNOWN is ever said.
            likely = np.where(np.isin(np.arange(13), [0, 1, 3]), -np.inf, scores[0])
            token = int(np.argmax(likely))
            if token != 2:
                words.append(vocabulary.names[token])
                maps.append(attention)
        assert list(written.words) == words
        if model.attends:
            np.testing.assert_allclose(written.attention, np.concatenate(maps), atol=1e-5)
    assert len({one.text for (one,) in found}) > 1


def test_what_is_learned_after_the_first_caption_is_said():
    model = models.ShowAndTell(9, width=5, word_width=3)
    writer = Writer(model, VOCABULARY, decode=partial(decoding.greedy, max_length=1))
    features = table.features(images=1)
    writer(features)
    for weight in model.trainable_weights:
        weight.assign(np.zeros(weight.shape))
    for word in (6, 8):
        model.next_word.bias.assign(np.eye(9)[word] * 5)
        assert writer(features)[0][0].text == VOCABULARY.names[word]
