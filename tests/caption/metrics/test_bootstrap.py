"""Intervals and comparisons of systems."""

import numpy as np
import pytest

from caption import metrics
from caption.metrics.bootstrap import _resampled
from simlearn.errors import UserError
from tests.caption.metrics import invented

REFERENCES, HYPOTHESES = invented.corpus(23, images=61)
WORDS = [[" ".join(text) for text in texts] for texts in REFERENCES]


def scorer():
    return metrics.CaptionScorer(WORDS, tokenize=str.split)


def shortened(hypotheses, every):
    return [words[:3] if row % every == 0 else words for row, words in enumerate(hypotheses)]


def test_a_draw_is_scored_as_its_images_are():
    # The same images, written out: BLEU from scratch, the others as means.
    found = scorer().score_tokens(HYPOTHESES)
    drawn = np.random.default_rng(5).integers(61, size=(7, 61))
    bleu, rouge = (
        _resampled([found.parts[name]], 61, 7, seed=5)[0] for name in ("bleu", "rouge_l")
    )
    for number, rows in enumerate(drawn):
        again = metrics.Bleu([REFERENCES[row] for row in rows]).score(
            [HYPOTHESES[row] for row in rows]
        )
        assert bleu[number].tolist() == pytest.approx(list(again.corpus.values()), abs=1e-14)
        mean = found.per_image["rouge_l"][rows].mean()
        assert rouge[number, 0] == pytest.approx(mean, abs=1e-14)


def test_the_interval_of_a_mean_is_that_of_its_standard_error():
    # Percentiles of a mean of 61 are near mean +- 1.96 standard deviations / sqrt(61).
    found = scorer().score_tokens(HYPOTHESES)
    interval = metrics.bootstrap_intervals(found, resamples=4000)["rouge_l"]
    values = found.per_image["rouge_l"]
    half = 1.96 * values.std() / np.sqrt(61)
    assert interval.estimate == found.corpus["rouge_l"]
    assert interval.high - interval.estimate == pytest.approx(half, rel=0.1)
    assert interval.estimate - interval.low == pytest.approx(half, rel=0.1)
    wide = metrics.bootstrap_intervals(found, resamples=4000, level=0.99)["rouge_l"]
    assert wide.low < interval.low
    assert wide.high > interval.high


def test_pairs_tell_systems_apart_that_intervals_do_not():
    prepared = scorer()
    one = prepared.score_tokens(HYPOTHESES)
    two = prepared.score_tokens(shortened(HYPOTHESES, 5))
    found = metrics.compare(one, two, resamples=500)
    assert set(found) == set(one.corpus)
    rouge = found["rouge_l"]
    assert rouge.difference.estimate == two.corpus["rouge_l"] - one.corpus["rouge_l"] < 0
    assert rouge.difference.high < 0
    assert rouge.p_value < 0.05
    # Each alone says nothing: the intervals overlap by far.
    assert rouge.first.low < rouge.second.estimate
    assert rouge.first == metrics.bootstrap_intervals(one, resamples=500)["rouge_l"]


def test_equal_systems_do_not_differ():
    prepared = scorer()
    one, two = (prepared.score_tokens(HYPOTHESES) for _ in range(2))
    for comparison in metrics.compare(one, two, resamples=50).values():
        assert comparison.p_value == 1.0
        assert comparison.difference == metrics.Interval(0.0, 0.0, 0.0)


def test_p_values_of_chance_differences_are_rarely_small():
    # Two systems that differ by chance alone: each image's caption goes to either by a coin.
    prepared = scorer()
    draw = np.random.default_rng(2)
    other = shortened(HYPOTHESES, 1)
    below = 0
    for _ in range(60):
        coin = draw.random(61) < 0.5
        one = [a if c else b for a, b, c in zip(HYPOTHESES, other, coin, strict=True)]
        two = [b if c else a for a, b, c in zip(HYPOTHESES, other, coin, strict=True)]
        pair = (prepared.score_tokens(one), prepared.score_tokens(two))
        below += metrics.compare(*pair, resamples=200)["rouge_l"].p_value < 0.2
    # 12 of 60 expected, standard deviation 3.1.
    assert 3 <= below <= 22


def test_a_seed_gives_the_same_draws():
    found = scorer().score_tokens(HYPOTHESES)
    one, two, other = (
        metrics.bootstrap_intervals(found, seed=seed)["bleu_2"] for seed in (1, 1, 2)
    )
    assert one == two != other


def test_draws_in_blocks_are_the_same(monkeypatch):
    found = scorer().score_tokens(HYPOTHESES)
    before = metrics.bootstrap_intervals(found, resamples=50)
    monkeypatch.setattr("caption.metrics.bootstrap._BLOCK", 61 * 7)
    after = metrics.bootstrap_intervals(found, resamples=50)
    for name, interval in before.items():
        assert (after[name].low, after[name].high) == pytest.approx((interval.low, interval.high))


def test_what_cannot_be_compared():
    prepared = scorer()
    found = prepared.score_tokens(HYPOTHESES)
    others = metrics.score([["a b"], ["c"]], ["a", "b"], tokenize=str.split)
    with pytest.raises(UserError, match="two systems with one"):
        metrics.compare(found, others)
    coco = metrics.CaptionScorer(WORDS, tokenize=str.split, compat="coco")
    with pytest.raises(UserError, match="one signature of bleu"):
        metrics.compare(found, coco.score_tokens(HYPOTHESES))
    with pytest.raises(UserError, match="between 0 and 1, got 95"):
        metrics.bootstrap_intervals(found, level=95)
    with pytest.raises(UserError, match="at least 1, got 0"):
        metrics.compare(found, found, resamples=0)
    with pytest.raises(UserError, match=r"resamples: expected a whole number.*got 1\.5"):
        metrics.compare(found, found, resamples=1.5)
    with pytest.raises(UserError, match="seed: expected a whole number, at least 0, got -1"):
        metrics.compare(found, found, seed=-1)
    with pytest.raises(UserError, match=r"seed: .* got -1"):
        metrics.bootstrap_intervals(found, seed=-1)


def test_a_comparison_says_how_far_it_is(monkeypatch):
    found = scorer().score_tokens(HYPOTHESES)
    monkeypatch.setattr("caption.metrics.bootstrap._BLOCK", 61 * 30)
    seen = []
    metrics.compare(found, found, resamples=50, progress=lambda *at: seen.append(at))
    # 30 and 20 draws, of each of three metrics.
    assert seen == [(n, 150) for n in (30, 50, 80, 100, 130, 150)]
