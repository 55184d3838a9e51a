"""BLEU: derivations, loops, and NLTK's, written by others."""

import math

import numpy as np
import pytest

from caption.metrics._references import References
from caption.metrics.bleu import Bleu
from simlearn.errors import UserError
from tests.caption.metrics import invented, naive


def values(found):
    return list(found.corpus.values())


def test_by_hand():
    # "a dog runs fast": a, dog, runs of 4 words; "a dog", "dog runs" of 3; "a dog runs" of 2; none.
    # Lengths 5 and 4 stand beside 4: the closest is 4, so that nothing is taken off.
    bleu = Bleu([[["a", "dog", "runs", "on", "grass"], ["a", "brown", "dog", "runs"]]])
    found = bleu.score([["a", "dog", "runs", "fast"]])
    assert values(found) == pytest.approx(
        [3 / 4, (3 / 4 * 2 / 3) ** (1 / 2), (3 / 4 * 2 / 3 * 1 / 2) ** (1 / 3), 0.0], abs=1e-15
    )


def test_counts_are_clipped_by_the_reference_that_has_most():
    # Papineni's example: "the" seven times, at most two of which count.
    references = [["the", "cat", "is", "on", "the", "mat"], ["there", "is", "the", "cat"]]
    assert Bleu([references], longest=1).score([["the"] * 7]).corpus == {"bleu_1": 2 / 7}


def test_of_two_lengths_equally_close_the_shorter_counts():
    # 3 words between references of 2 and 4: with r = 2 nothing is taken off, with 4 exp(-1/3).
    bleu = Bleu([[["a", "b", "c", "d"], ["a", "b"]]], longest=1)
    assert values(bleu.score([["a", "b", "c"]])) == [1.0]
    # 1 word, closest is 2: exp(1 - 2/1).
    assert values(bleu.score([["a"]])) == pytest.approx([math.exp(-1)])


@pytest.mark.parametrize("seed", range(5))
def test_loops_say_the_same(seed):
    references, hypotheses = invented.corpus(seed)
    found = Bleu(references).score(hypotheses)
    assert values(found) == pytest.approx(naive.bleu(references, hypotheses), abs=1e-14)
    for row, words in enumerate(hypotheses):
        each = [scores[row] for scores in found.per_image.values()]
        assert each == pytest.approx(naive.bleu([references[row]], [words]), abs=1e-14)


@pytest.mark.parametrize("seed", range(3))
def test_nltk_says_the_same(seed):
    # NLTK counts at least one n-gram in a hypothesis shorter than n: longer ones only.
    from nltk.translate.bleu_score import corpus_bleu

    drawn = zip(*invented.corpus(seed, images=53, longest=17), strict=True)
    kept = [(texts, words) for texts, words in drawn if len(words) >= 4]
    references, hypotheses = zip(*kept, strict=True)
    found = Bleu(references).score(hypotheses)
    theirs = [corpus_bleu(references, hypotheses, [1 / n] * n) for n in range(1, 5)]
    assert values(found) == pytest.approx(theirs, abs=1e-12)


def test_scores_do_not_depend_on_the_order_of_images_and_references():
    references, hypotheses = invented.corpus(7)
    order = np.random.default_rng(3).permutation(len(references))
    turned = Bleu([references[row][::-1] for row in order])
    other = turned.score([hypotheses[row] for row in order])
    found = Bleu(references).score(hypotheses)
    assert values(other) == values(found)
    np.testing.assert_array_equal(other.per_image["bleu_2"], found.per_image["bleu_2"][order])


def test_many_hypotheses_are_scored_in_blocks(monkeypatch):
    references, hypotheses = invented.corpus(11)
    found = Bleu(references).score(hypotheses)
    monkeypatch.setattr("caption.metrics._matches._BLOCK", 5)
    again = Bleu(references).score(hypotheses)
    for name, scores in found.per_image.items():
        np.testing.assert_array_equal(again.per_image[name], scores)
    assert again.corpus == found.corpus


def test_a_caption_of_a_million_words():
    long = [str(number % 7919) for number in range(200_003)]
    found = Bleu([[long, ["1", "2"]]]).score([long])
    assert values(found) == [1.0] * 4


def test_empty_captions_score_nothing():
    bleu = Bleu([[[], ["a"]], [["a", "b"]]])
    found = bleu.score([[], []])
    assert values(found) == [0.0] * 4
    assert not np.concatenate(list(found.per_image.values())).any()
    one = bleu.score([["a"], ["a", "b"]])
    assert one.per_image["bleu_1"].tolist() == [1.0, 1.0]
    assert one.per_image["bleu_2"].tolist() == [0.0, 1.0]


def test_images_say_whose_hypothesis_it_is():
    bleu = Bleu([[["a", "b"]], [["c"]]])
    found = bleu.score([["c"], ["a", "b"], ["a"]], images=[1, 0, 1])
    assert found.per_image["bleu_1"].tolist() == [1.0, 1.0, 0.0]


def test_prepared_references_are_shared():
    references = References([[["a", "b"]], [["c"]]])
    assert Bleu(references).references is references
    assert Bleu(references, compat="coco").references is references
    # A word with a space in it is two for the evaluation.
    odd = Bleu([[["1\N{NO-BREAK SPACE}1/2", "dogs"]]], longest=1, compat="coco")
    assert odd.score([["1", "cats", "dogs"]]).corpus["bleu_1"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Bleu([]), "at least one image"),
        (lambda: Bleu([[["a"]], []]), "none for row 1"),
        (lambda: Bleu([["a dog"]]), "lists of words, got the text 'a dog'"),
        (lambda: Bleu([[["a"]]], longest=2.5), r"longest: expected a whole number.*got 2\.5"),
        (lambda: Bleu([[["a"]]], longest=0), "longest: expected a whole number, at least 1, got 0"),
        (lambda: Bleu([[["a"]]], compat="java"), "None or 'coco', got 'java'"),
        (lambda: Bleu([[["a"]]]).score(["a"]), "lists of words, got the text 'a'"),
        (lambda: Bleu([[["a"]]]).score([["a"], ["b"]]), "one for each of 1 images, got 2"),
        (lambda: Bleu([[["a"]]]).score([["a"]], images=[1]), "rows from 0 to 0, got 1 to 1"),
        (lambda: Bleu([[["a"]]]).score([["a"]], images=[0.0]), "integers, got float64"),
        (lambda: Bleu([[["a"]]]).score([["a"]], images=[0, 0]), "1 integers, got int64 of"),
    ],
)
def test_what_cannot_be_scored(call, message):
    with pytest.raises(UserError, match=message):
        call()
