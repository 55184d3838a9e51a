"""METEOR's own second tokenisation (its option `-norm`), of captions that are tokenised already."""

import re
from collections.abc import Callable
from typing import Final

_LETTERS: Final = (
    "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u017e"
    "\u0400-\u0527\u1d00-\u1d7f\ua640-\ua66e\ua67e-\ua697"
)
_WORD: Final = f"{_LETTERS}0-9"
# Stands for each dot of an ellipsis while single dots are looked at; a private character.
_DOT: Final = "\ue000"

_BEFORE_DOTS: Final = (
    ("[\u201c\u201d]", '"'),
    ("[\u2018\u2019`]", "'"),
    ("''", '"'),
    ("\u2013", " - "),
    (rf"([^{_WORD} \t\n\x0b\f\r.',-])", r" \1 "),
)
# Each runs once over the line and eats its neighbours: `,,,` is cut once, and METEOR's is too.
_AFTER_DOTS: Final = (
    ("([^0-9]),([^0-9])", r"\1 , \2"),
    ("([0-9]),([^0-9])", r"\1 , \2"),
    ("([^0-9]),([0-9])", r"\1 , \2"),
    ("--", "-"),
    (rf"([{_WORD}.])-([{_WORD}])", r"\1 \2"),
    (rf"([^{_LETTERS}])'([^{_LETTERS}])", r"\1 ' \2"),
    (rf"([^{_WORD}])'([{_LETTERS}])", r"\1 ' \2"),
    (rf"([{_LETTERS}])'([^{_LETTERS}])", r"\1 ' \2"),
    (rf"([{_LETTERS}])'([{_LETTERS}])", r"\1 '\2"),
    ("([0-9])'(s)", r"\1 '\2"),
)
_ELLIPSIS: Final = re.compile(r"\.\.+")
_SPACE: Final = re.compile("[ \t\n\f\r]+")
_SPACING_CHARACTERS: Final = re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u3000]")
_HAS_LETTER: Final = re.compile(f"[{_LETTERS}]")
_CONTROL: Final = "".join(map(chr, range(33)))
_PLAIN: Final = re.compile("[a-z0-9 ]*")


def _compiled(rules: tuple[tuple[str, str], ...]) -> Callable[[str], str]:
    patterns = [(re.compile(pattern), replacement) for pattern, replacement in rules]

    def apply(line: str) -> str:
        for pattern, replacement in patterns:
            line = pattern.sub(replacement, line)
        return line

    return apply


_split_symbols = _compiled(_BEFORE_DOTS)
_split_words = _compiled(_AFTER_DOTS)


def normalise(line: str, always: frozenset[str], before_numbers: frozenset[str]) -> list[str]:
    """Split a line as METEOR's `-norm` does, and lower its case.

    Symbols become words, hyphens between letters disappear (`t-shirt` gives two words), a
    contraction is cut before its apostrophe, `u.s.` loses its dots, and a last dot is cut off
    unless the word is a known abbreviation or a lower-case word follows.

    Args:
        line: A caption, its tokens joined by spaces.
        always: Abbreviations that keep their dot.
        before_numbers: Those that keep it before a number (`No. 5`).

    Returns:
        The words, as METEOR matches them.

    Examples:
        >>> normalise("a t-shirt in the u.s. , it 's 1,000 $5", frozenset(), frozenset())
        ['a', 't', 'shirt', 'in', 'the', 'us', ',', 'it', "'", 's', '1,000', '$', '5']

    Deviation:
        METEOR marks an ellipsis with upper-case words of its own while it works, and mistakes such
        words in the line for it; here they stay words.
    """
    # Most tokens of a caption: nothing below would change them.
    if _PLAIN.fullmatch(line):
        return line.split()
    line = _split_symbols(f" {line} ")
    line = _ELLIPSIS.sub(lambda dots: f" {_DOT * len(dots[0])} ", line)
    words = [word for word in _SPACE.split(_split_words(line)) if word]
    following = [*words[1:], ""]
    text = " ".join(
        kept
        for word, after in zip(words, following, strict=True)
        if not _SPACING_CHARACTERS.fullmatch(
            kept := _without_last_dot(word, after, always, before_numbers)
        )
    )
    return text.replace(_DOT, ".").strip(_CONTROL).lower().split()


def _without_last_dot(
    word: str, after: str, always: frozenset[str], before_numbers: frozenset[str]
) -> str:
    if len(word) < 2 or not word.endswith("."):
        return word
    start = word[:-1]
    if "." in start and _HAS_LETTER.search(start):
        return word.replace(".", "")
    if start in always or ("a" <= after[:1] <= "z"):
        return word
    if start in before_numbers and "0" <= after[:1] <= "9":
        return word
    return f"{start} ."
