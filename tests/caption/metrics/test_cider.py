"""CIDEr and CIDEr-D: derivations, loops, prepared references."""

import math
import pickle

import numpy as np
import pytest

from caption.metrics._frequencies import document_frequencies
from caption.metrics._references import References
from caption.metrics.cider import Cider, CiderD
from simlearn.errors import UserError
from tests.caption.metrics import invented, naive

TWO = [[["a", "dog"], ["a", "b"]], [["a", "cat"]]]


def test_by_hand():
    # N = 2; "a" is in both images and weighs log 2 - log 2 = 0, each other n-gram log 2 = w.
    # Unigrams of "a dog": (dog: w), beside "a dog" cosine 1, beside "a b" 0; bigrams likewise, and
    # no trigrams: 10 (1 + 1 + 0 + 0) / 4 / 2 references = 2.5.
    found = CiderD(TWO).score([["a", "dog"], ["a", "cat"]])
    assert found.per_image["cider_d"].tolist() == pytest.approx([2.5, 5.0], abs=1e-14)
    assert found.corpus["cider_d"] == pytest.approx(3.75)


def test_length_and_repetition_cost():
    # "dog dog" beside "a dog": min(2w, w) w / (2w w) = 1/2 for the unigrams, lengths equal.
    # "dog" beside it: 1 for the unigrams, one word shorter.
    scores = CiderD(TWO, longest=1).score([["dog", "dog"], ["dog"]], images=[0, 0])
    assert scores.per_image["cider_d"].tolist() == pytest.approx(
        [10 * 0.5 / 2, 10 * math.exp(-1 / 72) / 2], abs=1e-14
    )
    # Plain CIDEr minds neither: both point where "a dog" points.
    plain = Cider(TWO, longest=1, stem=str).score([["dog", "dog"], ["dog"]], images=[0, 0])
    assert plain.per_image["cider"].tolist() == pytest.approx([5.0, 5.0], abs=1e-14)


@pytest.mark.parametrize("seed", range(5))
def test_loops_say_the_same(seed):
    references, hypotheses = invented.corpus(seed)
    rows = range(len(references))
    found = CiderD(references).score(hypotheses)
    expected = naive.cider(references, hypotheses, rows, references)
    assert found.per_image["cider_d"].tolist() == pytest.approx(expected, abs=1e-12)
    assert found.corpus["cider_d"] == pytest.approx(sum(expected) / len(expected), abs=1e-12)
    plain = Cider(references, stem=str).score(hypotheses)
    expected = naive.cider(references, hypotheses, rows, references, plain=True)
    assert plain.per_image["cider"].tolist() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_weights_from_another_corpus(seed):
    references, hypotheses = invented.corpus(seed)
    corpus, _ = invented.corpus(seed + 100, images=31)
    corpus[5].append(["neww1", "neww2", "w1"])  # Words that hypotheses have and references do not.
    frequencies = document_frequencies(corpus)
    scorer = CiderD(references, frequencies=frequencies, sigma=3.0)
    found = scorer.score(hypotheses).per_image["cider_d"]
    expected = naive.cider(references, hypotheses, range(len(references)), corpus, sigma=3.0)
    assert found.tolist() == pytest.approx(expected, abs=1e-12)
    own = CiderD(references, sigma=3.0).score(hypotheses).per_image["cider_d"]
    assert not np.allclose(found, own)
    again = CiderD(references, frequencies=document_frequencies(references), sigma=3.0)
    assert again.score(hypotheses).per_image["cider_d"].tolist() == pytest.approx(own.tolist())


def test_a_reward_scores_several_hypotheses_of_some_images():
    references, hypotheses = invented.corpus(13)
    images = [7, 2, 7, 11, 2]
    words = [hypotheses[row] for row in (7, 3, 2, 11, 5)]
    scorer = CiderD(references)
    found = scorer.score(words, images).per_image["cider_d"]
    expected = naive.cider(references, words, images, references)
    assert found.tolist() == pytest.approx(expected, abs=1e-12)
    copied = pickle.loads(pickle.dumps(scorer))
    assert copied.score(words, images).per_image["cider_d"].tolist() == found.tolist()
    none = scorer.score([], [])
    assert (none.corpus, len(none.per_image["cider_d"])) == ({"cider_d": 0.0}, 0)


def test_many_hypotheses_are_scored_in_blocks(monkeypatch):
    references, hypotheses = invented.corpus(17)
    scorer = CiderD(references)
    found = scorer.score(hypotheses).per_image["cider_d"]
    monkeypatch.setattr("caption.metrics._matches._BLOCK", 3)
    np.testing.assert_array_equal(scorer.score(hypotheses).per_image["cider_d"], found)


def test_stems_count_once_as_one_word():
    cider = Cider([[["dogs", "running"]], [["cat"]]], longest=1)
    assert cider.score([["dog", "runs"], ["cats"]]).per_image["cider"].tolist() == pytest.approx(
        [10.0, 10.0]
    )


def test_frequencies_count_images_and_not_occurrences():
    corpus = document_frequencies([[["a", "b", "a", "b"], ["a", "b"]], [["b", "a"]], [["c"], []]])
    words = [corpus.vocabulary[word] for word in "ab"]
    one, two, three, _ = corpus.counts_at(np.array([*words, -1]))
    assert one.tolist() == [2, 2, 0]
    assert two[:2].tolist() == [1, 0]
    assert three[0] == 0
    assert corpus.images == 3


def test_a_fingerprint_tells_corpora_apart():
    prints = [
        References(texts).fingerprint
        for texts in (
            [[["a", "b"]], [["c"]]],
            [[["a"], ["b"]], [["c"]]],
            [[["a", "b"], ["c"]]],
            [[["a", "b"]], [["d"]]],
            [[["ab"]], [["c"]]],
        )
    ]
    assert len(set(prints)) == 5
    assert prints[0] == References([[("a", "b")], [["c"]]]).fingerprint


def test_one_image_needs_a_corpus():
    one = [[["a", "dog"]]]
    with pytest.raises(UserError, match="at least 2 images or the frequencies of a corpus, got 1"):
        CiderD(one)
    with pytest.raises(UserError, match="at least 2 images"):
        Cider(one, stem=str)
    assert CiderD(one, compat="coco").score([["a", "dog"]]).corpus == {"cider_d": 0.0}
    weighted = CiderD(one, frequencies=document_frequencies(TWO), longest=2)
    assert weighted.score([["a", "dog"]]).corpus["cider_d"] == pytest.approx(10.0)


def test_what_cannot_be_scored():
    with pytest.raises(UserError, match="sigma: expected a positive number, got 0"):
        CiderD(TWO, sigma=0)
    with pytest.raises(UserError, match="longest: expected a whole number, at least 1, got 0"):
        CiderD(TWO, longest=0)
    with pytest.raises(UserError, match="n-grams up to 4 words, got 2"):
        CiderD(TWO, frequencies=document_frequencies(TWO, longest=2))
