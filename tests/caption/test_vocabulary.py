"""The vocabulary: what is counted, what is refused, what a model reads."""

import json
import subprocess
import sys

import numpy as np
import pytest

from caption import vocabulary as module
from caption.data import scenes
from caption.data.records import CaptionedPictures
from caption.vocabulary import END, MARKS, PAD, START, UNKNOWN, Vocabulary, batch
from simlearn.data.files import open_files
from simlearn.data.records import PictureArray, StoredPictures
from simlearn.errors import DatasetError, UserError

CAPTIONS = [
    ["a", "dog", "runs", "a", "race"],
    ["a", "cat", "runs"],
    ["dog", "and", "cat", "and", "cat"],
]
# Counted by hand: a 3, cat 3, and 2, dog 2, runs 2, race 1.
RANKED = ("a", "cat", "and", "dog", "runs", "race")


def record(ids, captions, name="pets"):
    pictures = PictureArray(np.zeros((len(ids), 5, 7, 3), np.uint8))
    return CaptionedPictures(pictures, np.array(ids), captions, name)


TRAIN = record([2, 3], (("A dog runs.", "Two dogs!"), ("A cat.",)), "pets-train")
TEST = record([5, 7, 11], (("A zebra.",), ("A cat.",), ("The dog.",)), "pets-test")


def test_the_marks_are_the_contract():
    assert (PAD, START, END, UNKNOWN) == (0, 1, 2, 3)
    vocabulary = Vocabulary(("a", "b"))
    assert vocabulary.names == (*MARKS, "a", "b")
    assert len(vocabulary) == 6


def test_words_are_numbered_by_frequency_then_alphabet():
    assert Vocabulary.from_captions(CAPTIONS).words == RANKED
    assert Vocabulary.from_captions(reversed(CAPTIONS)).words == RANKED
    assert Vocabulary.from_captions(CAPTIONS).numbers == {w: 4 + i for i, w in enumerate(RANKED)}


@pytest.mark.parametrize(
    ("min_count", "most", "kept"),
    [(1, None, 6), (2, None, 5), (3, None, 2), (1, 1, 1), (2, 3, 3), (2, 17, 5)],
)
def test_rare_words_are_left_out(min_count, most, kept):
    vocabulary = Vocabulary.from_captions(CAPTIONS, min_count=min_count, most=most)
    assert vocabulary.words == RANKED[:kept]
    assert len(vocabulary) == 4 + kept


def test_encoding_and_decoding():
    vocabulary = Vocabulary.from_captions(CAPTIONS, min_count=2)
    assert vocabulary.encode(["a", "race", "cat", "<end>", "A"]) == [4, 3, 5, 3, 3]
    assert vocabulary.encode([]) == []
    tokens = [START, PAD, 4, UNKNOWN, 8, END, 5, END]
    assert vocabulary.decode(tokens) == ["a", "<unknown>", "runs"]
    assert vocabulary.decode(np.array([4, 5], np.int32)) == ["a", "cat"]
    for words in CAPTIONS[1:]:
        assert vocabulary.decode(vocabulary.encode(words)) == words


@pytest.mark.parametrize("token", [-1, 9, 10])
def test_a_number_that_is_none_is_refused(token):
    with pytest.raises(UserError, match=f"from 0 to 8, and received {token}"):
        Vocabulary.from_captions(CAPTIONS, min_count=2).decode([4, token])


def test_marks_among_the_words_of_a_caption_are_unknown_words():
    vocabulary = Vocabulary.from_captions([["<end>", "<end>", "dog", ""]])
    assert vocabulary.words == ("dog",)
    assert vocabulary.encode(["<end>", "dog"]) == [UNKNOWN, 4]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Vocabulary(("a", "b", "a")), "each word once, and received 'a' again"),
        (lambda: Vocabulary(("a", "<pad>")), "received '<pad>'"),
        (lambda: Vocabulary(("a", "")), "received ''"),
        (lambda: Vocabulary("dog"), "received 'dog'"),
        (lambda: Vocabulary.from_captions(["a dog"]), "received 'a dog'"),
        (lambda: Vocabulary.from_captions([[1, 2]]), r"received \[1, 2\]"),
        (lambda: Vocabulary.from_captions([]), "received 0 captions with 0 words"),
        (lambda: Vocabulary.from_captions(CAPTIONS, min_count=4), "4 times or more.*3 .* 6 words"),
        (lambda: Vocabulary.from_captions(CAPTIONS, min_count=0), "min_count .* from 1.* 0"),
        (lambda: Vocabulary.from_captions(CAPTIONS, most=0), "most .* from 1.* 0"),
        (lambda: Vocabulary.from_captions(CAPTIONS, most=2.5), "most .* from 1.* 2.5"),
        (lambda: Vocabulary(("a",)).encode("a dog"), "received 'a dog'"),
        (lambda: Vocabulary(("a",)).unknowns(["a dog"]), "received 'a dog'"),
    ],
)
def test_what_cannot_be_is_refused(build, message):
    with pytest.raises(UserError, match=message):
        build()


def test_records_are_split_as_the_evaluation_splits():
    vocabulary = Vocabulary.from_records(TRAIN, held_out=[TEST])
    # a 2; cat, dog, dogs, runs, two 1: small letters, no punctuation, nothing of the test split.
    assert vocabulary.words == ("a", "cat", "dog", "dogs", "runs", "two")
    assert Vocabulary.from_records(TRAIN, held_out=[TEST], most=2, min_count=1).words == (
        "a",
        "cat",
    )


def test_a_picture_that_is_held_out_is_not_counted():
    mixed = record([13, 7, 3, 2], (("x",), ("A cat.",), ("y",), ("z",)), "pets-mixed")
    with pytest.raises(UserError, match=r"pets-train and pets-mixed, .*: id 2, id 3$"):
        Vocabulary.from_records(TRAIN, held_out=[TEST, mixed])
    with pytest.raises(UserError, match=r"id 2, id 3, id 7 and 1 more"):
        Vocabulary.from_records(mixed, held_out=[record([7, 2, 13, 3, 17], ((),) * 5)])


def test_a_file_that_is_held_out_is_not_counted_under_another_id(tmp_path):
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (tmp_path / name).write_bytes(b"not opened")
    files = open_files(tmp_path)

    def stored(ids, paths, name):
        pictures = StoredPictures(files, tuple(paths))
        return CaptionedPictures(pictures, np.array(ids), (("A dog.",),) * len(ids), name)

    train = stored([1, 2], ["a.jpg", "b.jpg"], "train")
    with pytest.raises(UserError, match=r"train and test, .*b\.jpg"):
        Vocabulary.from_records(train, held_out=[stored([3, 4], ["c.jpg", "b.jpg"], "test")])
    Vocabulary.from_records(train, held_out=[stored([3], ["c.jpg"], "test")])


@pytest.mark.parametrize("held_out", [[], (), TEST])
def test_what_is_held_out_must_be_said(held_out):
    with pytest.raises(UserError, match="expected the splits that are held out"):
        Vocabulary.from_records(TRAIN, held_out=held_out)


def test_only_the_captions_that_were_counted_may_be_trained_on():
    vocabulary = Vocabulary.from_records(TRAIN, held_out=[TEST])
    vocabulary.require_counted_on(TRAIN)
    vocabulary.require_counted_on(TRAIN.take([1, 0]))
    with pytest.raises(UserError, match=r"pets-test: .*zebra \(1\)"):
        vocabulary.require_counted_on(TEST)
    with pytest.raises(UserError, match="pets-train: expected the captions"):
        vocabulary.require_counted_on(TRAIN.take([0]))
    together = record([2, 3, 5], (*TRAIN.captions, *TEST.take([0]).captions), "everything")
    with pytest.raises(UserError, match="everything"):
        vocabulary.require_counted_on(together)
    with pytest.raises(UserError, match="counted on \\(none\\)"):
        Vocabulary(vocabulary.words).require_counted_on(TRAIN)


def test_rendered_splits_are_apart():
    train, test = scenes.render(7, seed=0), scenes.render(5, seed=0, split="test")
    vocabulary = Vocabulary.from_records(train, held_out=[test])
    vocabulary.require_counted_on(train)
    assert vocabulary.encode(["a"])[0] < 8


def test_unknown_words_are_counted_three_ways():
    vocabulary = Vocabulary.from_captions(CAPTIONS, min_count=2)
    others = [["a", "red", "zoo"], ["a", "dog"], ["zoo", "zoo", "cat", "race"], []]
    found = vocabulary.unknowns(others, shown=2)
    # Tokens 3 + 2 + 4; unknown: zoo 3, race 1, red 1. Types: a red race dog cat zoo.
    assert (found.tokens, found.unknown_tokens, found.token_share) == (9, 5, 5 / 9)
    assert (found.types, found.unknown_types, found.type_share) == (6, 3, 3 / 6)
    assert (found.captions, found.captions_with_unknown, found.caption_share) == (4, 2, 2 / 4)
    assert found.most_frequent == (("zoo", 3), ("race", 1))
    assert str(found).startswith("55.56 % of 9 tokens, 50.00 % of 6 words, 50.00 % of 4 captions")
    assert json.loads(json.dumps(found.as_json()))["most_frequent"] == [["zoo", 3], ["race", 1]]
    nothing = vocabulary.unknowns([])
    assert (nothing.token_share, nothing.type_share, nothing.caption_share) == (0, 0, 0)


def test_a_file_gives_the_same_vocabulary_back(tmp_path):
    vocabulary = Vocabulary.from_captions([["naïve", "犬", "dog"], ["dog"]])
    vocabulary.save(tmp_path / "words.json")
    again = Vocabulary.load(tmp_path / "words.json")
    assert again == vocabulary
    assert again.fingerprint() == vocabulary.fingerprint()
    assert again.counted_on == vocabulary.counted_on != ""
    assert [path.name for path in tmp_path.iterdir()] == ["words.json"]
    assert "犬" in (tmp_path / "words.json").read_text(encoding="utf-8")


def test_fingerprints_tell_the_order_of_words():
    prints = [Vocabulary(w).fingerprint() for w in [("a", "b"), ("b", "a"), ("a b",), ("a\nb",)]]
    assert len(set(prints)) == 4
    assert Vocabulary(("a", "b")) != Vocabulary(("b", "a"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "JSON"),
        (b"[]", "words.json"),
        (b'{"format": "caption vocabulary 2", "counted_on": "", "words": []}', "vocabulary 2'"),
        (b'{"format": "caption vocabulary 1", "counted_on": ""}', "words"),
        (b'{"format": "caption vocabulary 1", "counted_on": "", "words": [3]}', "words"),
        (b'{"format": "caption vocabulary 1", "counted_on": 3, "words": []}', "counted_on"),
        (b'{"format": "caption vocabulary 1", "counted_on": "", "words": ["a", "a"]}', "once"),
    ],
)
def test_another_file_is_refused_by_name(tmp_path, content, message):
    path = tmp_path / "words.json"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=message) as caught:
        Vocabulary.load(path)
    assert str(path) in str(caught.value)
    with pytest.raises(DatasetError, match="nowhere"):
        Vocabulary.load(tmp_path / "nowhere.json")


def test_a_batch_is_the_caption_and_the_caption_one_step_on():
    inputs, targets = batch([[5, 7, 11], [], [UNKNOWN]])
    assert inputs.tolist() == [[1, 5, 7, 11], [1, 0, 0, 0], [1, 3, 0, 0]]
    assert targets.tolist() == [[5, 7, 11, 2], [2, 0, 0, 0], [3, 2, 0, 0]]
    assert inputs.dtype == targets.dtype == np.int32
    # What is read but START, and what is said but END, is the caption; both end in one step.
    np.testing.assert_array_equal((inputs != PAD).sum(1), (targets != PAD).sum(1))


def test_a_long_caption_is_cut_and_does_not_pretend_to_end():
    inputs, targets = batch([[5, 7, 11, 13], [5, 7], [5]], length=2)
    assert inputs.tolist() == [[1, 5], [1, 5], [1, 5]]
    assert targets.tolist() == [[5, 7], [5, 7], [5, 2]]
    inputs, targets = batch([[5, 7]], length=5)
    assert inputs.tolist() == [[1, 5, 7, 0, 0]]
    assert targets.tolist() == [[5, 7, 2, 0, 0]]


def test_an_empty_batch_has_no_rows():
    inputs, targets = batch([])
    assert inputs.shape == targets.shape == (0, 1)
    assert batch([], length=7)[0].shape == (0, 7)


@pytest.mark.parametrize("mark", [PAD, START, END, -1])
def test_a_batch_adds_the_marks_itself(mark):
    with pytest.raises(UserError, match="numbers of words, from 3"):
        batch([[5], [5, mark]])


@pytest.mark.parametrize("length", [0, -3, 2.0, True])
def test_a_row_has_a_length(length):
    with pytest.raises(UserError, match="length"):
        batch([[5]], length=length)


def test_everything_public_is_there_without_tensorflow():
    assert all(hasattr(module, name) for name in module.__all__)
    code = "import sys, caption.vocabulary; print({'tensorflow', 'keras'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
