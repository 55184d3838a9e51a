"""The stemmer beside NLTK's, written by others from the same description."""

import re
from pathlib import Path

import pytest
from nltk.stem.snowball import EnglishStemmer

from caption.metrics._stemmer import stem

ROOT = Path(__file__).parents[3]


def test_english_prose_has_the_stems_that_nltk_finds():
    prose = " ".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").rglob("*.md"))
    words = set(re.findall(r"[a-z]+(?:'[a-z]+)?", prose.lower()))
    assert len(words) > 1000
    theirs = EnglishStemmer()
    assert {word: stem(word) for word in words} == {word: theirs.stem(word) for word in words}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        # From the description: regions, special words, each step's suffixes.
        ("generously", "generous"), ("communism", "communism"), ("arsenal", "arsenal"),
        ("skies", "sky"), ("dying", "die"), ("earring", "earring"), ("news", "news"),
        ("ties", "tie"), ("cries", "cri"), ("gas", "gas"), ("gaps", "gap"), ("kiwis", "kiwi"),
        ("agreed", "agre"), ("luxuriating", "luxuri"), ("hopping", "hop"), ("hoping", "hope"),
        ("by", "by"), ("cry", "cri"), ("enjoy", "enjoy"), ("youth", "youth"), ("a", "a"), ("", ""),
        ("'tis", "tis"), ("dogs'", "dog"), ("dog's", "dog"), ("hopefulness", "hope"),
        ("relational", "relat"), ("adoption", "adopt"), ("opinion", "opinion"),
        ("controlled", "control"), ("rate", "rate"), ("caf\u00e9s", "caf\u00e9"),
        # METEOR's program told these; NLTK keeps an "e" at the end.
        ("realization", "realiz"), ("irrationality", "irrat"), ("vocationally", "vocat"),
    ],
)  # fmt: skip
def test_stems_are_those_of_the_description(word, expected):
    assert stem(word) == expected
