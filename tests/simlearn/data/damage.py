"""Damaged copies of annotation files, and the check that a reader survives all of them.

A reader given a damaged file must return what a naive parse of the same bytes returns, or raise
DatasetError; nothing else. Strict is allowed: an error is right for any damaged file.
"""

import random

import pytest

from simlearn.errors import DatasetError

TOKENS = [
    b"", b" ", b"\t", b"\n", b"\r", b"\r\n", b"-", b"+", b".", b"0", b"9", b"-1", b"1e9", b"1e999",
    b"nan", b"inf", b"1_0", b"0x1", b"..", b"../", b"/", b"\\", b"\x00", b"\x1c", b"\x1f", b"\x7f",
    b"\xff", b"\xc2\x85", b"\xe2\x80\xa8", b"\xd9\xa3", b"\xef\xbb\xbf", b",", b"#", b'"', b"{",
    b"}", b"[", b"]", b":", b"null", b"true", b"NaN", b"99999999999999999999999", b"a" * 300,
]  # fmt: skip


def damaged(content: bytes, seed: int) -> bytes:
    """One to three random injuries: bytes, tokens and lines changed, lost, doubled or swapped."""
    chance = random.Random(seed)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        content = chance.choice(INJURIES)(content, chance)
    return content


def _byte(content, chance):
    at = chance.randrange(len(content) + 1)
    return content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :]


def _token(content, chance):
    at, cut = chance.randrange(len(content) + 1), chance.choice((0, 0, 1, 2, 5))
    return content[:at] + chance.choice(TOKENS) + content[at + cut :]


def _cut_off(content, chance):
    return content[: chance.randrange(len(content) + 1)]


def _lost_start(content, chance):
    return content[chance.randrange(len(content) + 1) :]


def _lines(content, chance):
    lines = content.split(b"\n")
    first, second = chance.randrange(len(lines)), chance.randrange(len(lines))
    match chance.randrange(3):
        case 0:
            del lines[first]
        case 1:
            lines.insert(second, lines[first])
        case _:
            lines[first], lines[second] = lines[second], lines[first]
    return b"\n".join(lines)


def _words(content, chance):
    words = content.split(b" ")
    at = chance.randrange(len(words))
    match chance.randrange(3):
        case 0:
            del words[at]
        case 1:
            words.insert(at, words[chance.randrange(len(words))])
        case _:
            words[at] = chance.choice(TOKENS)
    return b" ".join(words)


def _digit(content, chance):
    places = [i for i, byte in enumerate(content) if byte in b"0123456789"]
    if not places:
        return content
    at = chance.choice(places)
    return content[:at] + b"%d" % chance.randrange(10) + content[at + 1 :]


INJURIES = (_byte, _token, _cut_off, _lost_start, _lines, _words, _digit, _digit)

COPIES = [
    pytest.param(500, id="some"),
    pytest.param(10_000, id="many", marks=pytest.mark.slow),
]
"""For `@pytest.mark.parametrize("copies", COPIES)`."""


def check_damage(content: bytes, read, naive, copies: int) -> None:
    """Compare a reader with a naive parse on damaged copies of a file.

    Args:
        content: The whole file.
        read: bytes -> anything that `==` compares; may raise DatasetError.
        naive: bytes -> the same thing by an independent, simple parse; may raise anything.
        copies: How many damaged copies.
    """
    assert read(content) == naive(content)
    refused = 0
    for seed in range(copies):
        copy = damaged(content, seed)
        try:
            received = read(copy)
        except DatasetError:
            refused += 1
            continue
        assert received == naive(copy), f"seed {seed}: {copy!r}"
    # Where nothing or everything is refused, the comparison above proves nothing.
    assert 0.1 * copies < refused < 0.99 * copies, refused
