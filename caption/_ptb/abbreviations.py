"""Words that keep their full stop, and words that begin a sentence.

All found by showing the reference every word of up to four letters, a word list and the common
abbreviations, in small letters, capitalised and in capitals.
"""

import re
from typing import Final


def _any_case(words: str) -> str:
    return f"(?i:{'|'.join(words.split())})"


BEFORE_NAMES: Final = (
    _any_case(
        "adj adm adv alex asst assoc atty ave brig capt cf cie cmdr col comdr cpl dept det dr drs "
        "elec ens ft gen gov govs hon insp invt jos lieut lt maj messrs mlle mme mr mrs ms msgr mt "
        "natl pfc ph pres prof profs pvt rep reps rev sen sens sfc sgt spc st ste supt treas vs wm"
    ),
    "(?i:m)[ft](?i:g)",
)
"""Abbreviations that do not end a sentence: another word belongs to them."""

_NAMES: Final = "Ark Az Del Ill La Mass Miss Ore Pa Tex Wash"

AT_THE_END: Final = (
    _any_case(
        "al ala apr ariz assn aug bancorp bhd bldg blvd bros calif co colo conn corp cos ct dak "
        "dec esq est etc ext feb fla fri ga inc ind intl jan jr jul jun kan kans ky ltd mar md "
        "mich minn mo mon mont neb nev nov oct okla penn ph\\.d plc rd rt sep sept seq sq sr sys "
        "tel tenn thu thurs tue tues univ va vt wed wis wisc wyo"
    ),
    "(?i:pt)[ey](?i:s?)|(?i:ppt)[ey]",
    # Words too, where they do not begin with a capital letter.
    *(f"{name[0]}(?i:{name[1:]})" for name in _NAMES.split()),
)
"""Abbreviations that may end a sentence."""

BEFORE_NUMBERS: Final = (_any_case("art ca fig figs no nos op p pp prop"),)
"""Abbreviations only where a number follows."""

_STARTS: Final = r"""
A About According Additionally After An As At But Earlier He Her Here However If In It Last Many
More Mr\. Ms\. Now Once One Other Our She Since So Some Such That The Their Then There These They
This We What When While Yet You
"""

SENTENCE_STARTS: Final = tuple(_STARTS.split())
"""After an initial or an acronym these begin a new sentence."""

_ALL: Final = re.compile("|".join((*BEFORE_NAMES, *AT_THE_END, *BEFORE_NUMBERS)))


def is_abbreviation(word: str) -> bool:
    """Whether a word, without its full stop, may keep it."""
    return _ALL.fullmatch(word) is not None
