"""ROUGE-L: derivations and loops."""

import random

import pytest

from caption.metrics.rouge import RougeL, common_length
from simlearn.errors import UserError
from tests.caption.metrics import invented, naive


def test_by_hand():
    # "a runs on" of 5 and 4 words; precision 3/4, recall 3/5.
    found = RougeL([[["a", "dog", "runs", "on", "grass"]]]).score([["a", "runs", "fast", "on"]])
    expected = (1 + 1.44) * 0.75 * 0.6 / (0.6 + 1.44 * 0.75)
    assert found.corpus["rouge_l"] == pytest.approx(expected, abs=1e-15)


def test_precision_and_recall_come_from_different_references():
    # 3 of 4 words of the long one, recall 3/6; 1 of 1 of the short one, precision 1/4.
    long, short = ["a", "b", "c", "x", "x", "x"], ["z"]
    found = RougeL([[long, short]]).score([["a", "b", "c", "z"]])
    expected = (1 + 1.44) * 0.75 * 1.0 / (1.0 + 1.44 * 0.75)
    assert found.corpus["rouge_l"] == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("longest", [13, 63, 64, 65, 80, 150])
def test_loops_say_the_same(longest):
    references, hypotheses = invented.corpus(longest, images=11, longest=longest)
    # Lengths around those that fit into 64 bits.
    references[3][0] = invented.caption(random.Random(1), 400)
    for row, length in ((4, longest), (5, longest - 1)):
        hypotheses[row] = (references[row][0] + invented.WORDS * 9)[:length]
    found = RougeL(references).score(hypotheses)
    expected = [naive.rouge_l(texts, h) for texts, h in zip(references, hypotheses, strict=True)]
    assert found.per_image["rouge_l"].tolist() == pytest.approx(expected, abs=1e-15)
    assert found.corpus["rouge_l"] == pytest.approx(sum(expected) / 11, abs=1e-15)


@pytest.mark.parametrize("seed", range(7))
def test_the_longest_common_subsequence_of_long_captions(seed):
    draw = random.Random(seed)
    left = [draw.randrange(9) for _ in range(draw.randrange(300))]
    right = [draw.randrange(11) for _ in range(draw.randrange(300))]
    assert common_length(left, right) == naive.common(left, right)


def test_beta_weighs_recall():
    # Precision 1, recall 1/2.
    rouge = RougeL([[["a", "b"]]], beta=3.0)
    assert rouge.score([["a"]]).corpus["rouge_l"] == pytest.approx(10 * 0.5 / (0.5 + 9))


def test_captions_without_words():
    references = [[["a"], []], [[]], [["a"]], [[], ["b"]]]
    hypotheses = [[], [], [], ["b"]]
    found = RougeL(references).score(hypotheses).per_image["rouge_l"]
    assert found.tolist() == [0, 0, 0, 1]
    coco = RougeL(references, compat="coco").score(hypotheses).per_image["rouge_l"]
    assert coco.tolist() == [1, 1, 0, 1]


def test_what_cannot_be_scored():
    with pytest.raises(UserError, match=r"beta: expected a positive number, got 0"):
        RougeL([[["a"]]], beta=0)
    with pytest.raises(UserError, match=r"got 'java'"):
        RougeL([[["a"]]], compat="java")


@pytest.mark.parametrize("beta", [0, -1.0, float("inf"), float("nan"), "1", None])
def test_beta_is_a_finite_number(beta):
    with pytest.raises(UserError, match="beta: expected a positive number, got"):
        RougeL([[["a"]]], beta=beta)
