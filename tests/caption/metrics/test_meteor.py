"""METEOR on data files of a handful of words: derived by hand, and as METEOR itself told them."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from caption.metrics.meteor import Meteor
from caption.metrics.meteor._vocabulary import java_hash
from simlearn.errors import UserError
from tests.caption.metrics.make_meteor_reference import TWINS, write_data

FILES = {
    "function/english.words": "a\nthe\nof\n",
    "nonbreaking/english.prefixes": "mr\n",
    "synonym/english.synsets": "dog\n1 2\nhound\n2\ncat\n3\n",
    "synonym/english.exceptions": "",
}
PARAPHRASES = (
    "0.5\nbig cat\ntiger\n0.25\ntiger\nbig cat\n"
    "0.1\nsix old men sat\nthey all did\n0.1\nthe six old men sat\nthey all did\n"
)
STORED = json.loads(Path(__file__).with_name("meteor_reference.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (folder / "paraphrase-en.gz").write_bytes(gzip.compress(PARAPHRASES.encode()))
    return folder


@pytest.fixture(scope="module")
def meteor(data, tmp_path_factory):
    return Meteor(data, cache=tmp_path_factory.mktemp("cache"), progress=lambda share: None)


def f(precision, recall):
    """F = PR / (0.85 P + 0.15 R)."""
    return precision * recall / (0.85 * precision + 0.15 * recall)


@pytest.mark.parametrize(
    ("hypothesis", "reference", "expected"),
    [
        ("a dog runs", "a dog runs", 1.0),
        # One content word (0.75) of one content and one function word (0.25); in one chunk of one
        # word on either side, so 0.6 of the fragmentation 1 is taken off.
        ("the dog", "a dog", f(0.75, 0.75) * (1 - 0.6)),
        # All words in one chunk, by stem (0.6), by synonym (0.8).
        ("runs", "run", 0.6),
        ("hound", "dog", 0.8),
        # "a" by itself, "big cat" by the table (0.6).
        ("a big cat", "a tiger", f((0.25 + 0.6 * 1.5) / 1.75, (0.25 + 0.6 * 0.75) / 1.0)),
        # Both words, in two chunks: fragmentation 2 * 2 / (2 + 2), a perfect match but for that.
        ("dog cat", "cat dog", 1 - 0.6),
        ("dog", "cat", 0.0),
        ("", "cat", 0.0),
        # Stem and synonym at once: each covers half a word, rounded down, so that none is as good
        # as either. METEOR says 0, too.
        ("dogs", "dog", 0.0),
        # Four words cover as much as five, half of them rounded down: the first match is taken.
        (
            "six old men sat the six old men sat",
            "they all did",
            f(0.6 * 3 / 6.25, 0.6) * (1 - 0.6 * (1 / 3.5) ** 0.2),
        ),
        # Nothing but exact matches between equal sentences.
        ("dogs dog dogs dog", "dogs dog dogs dog", 1.0),
    ],
)
def test_scores_are_those_derived_by_hand(meteor, hypothesis, reference, expected):
    assert meteor.score([hypothesis], [[reference]]).segments[0] == pytest.approx(expected)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Scores of the pairs that METEOR scored, from the same data."""
    folder = tmp_path_factory.mktemp("told")
    write_data(folder)
    meteor = Meteor(folder, cache=folder / "cache", progress=lambda share: None)
    pairs = STORED["pairs"]
    return meteor.score([p["hypothesis"] for p in pairs], [[p["reference"]] for p in pairs])


def test_counts_and_scores_are_those_that_meteor_told(told):
    counts = [[int(number) for number in pair["counts"].split()] for pair in STORED["pairs"]]
    np.testing.assert_array_equal(told.counts, counts)
    scores = [pair["score"] for pair in STORED["pairs"]]
    np.testing.assert_allclose(told.segments, scores, rtol=0, atol=1e-12)
    assert told.corpus == pytest.approx(STORED["corpus"], abs=1e-12)


def test_the_pairs_that_meteor_was_told_use_each_kind_of_match(told):
    assert (told.counts[:, 4:20].reshape(-1, 4, 4).sum((0, 2)) > 40).all()
    assert (told.counts[:, 20] > 4).sum() > 20


def test_words_of_one_hash_are_one_word(meteor):
    # 31 * 118 + 49 = 31 * 116 + 111; a pair of surrogates 0xd83d, 0xde00.
    assert java_hash("v1") == java_hash("to") == 3707
    assert java_hash("\U0001f600") == 31 * 0xD83D + 0xDE00
    assert java_hash("a hash of 32 bits") < 2**32
    # "f1g" is "dog" to METEOR, to a stem too ("dogs"), but has no synonyms, and is not the table's.
    pairs = [("f1g", "dog"), ("f1g", "dogs"), ("f1g", "hound"), ("big cc6", "tiger")]
    found = meteor.score([own for own, _ in pairs], [[other] for _, other in pairs])
    assert found.segments.tolist() == pytest.approx([1.0, 0.6, 0.0, 0.0])


def test_the_pairs_that_meteor_was_told_hold_words_of_one_hash():
    twins = set(TWINS.values())
    held = [twins & set(f"{p['hypothesis']} {p['reference']}".split()) for p in STORED["pairs"]]
    assert sum(map(bool, held)) > 20


def test_the_best_reference_counts_and_the_corpus_sums_what_was_counted(meteor):
    scores = meteor.score(["the dog", "a dog runs"], [["cat", "a dog"], ["a dog runs", "cat"]])
    assert scores.segments == pytest.approx([0.3, 1.0])
    # Content words 1 + 2 of 1 + 2, function words 0 + 1 of 1 + 1, alike on both sides; one chunk
    # over 1 + 3 matched words, as the perfect sentence adds none.
    share = (0.75 * 3 + 0.25 * 1) / (0.75 * 3 + 0.25 * 2)
    assert scores.corpus == pytest.approx(share * (1 - 0.6 * (1 / 4) ** 0.2))


def test_phrases_of_a_hundred_words_match(data, tmp_path):
    long = " ".join(f"w{number}" for number in range(100))
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((data / name).read_bytes())
    (tmp_path / "paraphrase-en.gz").write_bytes(gzip.compress(f"0.5\n{long}\nlist\n".encode()))
    own = Meteor(tmp_path, cache=tmp_path / "cache", progress=lambda share: None)
    # Once, all words by the table; twice, so that the two phrases overlap in the one word.
    found = own.score([long, f"{long} {long}"], [["list"], ["list"]])
    assert found.counts[:, 16].tolist() == [100, 100]
    assert found.segments[0] == pytest.approx(0.6)


def test_a_compiled_table_is_kept_and_a_damaged_one_refused(data, tmp_path):
    said = []
    Meteor(data, cache=tmp_path, progress=said.append)
    assert said[-1] == 1.0
    said.clear()
    Meteor(data, cache=tmp_path, progress=said.append)
    assert said == []
    (table,) = [path for path in tmp_path.iterdir() if path.is_file()]
    table.write_bytes(table.read_bytes()[:-7])
    with pytest.raises(UserError, match=table.name):
        Meteor(data, cache=tmp_path, progress=said.append)


@pytest.mark.parametrize("missing", ["paraphrase-en.gz", "function/english.words"])
def test_what_is_missing_is_named(data, tmp_path, missing):
    for name in [*FILES, "paraphrase-en.gz"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        if name != missing:
            (tmp_path / name).write_bytes((data / name).read_bytes())
    with pytest.raises(UserError, match=rf"{missing}.*pip install pycocoevalcap"):
        Meteor(tmp_path)


def test_captions_without_references_are_refused(meteor):
    with pytest.raises(UserError, match="each of 1 hypotheses, got 2"):
        meteor.score(["a"], [["a"], ["a"]])
    with pytest.raises(UserError, match=r"references\[0\]: expected at least one"):
        meteor.score(["a"], [[]])
