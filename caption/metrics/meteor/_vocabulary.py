"""Words by number, and which of them match by stem or by meaning."""

from typing import Final

from caption.metrics._stemmer import stem
from caption.metrics.meteor._aligner import EXACT, STEM, SYNONYM
from caption.metrics.meteor._data import Lexicon
from caption.metrics.meteor._normaliser import normalise

# WordNet's rules of detachment, which find a regular form's base form, in the order tried.
_ENDINGS: Final = (
    ("s", ""), ("ses", "s"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"),
    ("men", "man"), ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""), ("ing", "e"),
    ("ing", ""), ("er", ""), ("est", ""), ("er", "e"), ("est", "e"),
)  # fmt: skip

Stages = tuple[int, ...]


class Vocabulary:
    """Words met so far; grows, and keeps what each new word matches.

    METEOR compares 32-bit hashes, so that "v1" *is* "to" to it: words of one hash match exactly and
    by no other stage but the paraphrases; words whose stems are of one hash match by stem.

    Attributes:
        related: by a word's number, the other words that match it, each with the stages that
            find the match.
        hashes: by number, what METEOR compares.
        functions: by number, whether it is a function word.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._numbers: dict[str, int] = {}
        self._by_hash: dict[int, list[int]] = {}
        self._by_stem: dict[int, list[int]] = {}
        self._by_synset: dict[str, list[int]] = {}
        self.related: list[dict[int, Stages]] = []
        self.hashes: list[int] = []
        self.functions: list[bool] = []

    def words_of(self, line: str) -> list[str]:
        """Return a caption's words, normalised."""
        lexicon = self._lexicon
        return normalise(line, lexicon.prefixes, lexicon.number_prefixes)

    def number(self, word: str) -> int:
        """Return a word's number."""
        known = self._numbers.get(word)
        return self._add(word) if known is None else known

    def _add(self, word: str) -> int:
        new = len(self.related)
        alike = self._by_stem.setdefault(java_hash(stem(word)), [])
        stages: dict[int, Stages] = dict.fromkeys(alike, (STEM,))
        alike.append(new)
        for synset in synsets_of(word, self._lexicon):
            sharing = self._by_synset.setdefault(synset, [])
            for other in sharing:
                found = stages.get(other, ())
                if SYNONYM not in found:
                    stages[other] = (*found, SYNONYM)
            sharing.append(new)
        hashed = java_hash(word)
        same = self._by_hash.setdefault(hashed, [])
        stages |= dict.fromkeys(same, (EXACT,))
        same.append(new)
        self.hashes.append(hashed)
        for other, found in stages.items():
            self.related[other][new] = found
        self.related.append(stages)
        self.functions.append(word in self._lexicon.functions)
        self._numbers[word] = new
        return new


def java_hash(word: str) -> int:
    """Return the hash of a Java string: s[0] 31^(n-1) + ... + s[n-1] modulo 2^32, in UTF-16.

    Examples:
        >>> java_hash("v1") == java_hash("to") == ord("t") * 31 + ord("o")
        True
    """
    found = 0
    for unit in memoryview(word.encode("utf-16-le", "surrogatepass")).cast("H"):
        found = (31 * found + unit) & 0xFFFFFFFF
    return found


def synsets_of(word: str, lexicon: Lexicon) -> set[str]:
    """Return the synonym sets of a word and of its base form.

    Args:
        word: One word.
        lexicon: WordNet's sets and irregular forms.
    """
    found = lexicon.synsets.get(word, "").split()
    return {*found, *_base_synsets(word, lexicon)}


def _base_synsets(word: str, lexicon: Lexicon) -> list[str]:
    synsets = lexicon.synsets
    if word in lexicon.bases:
        return [one for base in lexicon.bases[word] for one in synsets.get(base, "").split()]
    if len(word) <= 2 or word.endswith("ss"):
        return []
    for ending, replacement in _ENDINGS:
        if word.endswith(ending):
            base = synsets.get(word[: -len(ending)] + replacement)
            if base:
                return base.split()
    return []
