"""Captions in, scores and signatures out."""

import pytest

from caption import metrics
from caption.metrics import CaptionScorer, References
from simlearn.errors import UserError
from tests.caption.metrics.make_meteor_reference import write_data

REFERENCES = {42: ["a dog runs", "a brown dog"], 7: ["the cat sleeps"], 3: ["two birds"]}
HYPOTHESES = {3: "two dogs", 42: "a dog", 7: "the cat sleeps"}


def scored(**settings):
    return metrics.score(REFERENCES, HYPOTHESES, tokenize=str.split, **settings)


def test_every_metric_of_every_image_by_id():
    found = scored(metrics=("bleu", "rouge_l", "cider_d"))
    assert found.ids == (42, 7, 3)
    names = ["bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "cider_d"]
    assert list(found.corpus) == list(found.per_image) == names
    assert found.per_image["rouge_l"][1] == 1.0
    # 1-grams: 2 of 2, 3 of 3, 1 of 2; 7 words beside 3 + 3 + 2.
    expected = 6 / 7 * 2.718281828459045 ** (1 - 8 / 7)
    assert found.corpus["bleu_1"] == pytest.approx(expected)
    words = [[text.split() for text in texts] for texts in REFERENCES.values()]
    own = [HYPOTHESES[key].split() for key in REFERENCES]
    assert found.corpus["cider_d"] == metrics.CiderD(words).score(own).corpus["cider_d"]


def test_a_scorer_is_used_again():
    scorer = CaptionScorer(list(REFERENCES.values()), tokenize=str.split)
    one = scorer.score(["a dog", "the cat", "birds"])
    other = scorer.score(["a brown dog", "the cat sleeps", "two birds"])
    assert other.corpus["rouge_l"] == 1.0 > one.corpus["rouge_l"]
    assert scorer.score(["a dog", "the cat", "birds"]).corpus == one.corpus


def test_a_signature_says_what_a_score_depends_on():
    lines = scored().signatures
    assert set(lines) == {"bleu", "rouge_l", "cider_d"}
    hashed = References([[t.split() for t in v] for v in REFERENCES.values()]).fingerprint[:12]
    assert lines["cider_d"].startswith(f"cider_d|tok:builtins.str.split|idf:{hashed}|idf_images:3|")
    assert f"|images:3|refs:1-2|refs_hash:{hashed}|compat:none|version:" in lines["bleu"]
    assert "|compat:coco|" in scored(compat="coco").signatures["bleu"]
    others = metrics.score(
        REFERENCES | {3: ["birds"]}, HYPOTHESES, tokenize=str.split, metrics=["bleu"]
    )
    assert others.signatures["bleu"] != lines["bleu"]


def test_weights_of_another_corpus_show_in_the_signature():
    corpus = metrics.document_frequencies([[["a", "dog"]], [["a"]]])
    found = scored(frequencies=corpus)
    assert f"|idf:{corpus.fingerprint[:12]}|idf_images:2|" in found.signatures["cider_d"]
    assert found.corpus["cider_d"] != scored().corpus["cider_d"]


def test_progress_reaches_the_end():
    seen = []
    scorer = CaptionScorer(
        [["a dog"] * 700, ["a cat"] * 700],
        metrics=["bleu"],
        tokenize=str.split,
        progress=lambda done, total: seen.append((done, total)),
    )
    scorer.score(["a", "b"], progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1000, 1400), (1400, 1400), (2, 2)]


@pytest.mark.parametrize(
    ("references", "hypotheses", "settings", "message"),
    [
        (REFERENCES, {3: "x", 42: "y"}, {}, "hypotheses: expected one for image 7, got none"),
        (REFERENCES, HYPOTHESES | {9: "x"}, {}, "references: expected some for image 9, got none"),
        (REFERENCES, ["x", "y", "z"], {}, "expected captions by id, .* got list"),
        ([["a"]], {0: "a"}, {}, "expected captions in their order, .* got dict"),
        ([["a"]], "a", {}, "expected captions in their order, .* got str"),
        ([["a"]], ["a", "b"], {}, "one for each of 1 images, got 2"),
        ([["a"], []], ["a", "b"], {}, "at least one for image 1, got none"),
        (["a dog"], ["a"], {}, "expected a list for image 0, got 'a dog'"),
        ([["a"]], ["a"], {"metrics": ["bleu", "blue"]}, r"expected some of bleu, .* \['blue'\]"),
        ({7: ["a"], 8: []}, {7: "a", 8: "b"}, {}, "at least one for image 8, got none"),
        (None, ["a"], {}, "references: expected a list for each image, .* got None"),
        ({7: None}, {7: "a"}, {}, "references: expected a list for image 7, got None"),
        ({7: ["a", None]}, {7: "a"}, {}, "references: expected text for image 7, got None"),
        ({7: ["a"]}, {7: None}, {}, "hypotheses: expected text for image 7, got None"),
        ({7: ["a"]}, {7: "a \ud800"}, {}, "for image 7, got half a character in 'a "),
        ([["a"]], ["a"], {"metrics": "bleu"}, "metrics: expected a list of names, got 'bleu'"),
        ([["a"]], ["a"], {"compat": "java"}, "None or 'coco', got 'java'"),
        ([["a"]], ["a"], {"metrics": ["cider_d"]}, "cider_d: expected at least 2 images"),
    ],
)
def test_what_cannot_be_scored(references, hypotheses, settings, message):
    settings = {"metrics": ["bleu"], "tokenize": str.split} | settings
    with pytest.raises(UserError, match=message):
        metrics.score(references, hypotheses, **settings)


def test_meteor_says_what_is_missing(tmp_path):
    with pytest.raises(UserError, match=r"expected meteor-1.5.jar and paraphrase-en.gz"):
        scored(metrics=["meteor"], meteor_data=tmp_path)


def test_meteor_refuses_what_would_fill_the_memory(tmp_path, monkeypatch):
    write_data(tmp_path / "data")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    settings = {"metrics": ["meteor"], "tokenize": str.split, "meteor_data": tmp_path / "data"}
    seen = []
    scorer = CaptionScorer({7: ["a cat"], 8: ["the " * 8000]}, **settings)
    with pytest.raises(UserError, match="meteor: image 8: expected captions with at most 250000"):
        scorer.score({7: "a cat", 8: "the " * 8000})
    monkeypatch.setattr("caption.metrics.meteor._pairs.MOST_MATCHES", 60 * 60)
    scorer = CaptionScorer({7: ["a cat"], 8: ["the " * 60]}, **settings)
    found = scorer.score({7: "a cat", 8: "the " * 60}, progress=lambda *at: seen.append(at))
    assert found.per_image["meteor"].tolist() == [1.0, 1.0]
    # Two captions cut into words, two aligned.
    assert seen == [(2, 2), (2, 2)]
    with pytest.raises(UserError, match=r"meteor: image 8: .* 3600 matches .* 61 and 60 words"):
        scorer.score({7: "a cat", 8: "the " * 61})


def test_meteor_of_captions_is_a_score_as_the_others_are(tmp_path, monkeypatch):
    write_data(tmp_path / "data")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    scorer = CaptionScorer(
        [["the dog runs", "a cat"], ["a tiger"]],
        metrics=["meteor"],
        tokenize=str.split,
        meteor_data=tmp_path / "data",
    )
    found = scorer.score(["the  dog jogs", "a tiger"])
    assert 0.5 < found.per_image["meteor"][0] < 1 == found.per_image["meteor"][1]
    part = found.parts["meteor"]
    summed = part.aggregate(part.statistics.sum(axis=0), 2)
    # A perfect match adds no chunk; the corpus score is not the mean of the images'.
    assert summed.tolist() == [found.corpus["meteor"]]
    assert found.corpus["meteor"] != pytest.approx(found.per_image["meteor"].mean(), abs=1e-3)
    assert "|options:en-norm|data:" in found.signatures["meteor"]
    assert metrics.compare(found, found, resamples=7)["meteor"].p_value == 1.0
