"""The pieces that the patterns of tokens are made of.

Everything that may run on and then fail is of bounded length, so that the time for a text grows
linearly with it: names of hosts and of mail boxes, comments of markup, numbers before a hyphen.
"""

from collections.abc import Iterable
from typing import Final

from caption._ptb.abbreviations import SENTENCE_STARTS
from caption._ptb.characters import DIGITS, LETTERS, MARKS, UPPER


def any_of(words: Iterable[str]) -> str:
    """A pattern for the longest of some words, which are patterns themselves."""
    return "(?:" + "|".join(sorted(words, key=len, reverse=True)) + ")"


APOSTROPHE: Final = "(?:['\u0092\u2019]|&(?i:apos);)"
TICK: Final = "(?:['`\u0091\u0092\u2018\u2019\u201b]|&(?i:apos);)"
HYPHEN: Final = "[-_\u058a\u2010\u2011]"
ACCENTED: Final = "(?i:&[aeiou](?:acute|grave|uml);)"
LETTER: Final = f"(?:[{LETTERS}{MARKS}\u00ad]|{ACCENTED})"
DIGIT: Final = f"[{DIGITS}]"
WORD_CHARACTER: Final = f"(?:[{LETTERS}{DIGITS}{MARKS}\u00ad]|{ACCENTED})"
WORD: Final = f"{LETTER}{WORD_CHARACTER}*+"
NUMBERED: Final = f"{DIGIT}++[{LETTERS}][{LETTERS}{DIGITS}]*+"
PIECE: Final = f"(?:[dDoOlL]{TICK}[{LETTERS}{DIGITS}]{{2,}}+|[{LETTERS}{DIGITS}]++)"
PLAIN_PIECE: Final = "[A-Za-z0-9\u00ad]++"
POINTED: Final = "[A-Za-z0-9][A-Za-z0-9.,\u00ad]{0,255}+"
HYPHENATED: Final = f"{PIECE}(?:{HYPHEN}{PIECE})++"
POINTED_FIRST: Final = f"{POINTED}(?:-(?:[A-Za-z](?:\\.[A-Za-z])+\\.|{PLAIN_PIECE}))++"
TEAM: Final = "[A-Z]++(?:(?:&(?i:amp);|[&+])[A-Z]++)++"
DOTTED: Final = f"{WORD}(?:[.!?]{WORD})*+"
SPACE: Final = "(?:[ \t\u00a0\u2000-\u200a\u3000]++|(?i:&nbsp;))"
BREAK: Final = "[ \t\n\u00a0\u2000-\u200a\u3000]"
NUMBER: Final = f"(?:{DIGIT}*+(?:[.,:\u00ad\u066b\u066c]{DIGIT}++)++|{DIGIT}++)"
SENTENCE: Final = any_of(f"{word[0]}(?i:{word[1:]})" for word in SENTENCE_STARTS)
CAPITAL: Final = f"[{UPPER}]"
AUX: Final = f"{APOSTROPHE}(?:[sdmSDM]|(?i:ll|re|ve))"
NAME: Final = "[A-Za-z][A-Za-z0-9_:.-]*+"
VALUE: Final = "(?:\"[^\"\n]*+\"|'[^'\n]*+')"
TAG: Final = (
    f"(?:<[!?][-A-Za-z][^>\n]{{0,999}}+>|</{NAME}[ ]*+>"
    f"|<{NAME}(?:[ ]++{NAME}(?:[ ]*+=[ ]*+{VALUE})?+)*+[ ]*+/?+[ ]*+>)"
)
_FILES: Final = """
bat bmp c cgi class cpp dll doc docx exe gif gz h htm html jar java jpeg jpg mov mp3 pdf php pl png
ppt ps py sql tar txt wav x xml zip
"""
_FILE_PIECE: Final = f"(?:[{LETTERS}{DIGITS}{MARKS}\u00ad]++|{ACCENTED})++"
FILE: Final = f"{_FILE_PIECE}(?:\\.{_FILE_PIECE}){{0,15}}\\.(?i:{any_of(_FILES.split())})"
SEGMENT: Final = "[A-Za-z0-9]++(?:-[A-Za-z]++){0,2}+"
SITE_CHARACTER: Final = '[^ \t\n"<>|.!?(){},]'
HOST_CHARACTER: Final = "[^ \t\n!\"$'(),\\-./0-9:;<=>?@A-Z\\[\\\\\\]^_`{|}]"
PATH: Final = '(?:/(?:[^ \t\n"<>|()]+[^ \t\n"<>|.!?(){},-]|[\U00010000-\U0010ffff]))'
ADDRESS: Final = '(?:[^ \t\n"<>|(){}]+[^ \t\n"<>|.!?(){},-]|[\U00010000-\U0010ffff])'
DOMAIN_CHARACTER: Final = '[^ \t\n\u00a0"<>|(){}.]'
AT_LETTER: Final = f"[{LETTERS}{MARKS}\u00ad&]"
AT_LETTER_OR_DIGIT: Final = f"[{LETTERS}{MARKS}{DIGITS}&]"
MAIL_CHARACTER: Final = '[^ \t\n\u00a0"<>|(){}]'
_SITE: Final = f"[wW]{{3}}\\.(?:{SITE_CHARACTER}{{1,64}}+\\.)"
WEB_SITE: Final = f"{_SITE}{{1,31}}[A-Za-z]{{2,4}}"
# A slash may belong to the name of a site, or begin what follows it: the longer one counts.
WEB_SITE_SHORT: Final = f"{_SITE}{{1,31}}?[A-Za-z]{{2,4}}"
HOST: Final = f"(?:{HOST_CHARACTER}{{1,64}}+\\.){{1,9}}(?i:com|net|org|edu)"
MAIL: Final = (
    f"(?:<|&[lL][tT];)?[A-Za-z0-9]{MAIL_CHARACTER}{{0,255}}@"
    f"(?:{DOMAIN_CHARACTER}++\\.)*{DOMAIN_CHARACTER}++>?"
)
