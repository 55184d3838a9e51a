# ruff: noqa: RUF001
"""Tokens as the reference makes them.

`tokenizer_reference.json` holds what Stanford's PTBTokenizer 3.4.1 printed for invented captions;
`make_tokenizer_reference.py` remakes it.
"""

import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from caption import tokenizer
from caption.tokenizer import DROPPED, tokenize, tokenize_corpus
from simlearn.errors import UserError

HERE = Path(__file__).parent
STORED = json.loads((HERE / "tokenizer_reference.json").read_text(encoding="ascii"))
CORPUS = STORED["corpus"]
LINE_ENDS = "\r\x0b\x0c\u2028\u2029"

# Pieces that pull at different rules, glued at random.
GLUE = """
. , ; : ? ! ... - -- ' '' " ` ( ) [ ] { } < > / \\ & @ # * _ + = ~ ^ | $ %
a A the Dog U.S. Mr. Inc. etc. No. e.g. St. dog's isn't cannot 'tis y'all O'Er
1 10 1,000 3.5 1/2 3:30 90s 555-1234 t-shirt and/or AT&T foo.com a@b.c :) &amp;
-lrb- -RRB- non-U.S. .12.jpg D.C. ol' .5 &AMP; A&B b_c 3/4 www.a.net c'mon 's 'd
<b> </b> http://a.b #tag @me 1.jpg é É 日本 ½ € ’ ‘ “ ” – … 😀 x\u0301 \u00ad
"""
PIECES = (*GLUE.split(), " ", "  ", "\t", "\u00a0", "\u2009", "\n")
glued = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@pytest.mark.parametrize("kind", STORED["captions"])
def test_tokens_are_the_references(kind):
    for caption, tokens in STORED["captions"][kind]:
        assert tokenize(caption) == tokens, caption


def test_the_whole_corpus_as_the_reference_tokenises_it():
    """Lines that break and shift, and full stops that the next caption decides about."""
    captions = CORPUS["captions"]
    assert tokenize_corpus(captions, compat="coco") == CORPUS["lines"][: len(captions)]


def test_by_default_captions_do_not_meet():
    captions = CORPUS["captions"]
    separate = tokenize_corpus(captions)
    assert separate == [tokenize(caption) for caption in captions]
    assert separate[captions.index("a vertical\x0btab")] == ["a", "vertical", "tab"]
    assert separate[0][-1] == "k."  # "k" in the reference, for "An" begins the next caption
    assert separate == tokenize_corpus(captions[::-1])[::-1]


@pytest.mark.parametrize("end", LINE_ENDS)
def test_a_line_end_shifts_what_follows_only_in_the_reference(end):
    captions = [f"one{end}two", "three", "four"]
    assert tokenize_corpus(captions) == [["one", "two"], ["three"], ["four"]]
    assert tokenize_corpus(captions, compat="coco") == [["one"], ["two"], ["three"]]


def test_a_newline_is_a_space_for_both():
    assert tokenize_corpus(["a\nb", "c"]) == [["a", "b"], ["c"]]
    assert tokenize_corpus(["a\nb", "c"], compat="coco") == [["a", "b"], ["c"]]


def test_blank_captions_have_no_words():
    assert tokenize_corpus(["", " ", "...", "a"], compat="coco") == [[], [], [], ["a"]]
    assert tokenize_corpus(["", " ", "...", "a"]) == [[], [], [], ["a"]]
    assert tokenize_corpus([]) == tokenize_corpus([], compat="coco") == []


def scanned(caption):
    """The tokens without the short way for chunks that are clear."""
    text = "".join(" " if c in LINE_ENDS + "\n" else c for c in caption.replace("\r\n", " "))
    return tokenizer._words(text, "\n", short=False)


@settings(max_examples=400, deadline=None)
@given(glued)
@example("Mr. Smith's U.S. dog, No. 5.")
@example('"Wash. (A) The')
@example("dog. . .5 and . . .5 too")
@example("a \u3000.net")
def test_the_short_way_changes_nothing(caption):
    assert tokenize(caption) == scanned(caption)
    assert tokenize(caption) == scanned(caption)  # now that its chunks are known


WORDS = "a I dog Dog DOG cannot Gonna t-shirt dog's isn't d'a l'eau O'Er Mr st no La wash"


def test_the_short_way_changes_nothing_for_words_with_marks():
    for word in WORDS.split():
        for before in ("", '"', "A. ", "5 ", "Inc. ", "("):
            for after in ("", ".", ",", ";", ":", "!", "?", "'", '"', '."', "..", ".,", ") "):
                for following in ("", " The", " 5", " a", "  b", " <b> c"):
                    caption = f"{before}{word}{after}{following}"
                    assert tokenize(caption) == scanned(caption), caption


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60) | glued)
def test_any_text_gives_words(caption):
    tokens = tokenize(caption)
    assert not DROPPED & set(tokens)
    for token in tokens:
        assert token
        assert not set(token) & set(" \n" + LINE_ENDS)
        assert token == token.lower()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=20) | glued, max_size=5))
def test_the_reference_way_gives_a_line_for_each_caption(captions):
    assert len(tokenize_corpus(captions, compat="coco")) == len(captions)


def test_what_is_known_is_forgotten_before_it_fills_the_memory(monkeypatch):
    monkeypatch.setattr(tokenizer, "_MOST_KNOWN", 3)
    tokenizer._known.clear()
    for letter in "abcdefg":
        assert tokenize(letter) == [letter]
        assert len(tokenizer._known) <= 3


@pytest.mark.parametrize("caption", [None, 3, b"a dog", ["a"]])
def test_what_is_not_text_is_refused(caption):
    with pytest.raises(UserError, match=f"expected a caption as text.*{type(caption).__name__}"):
        tokenize(caption)
    with pytest.raises(UserError, match=f"expected a caption as text.*{type(caption).__name__}"):
        tokenize_corpus([caption], compat="coco")


def test_half_a_surrogate_pair_is_refused():
    with pytest.raises(UserError, match=r"UTF-8 can hold, and received '\\ud83d' at 2"):
        tokenize("a \ud83d")


def test_another_compat_is_refused():
    with pytest.raises(UserError, match="compat='coco', and received 'java'"):
        tokenize_corpus(["a"], compat="java")


# Each runs on for as long as it can under some rule, and then fails.
ENDLESS = (
    *("a", "a ", "A. ", "a.", "a,", "1.", "1a.", "a-", "a'", "<!a", "<a b ", "<a b='", "&#1"),
    *("a@", "a,a,a@", "http://", "a.com/", ". ", "-", '"', "…", "\u00a0", " ", "😀", "1 ", "*."),
    *("a/", "A&", "!a", "Mr. ", "Inc.  ", "n't", "é😀.", "#a", "\x00", "&eacute;", "\u0301"),
    *("(555) ", "\u2028"),
)


WORST = ("a,", "a@,", "1a.", "*.", "<!a")


@pytest.mark.parametrize("piece", WORST)
def test_long_captions_take_no_time_to_speak_of(piece):
    caption = (piece * 100_000)[:100_000]
    start = time.process_time()
    tokenize(caption)
    # About half a second; trying anew to the end from every position takes six for the first.
    assert time.process_time() - start < 3


@pytest.mark.slow
@pytest.mark.parametrize("piece", sorted({*ENDLESS, *WORST}))
def test_time_grows_linearly_up_to_a_megabyte(piece):
    def seconds(length):
        caption = (piece * (length // len(piece) + 1))[:length]
        start = time.process_time()
        tokenize(caption)
        return time.process_time() - start

    length = 1_000_000 if piece in WORST else 200_000
    half, whole = seconds(length // 2), seconds(length)
    # Twice the text in twice the time, where 3 leaves room for noise; quadratic would be 4.
    assert whole < 3 * half + 0.2


def test_the_tokeniser_is_light():
    code = "import sys, caption.tokenizer; print('numpy' in sys.modules, 'keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def real_captions():
    data = Path(os.environ.get("SIMLEARN_DATA", "data"))
    coco = json.loads((data / "coco/captions_val2017-half.json").read_text(encoding="utf-8"))
    flickr = (data / "flickr8k/captions-train-corpus.txt").read_text(encoding="utf-8")
    return [record["caption"] for record in coco["annotations"]], flickr.rstrip("\n").split("\n")


def damaged(caption, chance):
    """A caption with some letters and words replaced by pieces."""
    words = caption.replace("\n", " ").split(" ")
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(words))
        word, piece = words[place], chance.choice(PIECES).replace("\n", " ")
        cut = chance.randrange(len(word) + 1)
        words[place] = chance.choice(
            (word + piece, piece + word, word[:cut] + piece + word[cut:], word.upper(), piece)
        )
    return " ".join(words)


@pytest.mark.real_data
@pytest.mark.skipif(
    not shutil.which("java") or not importlib.util.find_spec("pycocoevalcap"),
    reason="needs Java and pycocoevalcap",
)
def test_real_captions_and_damaged_ones_against_the_reference_itself():
    path = HERE / "make_tokenizer_reference.py"
    spec = importlib.util.spec_from_file_location("make_tokenizer_reference", path)
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    coco, flickr = real_captions()
    for captions in (coco, flickr):
        lines = reference.run([caption.replace("\n", " ") for caption in captions])
        expected = [reference.kept(line) for line in lines]
        assert tokenize_corpus(captions, compat="coco") == expected
        by_itself = tokenize_corpus(captions)
        different = sum(a != b for a, b in zip(by_itself, expected, strict=True))
        assert different < 1e-3 * len(captions)  # only full stops that the next caption decides
    chance = random.Random(11)
    worse = [damaged(chance.choice(coco), chance) for _ in range(10_000)]
    expected = reference.each(worse)
    different = [pair for pair in zip(worse, expected, strict=True) if tokenize(pair[0]) != pair[1]]
    assert different == []
