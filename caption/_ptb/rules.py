"""What a token may look like: for each kind a pattern, and how the token is then written."""

import re
from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple

from caption._ptb.abbreviations import (
    AT_THE_END,
    BEFORE_NAMES,
    BEFORE_NUMBERS,
)
from caption._ptb.characters import DIGITS, LETTERS, MARKS, SYMBOLS, small
from caption._ptb.patterns import (
    ADDRESS,
    APOSTROPHE,
    AT_LETTER,
    AT_LETTER_OR_DIGIT,
    AUX,
    BREAK,
    CAPITAL,
    DIGIT,
    DOTTED,
    FILE,
    HOST,
    HYPHENATED,
    LETTER,
    MAIL,
    NUMBER,
    NUMBERED,
    PATH,
    PIECE,
    POINTED_FIRST,
    SEGMENT,
    SENTENCE,
    SPACE,
    TAG,
    TEAM,
    TICK,
    WEB_SITE,
    WEB_SITE_SHORT,
    any_of,
)


class Rule(NamedTuple):
    """One kind of token.

    Args:
        starts: A pattern for the characters that it may begin with.
        pattern: A pattern with the token as group 1, or all of it; what else it matches must follow
            the token and counts when the longest match is chosen.
        written: The token as it is written, from how it stands in the text.
        again: How many characters at the end of the token are read again.
    """

    starts: str
    pattern: str
    written: Callable[[str], str]
    again: int = 0


def _plain(token: str) -> str:
    return small(token.replace("\u00ad", ""))


def _and(token: str) -> str:
    return small(token).replace("&amp;", "&")


def _face(token: str) -> str:
    return small(token).replace("(", "-lrb-").replace(")", "-rrb-")


def _rule(
    starts: str, pattern: str, written: Callable[[str], str] | str = _plain, again: int = 0
) -> Rule:
    if isinstance(written, str):
        constant = written
        return Rule(starts, pattern, lambda _: constant, again)
    return Rule(starts, pattern, written, again)


_QUOTES: Final = str.maketrans(
    {
        **dict.fromkeys("\u0091\u2018\u201b\u2039", "`"),
        **dict.fromkeys("\u0092\u2019\u203a", "'"),
        **dict.fromkeys("\u0093\u201c\u00ab", "``"),
        **dict.fromkeys("\u0094\u201d\u00bb", "''"),
    }
)


def _straight(token: str) -> str:
    return _plain(token.replace("\u2019", "'").replace("\u0092", "'").replace("&apos;", "'"))


def _quotes(token: str) -> str:
    return token.translate(_QUOTES)


def _phone(token: str) -> str:
    return _face(_tag(token))


def _tag(token: str) -> str:
    return small(token.replace(" ", "\u00a0"))


RULES: Final = (
    _rule("[ \t\u00a0\u2000-\u200a\u3000&]", SPACE, ""),
    _rule("<", TAG, _tag),
    _rule("\u00ad", "\u00ad", "-"),
    _rule("-", "-(?i:[lr][rcs]b)-"),
    # Contractions.
    _rule("[A-Za-z]", "(?i:(can)not|(gon)na|(got)ta|(wan)na|(lem)me|(gim)me)"),
    _rule("'", "('[tT])(?i:is|was)"),
    _rule(f"[{LETTERS}]", f"[{LETTERS}]+[aeiouyAEIOUY]{TICK}[aeiouA-Z][{LETTERS}]*+"),
    _rule("[A-HJ-XZn]", f"[A-HJ-XZn]{TICK}[{LETTERS}]{{2,}}+"),
    _rule("[dDoOlL]", f"[dDoOlL]{TICK}[{LETTERS}{DIGITS}]{{2,}}+"),
    _rule(AT_LETTER, f"({DOTTED}){AUX}[^A-Za-z]?"),
    _rule("[A-Za-z\u00ad]", f"([A-Za-z\u00ad]*[A-MO-Za-mo-z]\u00ad*)[nN]{TICK}[tT]"),
    # Numbers.
    _rule(f"[-+.,:{DIGITS}\u00ad]", f"[-+]?{NUMBER}"),
    _rule(f"[{DIGITS}]", f"{DIGIT}{{1,2}}[-/]{DIGIT}{{1,2}}[-/]{DIGIT}{{2,4}}"),
    _rule(
        f"[{DIGITS}]",
        f"(?:{DIGIT}{{1,4}}[- \u00a0])?{DIGIT}{{1,4}}(?:\\\\?/|\u2044){DIGIT}{{1,4}}",
        _tag,
    ),
    _rule(
        f"[{LETTERS}{MARKS}{DIGITS}\u00ad&]",
        f"((?:{POINTED_FIRST}|{DOTTED}|{PIECE}|{HYPHENATED})\\.)[,:;\u3001]",
    ),
    _rule("[A-Z]", f"({TEAM}\\.)[,:;\u3001]", _and),
    # Abbreviations: some do end a sentence, whose full stop then is a token too.
    _rule("[A-Za-z]", f"{any_of(BEFORE_NAMES)}\\."),
    _rule("[Cc]", f"((?i:co)\\.){BREAK}++(?i:ltd)"),
    _rule("[A-Za-z]", f"({any_of(AT_THE_END)}\\.){BREAK}(?:{BREAK}|{CAPITAL}|{TAG})", again=1),
    _rule("[A-Za-z]", f"({any_of(BEFORE_NUMBERS)}\\.){BREAK}?{DIGIT}"),
    # Initials and acronyms: the last full stop ends the sentence where a new one follows.
    _rule("[A-Za-z]", f"([A-Za-z])\\.{BREAK}++(?:{SENTENCE}|{TAG}){BREAK}"),
    _rule(
        "[A-Za-z]",
        f"([A-Za-z](?:\\.[A-Za-z])++\\.){BREAK}++(?:{SENTENCE}|{TAG}){BREAK}",
        again=1,
    ),
    _rule("[A-Za-z]", "[A-Za-z](?:\\.[A-Za-z])*+\\."),
    _rule(
        "[(+0-9]",
        "(?:\\([0-9]{2,3}\\)[ \u00a0]?|\\+{0,2}(?:[0-9]{2,4}[- \u00a0])?[0-9]{2,4}[- \u00a0])"
        "[0-9]{3,4}[- \u00a0]?[0-9]{3,5}",
        _phone,
    ),
    # Words.
    _rule(AT_LETTER, DOTTED),
    _rule("[A-Za-z0-9<&]", MAIL, small),
    _rule("[A-Za-z]", f"({any_of(AT_THE_END)}\\.)(?s:..)?"),
    _rule(f"[{DIGITS}]", NUMBERED),
    _rule(AT_LETTER_OR_DIGIT, HYPHENATED),
    _rule("[A-Za-z0-9]", POINTED_FIRST),
    _rule("[A-Za-z0-9]", f"{SEGMENT}(?:\\\\?/{SEGMENT}){{1,2}}+"),
    _rule("[dDjJlL]", f"[dDjJlL]{APOSTROPHE}"),
    _rule("[oO]", f"[oO][lL]{APOSTROPHE}"),
    _rule("[yY]", f"([yY]{APOSTROPHE})[{LETTERS}]"),
    _rule("[oO]", f"[oO]{TICK}[oO]"),
    _rule("[cCeElLnNsS]", f"(?i:c{APOSTROPHE}est|c'mon|e'er|li'l|nor'easter|s'mores|somethin')"),
    _rule("[A-Z]", TEAM, _and),
    _rule("[A-Z]", "[A-Z]++\\$"),
    _rule("[CcFf]", "[CcFf]#|[Cc]\\+\\+"),
    _rule("[nN]", f"((?i:non-u\\.s)){BREAK}"),
    # Addresses, mail, names and tags.
    _rule("[hH]", f"(?i:https?)://{ADDRESS}", small),
    _rule("[wW]", f"{WEB_SITE}{PATH}?", small),
    _rule("[wW]", f"{WEB_SITE_SHORT}{PATH}", small),
    _rule("[^ \t\n]", f"{HOST}{PATH}?", small),
    _rule("@", "@[A-Za-z_][A-Za-z0-9_]*+"),
    _rule("#", f"#{LETTER}++", small),
    _rule(f"[{LETTERS}{MARKS}{DIGITS}\u00ad&]", f"({FILE})(?:{BREAK}|[.,!?\u0085])", small),
    # Entities.
    _rule("&", "(?i:&(?:MD|mdash|ndash);)", "--"),
    _rule("&", "&[aA][mM][pP];", "&"),
    _rule("&", "&[lL][tT];", "<"),
    _rule("&", "&[gG][tT];", ">"),
    _rule("&", "&apos;", "'"),
    _rule("&", "&quot;(?=[A-Za-z0-9$])", "``"),
    _rule("&", "&quot;", "''"),
    _rule("&", "(?i:&(?:HT|TL|UR|LR|QC|QL|QR|odq|cdq|quot|apos|#[0-9]++);)"),
    # Punctuation.
    _rule("['\u0092\u2019&]", f"({AUX})[^A-Za-z]", _straight),
    _rule("['\u0092\u2019&]", f"(?i:{APOSTROPHE}(?:em|n{APOSTROPHE}?|till?|cause))"),
    _rule("'", "(')[A-Za-z][^ \t\n\u00a0]", "`"),
    _rule("'", "''"),
    _rule("['\u0092\u2019&]", f"({APOSTROPHE}[0-9]{{2}}){BREAK}"),
    _rule("['\u0092\u2019&]", f"{APOSTROPHE}[1-9]0(?i:s)"),
    _rule("[nN]", f"[nN]{TICK}[tT]", _straight),
    _rule("['\u0092\u2019&]", AUX, _straight),
    _rule(
        "[`\u00ab\u00bb\u0091-\u0094\u2018-\u201f\u2039\u203a]",
        "[`\u00ab\u00bb\u0091-\u0094\u2018-\u201f\u2039\u203a]{1,2}+",
        _quotes,
    ),
    _rule('"', '"(?=[A-Za-z0-9$])', "``"),
    _rule('"', '"', "''"),
    _rule("-", "-{2,4}+", "--"),
    _rule("-", "-{5,}+"),
    _rule("\\.", "\\.{3,5}+|\\.(?:[ \u00a0]\\.){2,4}+", "..."),
    _rule("[!?]", "[!?]++"),
    _rule("[*@#_]", "\\*++|@++|#++|_++"),
    _rule("[<>]", "<<|>>"),
    _rule("\\\\", "\\\\\\*"),
    _rule("[<>:;=]", "([<>]?[:;=][-o*']?[()DPdpO\\\\{@|\\[\\]])[^A-Za-z0-9]", _face),
    _rule("[-^x=~<>']", "[-^x=~<>']_[-^x=~<>']"),
    _rule("\\(", "\\(", "-lrb-"),
    _rule("\\)", "\\)", "-rrb-"),
    _rule("\\[", "\\[", "-lsb-"),
    _rule("\\]", "\\]", "-rsb-"),
    _rule("\\{", "\\{", "-lcb-"),
    _rule("\\}", "\\}", "-rcb-"),
    _rule("[\u0096\u0097\u2013-\u2015]", "[\u0096\u0097\u2013-\u2015]", "--"),
    _rule("[\u0085\u2026]", "[\u0085\u2026]", "..."),
    _rule("[\u0080\u00a4\u20a0\u20ac]", "[\u0080\u00a4\u20a0\u20ac]", "$"),
    _rule("\u00a2", "\u00a2", "cents"),
    _rule("\u00a3", "\u00a3", "#"),
    _rule("\u00bc", "\u00bc", "1/4"),
    _rule("\u00bd", "\u00bd", "1/2"),
    _rule("\u00be", "\u00be", "3/4"),
    _rule("\u2153", "\u2153", "1/3"),
    _rule("\u2154", "\u2154", "2/3"),
    _rule(
        "[\u207a\u207b\u208a\u208b\u00b2\u00b3\u00b9\u2070-\u208f]",
        "[\u207a\u207b\u208a\u208b]?(?:[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]++|[\u2080-\u2089]++)",
    ),
    _rule(f"[{SYMBOLS}]", f"[{SYMBOLS}]"),
    _rule("[!-~]", "[!-/:-@\\[-`{-~]"),
)


# Compiled when a character first asks for it: all of them take a quarter of a second.
_compiled: Final = cache(re.compile)


@cache
def rules_for(character: str) -> tuple[tuple[re.Pattern[str], Rule], ...]:
    """The rules whose tokens may begin with a character, in order, each with its pattern ready."""
    found = (rule for rule in RULES if re.match(f"(?i:{rule.starts})", character))
    return tuple((_compiled(rule.pattern), rule) for rule in found)
