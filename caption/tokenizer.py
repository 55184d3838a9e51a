"""Split captions into words exactly as the common caption evaluation does, without Java.

Every published BLEU, ROUGE-L, METEOR and CIDEr score of a captioner rests on one tokeniser:
Stanford's PTBTokenizer 3.4.1 with `-preserveLines -lowerCase`, after which the evaluation drops
punctuation. Here the same rules are applied in Python. They were written from the tokeniser's
documentation and by watching it; how closely they agree is measured in the tests.
"""

import re
from collections.abc import Iterable
from typing import Final, Literal, TypeAlias, get_args

from caption._ptb.abbreviations import is_abbreviation
from caption._ptb.scanner import next_token
from simlearn.errors import UserError

Compat: TypeAlias = Literal["coco"] | None
"""`None`, or `"coco"`: as the reference does it, its faults included."""

DROPPED: Final = frozenset(
    {
        *("''", "'", "``", "`", "-LRB-", "-RRB-", "-LCB-", "-RCB-"),
        *(".", "?", "!", ",", ":", "-", "--", "...", ";"),
    }
)
"""The tokens that the evaluation drops. Brackets stay: as tokens they are in small letters."""

# What the reference takes for the end of a line. It counts lines, so that one of these inside a
# caption shifts the words of every later caption by one.
_LINE_ENDS: Final = re.compile("\r\n|[\r\x0b\x0c\u2028\u2029]")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")

# Most chunks between spaces mean the same wherever they stand: letters, with hyphens or one
# apostrophe inside, perhaps quoted, perhaps with one mark at the end.
_CLEAR: Final = re.compile("\"?([A-Za-z]+(?:-[A-Za-z]+)*(?:'[A-Za-z]+)?)?('?[,;:!?]?|\\.)\"?")
_SPLIT: Final = frozenset(("cannot", "gonna", "gotta", "wanna", "lemme", "gimme"))
_LONGEST_CLEAR: Final = 40
_READ_AHEAD: Final = 1000
_MOST_KNOWN: Final = 1 << 16
_known: dict[str, tuple[str, ...]] = {}


def tokenize(caption: str) -> list[str]:
    """The words of one caption, whatever stands before and after it.

    The caption is one line: whatever Unicode or the reference takes for a line's end counts as a
    space, where the reference would break the line and shift every later caption.

    Args:
        caption: Any text, of any length; the time needed grows linearly with it.

    Returns:
        Words in small letters, the evaluation's punctuation dropped. `" ".join` of them is the
        reference's text. A few tokens hold a no-break space (`"1 1/2"`, telephone numbers).

    Raises:
        UserError: It is not text, or holds half of a surrogate pair, which UTF-8 cannot.

    Examples:
        >>> tokenize("A man's dog isn't here, (well...) it cannot.")
        ['a', 'man', "'s", 'dog', 'is', "n't", 'here', '-lrb-', 'well', '-rrb-', 'it', 'can', 'not']
        >>> tokenize("Mr. Smith paid $1,000.50 at 3:30pm")
        ['mr.', 'smith', 'paid', '$', '1,000.50', 'at', '3:30', 'pm']

    Reference:
        Chen et al.: Microsoft COCO Captions: Data Collection and Evaluation Server. 2015, section
        3.1. Deviation: see `tokenize_corpus`.
    """
    return _words(_LINE_ENDS.sub(" ", _text(caption)).replace("\n", " "), "\n")


def tokenize_corpus(captions: Iterable[str], *, compat: Compat = None) -> list[list[str]]:
    r"""The words of each of many captions.

    Args:
        captions: The captions, in order.
        compat: `None` for every caption by itself. `"coco"` for the reference's faults: it writes
            all captions into one file, a line each. A carriage return, vertical tab, form feed or
            Unicode line end in a caption shifts the words of all later captions by one, and what
            the next caption begins with decides whether the full stop at the end of an
            abbreviation is a token too.

    Returns:
        For each caption its words.

    Raises:
        UserError: As of `tokenize`; or `compat` is neither.

    Examples:
        >>> captions = ["A dog on Sunset Blvd.", "At the river\x0bin K.", "A man."]
        >>> tokenize_corpus(captions)[1]
        ['at', 'the', 'river', 'in', 'k.']
        >>> tokenize_corpus(captions, compat="coco")[1:]
        [['at', 'the', 'river'], ['in', 'k']]
    """
    if compat is None:
        return [tokenize(caption) for caption in captions]
    if compat not in get_args(get_args(Compat)[0]):
        raise UserError(f"expected compat=None or compat='coco', and received {compat!r}")
    texts = [_text(caption).replace("\n", " ") for caption in captions]
    lines = [line for text in texts for line in _LINE_ENDS.split(text)]
    following = _following(lines)
    return [_words(*pair) for pair in zip(lines[: len(texts)], following, strict=False)]


def _following(lines: list[str]) -> list[str]:
    """For each line what may decide about its last full stop: lines up to one that is not blank."""
    following = [""] * len(lines)
    for number in range(len(lines) - 2, -1, -1):
        next_line = lines[number + 1]
        beyond = "\n" if next_line.strip() or number + 2 == len(lines) else following[number + 1]
        following[number] = f"\n{next_line[:_READ_AHEAD]}{beyond}"[:_READ_AHEAD]
    return following


def _words(line: str, after: str, *, short: bool = True) -> list[str]:
    """The words of a line; what comes after it, nothing at the end of all lines, is read ahead."""
    tokens = _tokens(line, after, short=short)
    if tokens:
        # As the evaluation does with a printed line: an address may end with a wide space.
        tokens[-1] = tokens[-1].rstrip()
    return [token for token in tokens if token not in DROPPED]


def _tokens(line: str, after: str, *, short: bool) -> list[str]:
    """All tokens of a line, by the short way for chunks that are clear or without it."""
    text, start, reached = line + after, 0, 0
    # Full stops apart may be an ellipsis, whatever words they belong to.
    short = short and ". ." not in line
    tokens: list[str] = []
    for chunk in line.split(" "):
        end = start + len(chunk)
        whole = short and reached <= start and end < len(text)
        found = (_known.get(chunk) or _learned(chunk)) if whole else None
        if found is None:
            # From the space on: others after it are read with it.
            reached = max(reached, start - 1)
            while reached < end:
                token, reached = next_token(text, reached)
                tokens += [token] if token else []
        else:
            tokens += found
        start = end + 1
    return tokens


def _learned(chunk: str) -> tuple[str, ...] | None:
    """The tokens of what stands between two spaces, or None where its neighbours matter."""
    match = _CLEAR.fullmatch(chunk) if len(chunk) <= _LONGEST_CLEAR else None
    if match is None or (match[2] == "." and match[1] and not _plain_before_stop(match[1])):
        return None
    found: tuple[str, ...] = (chunk.lower(),)
    if not chunk.isalpha() or found[0] in _SPLIT:
        found = tuple(_tokens(chunk, "\n", short=False))
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _known[chunk] = found
    return found


def _plain_before_stop(word: str) -> bool:
    return len(word) > 1 and "'" not in word and not is_abbreviation(word)


def _text(caption: str) -> str:
    if not isinstance(caption, str):
        raise UserError(f"expected a caption as text, and received {type(caption).__name__}")
    if half := _SURROGATES.search(caption):
        raise UserError(
            f"expected a caption that UTF-8 can hold, and received {half[0]!a} at {half.start()}"
        )
    return caption
