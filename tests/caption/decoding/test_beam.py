"""Beam search against every caption there is, and against one with lists."""

import functools
import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from caption.decoding import beam_search, divide_by_length, gnmt_penalty, greedy, sample
from tests.caption.decoding.scripted import (
    END,
    PAD,
    Rules,
    Script,
    agree,
    best_captions,
    captions,
    naive_beam,
    plain,
)

# With 3 words besides END and 5 tokens there are 3^5 captions cut off and 1 + 3 + .. + 81 with END.
ALL = 364


def by_length(total, length):
    return total / length


def by_penalty(total, length):
    return total / ((5 + length) / 6) ** 0.7


def pays_words(total, length):
    """A score that neither grows nor falls with the length."""
    return total + (0.9 * length if length < 4 else 3.6 - 1.2 * (length - 3))


def pays_words_in_graph(total, length):
    return total + ops.where(length < 4, 0.9 * length, 3.6 - 1.2 * (length - 3))


NORMALIZERS = [
    (None, plain),
    (divide_by_length, by_length),
    (gnmt_penalty(0.7), by_penalty),
    (pays_words_in_graph, pays_words),
]
# Every option meets a score, every score an option; all with all is what the lists below are for.
OPTIONS = [
    {},
    {"minimum_length": 3},
    {"no_repeat": 1},
    {"no_repeat": 2},
    {"no_repeat": 3},
    {"forbidden": [5]},
    {"unknown": True, "max_length": 4},
    {"required": [5]},
    {"required": [[4, 6], 5]},
    {"required": [[4, 5], [5, 6]], "minimum_length": 2, "no_repeat": 2},
]


def search(script, options, *, images=None, graph=False, **arguments):
    state = script.state(images)
    count = len(state["image"])

    def run():
        return beam_search(
            script.step, state, images=count, **{"max_length": 5} | options, **arguments
        )

    return tf.function(run)() if graph else run()


CASES = [(option, *NORMALIZERS[place % 4]) for place, option in enumerate(OPTIONS)]


# The last score peaks at a length: it proves that the loop does not end too early.
@pytest.mark.parametrize(("options", "normalize", "naive"), [*CASES, ({}, *NORMALIZERS[3])])
def test_a_wide_beam_finds_the_best_captions_of_all(options, normalize, naive):
    script = Script(7, seed=11, images=2)
    found = search(script, options, beams=ALL, results=7, normalize=normalize)
    rules = Rules(**{"max_length": 5} | options)
    for image in range(2):
        agree(captions(found, image), best_captions(script, image, rules, 7, naive))


@pytest.mark.parametrize(("options", "normalize", "naive"), CASES)
@pytest.mark.parametrize("results", [2, 5])
def test_a_narrow_beam_keeps_what_one_with_lists_keeps(options, normalize, naive, results):
    # Captions end early, so that the loop does where it may.
    script = Script(7, seed=12, images=17, ends=2.0)
    found = search(script, options, beams=5, results=results, normalize=normalize)
    rules = Rules(**{"max_length": 5} | options)
    for image in range(script.images):
        agree(captions(found, image), naive_beam(script, image, rules, 5, results, naive))


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    ends=st.sampled_from([0.0, 1.5, 3.0]),
    last=st.integers(1, 18),
    beams=st.integers(1, 6),
    groups=st.sampled_from([1, 2, 3]),
    diversity=st.sampled_from([0.0, 0.3, 5.0]),
    max_length=st.integers(1, 6),
    minimum_length=st.integers(0, 3),
    no_repeat=st.integers(0, 3),
    required=st.lists(st.lists(st.integers(4, 7), min_size=1, max_size=2), max_size=2),
    normalizer=st.sampled_from(NORMALIZERS),
)
def test_any_options_together_keep_what_lists_keep(
    seed,
    ends,
    last,
    beams,
    groups,
    diversity,
    max_length,
    minimum_length,
    no_repeat,
    required,
    normalizer,
):
    script = Script(8, seed=seed, images=2, ends=ends)
    options = {
        "max_length": max_length,
        "minimum_length": min(minimum_length, max_length),
        "no_repeat": no_repeat,
        "required": required[:max_length],
    }
    normalize, naive = normalizer
    beams *= groups
    results = min(last, beams)
    found = search(
        script,
        options,
        beams=beams,
        results=results,
        groups=groups,
        diversity=diversity,
        normalize=normalize,
    )
    for image in range(2):
        expected = naive_beam(
            script, image, Rules(**options), beams, results, naive, groups, diversity
        )
        same_but_for_twins(captions(found, image), expected)


def same_but_for_twins(given, expected):
    """Groups may hold one caption twice; which twin stands first says nothing."""
    agree(
        sorted(given, key=lambda entry: (entry[2] == -math.inf, entry[0])),
        sorted(expected, key=lambda entry: entry[0]),
    )
    ranks = [entry[1] for entry in given]
    there = [entry[1] for entry in expected]
    np.testing.assert_allclose(ranks[: len(there)], there, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("options", OPTIONS[:7], ids=str)
def test_a_beam_of_one_is_greedy(options):
    script = Script(7, seed=13, images=11)
    found = search(script, options, beams=1)
    alone = greedy(script.step, script.state(), images=11, **{"max_length": 5} | options)
    for given_, expected in zip(found, alone, strict=True):
        np.testing.assert_allclose(given_, expected, rtol=1e-6)


def test_an_image_alone_is_the_image_in_the_batch():
    script = Script(7, seed=14, images=5)
    options = {"beams": 3, "results": 3, "normalize": divide_by_length}
    together = search(script, {"no_repeat": 2}, **options)
    for image in range(5):
        alone = search(script, {"no_repeat": 2}, images=[image], **options)
        for whole, part in zip(together, alone, strict=True):
            np.testing.assert_allclose(whole[image : image + 1], part, rtol=1e-6)


@pytest.mark.parametrize("required", [(), (6,)])
def test_attention_is_that_of_the_beam_that_won(required):
    script = Script(7, seed=15, images=5)
    found = search(script, {"required": required}, beams=5, results=4, graph=True)
    attention = np.array(found.attention)
    assert attention.shape == (5, 4, 5, 3)
    for image in range(5):
        for result, (tokens, _, _) in enumerate(captions(found, image)):
            own = attention[image, result]
            np.testing.assert_array_equal(own[: len(tokens)], script.attention(image, tokens))
            np.testing.assert_array_equal(own[len(tokens) :], 0)


@pytest.mark.parametrize("options", [{}, OPTIONS[-1]], ids=str)
def test_a_graph_gives_what_eager_gives(options):
    script = Script(7, seed=16)
    arguments = {"beams": 4, "results": 4, "normalize": gnmt_penalty(0.6)}
    eager = search(script, options, **arguments)
    graph = search(script, options, graph=True, **arguments)
    for one, other in zip(eager, graph, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_the_number_of_images_may_be_unknown_to_the_graph():
    script = Script(7, seed=17, images=5)
    kinds = {"code": tf.TensorSpec([None], "int32"), "image": tf.TensorSpec([None], "int32")}

    @tf.function(input_signature=[kinds])
    def decode(state):
        return beam_search(
            script.step,
            state,
            images=tf.shape(state["code"])[0],
            max_length=5,
            beams=3,
            required=[5],
            no_repeat=2,
        )

    found = decode({key: tf.constant(leaf) for key, leaf in script.state().items()})
    expected = search(script, {"required": [5], "no_repeat": 2}, beams=3)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_a_finished_beam_keeps_its_score():
    # END at once has 0.5; all that follows another word is likely, and still no more than 0.4.
    logits = np.log(np.array([0.05, 0.05, 0.4, 0.05, 0.3, 0.15], "float32"))
    later = np.log(np.array([1e-6, 1e-6, 1e-6, 1e-6, 0.999, 1e-6], "float32"))

    def step(tokens, state):
        given = ops.where(ops.equal(tokens, 1)[:, None], logits, later)
        return given, state, None

    found = beam_search(step, np.zeros((1, 1)), images=1, max_length=9, beams=3, results=3)
    assert captions(found, 0)[0][0] == (END,)
    assert np.exp(found.scores[0, 0]) == pytest.approx(0.4, rel=1e-5)
    # The others never end, and are kept as they are.
    assert [len(tokens) for tokens, _, _ in captions(found, 0)[1:]] == [9, 9]


def test_the_loop_ends_where_nothing_can_change():
    calls = []

    def step(tokens, state):
        calls.append(len(tokens))
        ends = np.log(np.array([[1e-9, 1e-9, 0.9, 1e-9, 0.06, 0.04]], "float32"))
        return np.repeat(ends, len(tokens), axis=0), state, None

    found = beam_search(step, np.zeros((2, 1)), images=2, max_length=50, beams=4)
    assert np.array(found.tokens)[:, 0, :2].tolist() == [[END, PAD]] * 2
    # By length, longer captions go on getting better: 0.9 a token for all but the first.
    assert calls == [2]
    beam_search(
        step,
        np.zeros((2, 1)),
        images=2,
        max_length=50,
        beams=4,
        results=4,
        normalize=divide_by_length,
    )
    assert 2 < len(calls) < 12


def test_what_a_step_leaves_alone_is_not_gathered():
    seen = []
    script = Script(7, seed=18)

    def step(tokens, state):
        seen.append(state["features"])
        logits, following, _ = script.step(tokens, state)
        return logits, following | {"features": state["features"]}, None

    features = np.random.default_rng(0).normal(size=(3, 2, 5)).astype("float32")
    beam_search(step, script.state() | {"features": features}, images=3, max_length=5, beams=2)
    assert len(seen) > 2
    assert all(later is seen[1] for later in seen[2:])
    np.testing.assert_array_equal(seen[1], np.repeat(features, 2, axis=0))


def test_groups_differ_where_the_groups_of_one_search_do_not():
    script = Script(8, seed=19, images=1)
    alike = search(script, {}, beams=4, groups=4, results=4, diversity=0.0)
    assert len({tokens for tokens, _, _ in captions(alike, 0)}) == 1
    apart = search(script, {}, beams=4, groups=4, results=4, diversity=100.0)
    assert len({tokens[0] for tokens, _, _ in captions(apart, 0)}) == 4


def test_no_caption_where_the_rules_leave_none():
    # Two words that may come once each, and END not before three.
    script = Script(6, seed=20)
    for decode in (beam_search, greedy):
        found = decode(
            script.step, script.state(), images=3, max_length=5, minimum_length=3, no_repeat=1
        )
        assert np.all(np.array(found.tokens) == PAD)
        assert np.all(np.array(found.lengths) == 0)
        assert np.all(np.array(found.scores) == -math.inf)
        assert np.all(np.array(found.log_probabilities) == -math.inf)
        assert np.all(np.array(found.attention) == 0)


def test_fewer_captions_than_asked_for():
    script = Script(5, seed=21, images=1)  # word 4 and END: four captions of up to three tokens
    found = search(script, {"max_length": 3}, beams=6, results=6)
    expected = best_captions(script, 0, Rules(3), 6)
    assert len(expected) == 4
    agree(captions(found, 0), expected)
    assert [entry[2] for entry in captions(found, 0)[4:]] == [-math.inf] * 2


def broken_after(script, word):
    """The script, with one logit of image 1 that is no number wherever the last word is `word`."""

    def step(tokens, state):
        logits, following, attention = script.step(tokens, state)
        broken = ops.equal(state["image"], 1) & ops.equal(tokens, word)
        nan = ops.where(ops.arange(script.words) == 5, math.nan, 0.0)
        return ops.where(broken[:, None], logits + nan, logits), following, attention

    return step


@pytest.mark.parametrize(
    "decode", [beam_search, greedy, functools.partial(sample, seed=1, top_k=2)]
)
def test_logits_that_are_no_numbers_are_told_and_stay_with_their_image(decode):
    script = Script(7, seed=22)
    whole = decode(script.step, script.state(), images=3, max_length=5)
    first = int(whole.tokens[1, 0, 0])
    for word in (1, first):
        found = decode(broken_after(script, word), script.state(), images=3, max_length=5)
        assert np.isnan(found.scores[1, 0])
        assert np.isnan(found.log_probabilities[1, 0])
        for image in (0, 2):
            assert captions(found, image) == captions(whole, image)


def test_a_beam_that_lost_to_logits_that_are_no_numbers_is_told():
    script = Script(7, seed=22, images=2)
    best, second = (tokens[0] for tokens, _, _ in best_captions(script, 1, Rules(1), 2))
    found = search(script, {"max_length": 2}, beams=2, results=2)
    assert best != second
    broken = beam_search(
        broken_after(script, second), script.state(), images=2, max_length=2, beams=2, results=2
    )
    assert np.all(np.isnan(broken.scores[1]))
    assert captions(broken, 0) == captions(found, 0)


def test_half_precision_logits_are_summed_in_float32():
    script = Script(7, seed=23)

    def step(tokens, state):
        logits, following, attention = script.step(tokens, state)
        return ops.cast(logits, "float16"), following, ops.cast(attention, "float16")

    found = beam_search(step, script.state(), images=3, max_length=5)
    assert found.scores.dtype == "float32"
    assert found.attention.dtype == "float16"
