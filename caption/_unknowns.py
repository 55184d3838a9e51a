"""Which words of captions a vocabulary, or a set of vectors, does not have."""

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Unknowns:
    """Words of captions that are not known, counted in three ways.

    Attributes:
        tokens: how many words the captions have, each as often as it occurs.
        unknown_tokens: how many of them are not known.
        types: how many different words they have.
        unknown_types: how many of them are not known.
        captions: how many captions there are.
        captions_with_unknown: how many have a word that is not known.
        most_frequent: unknown words with how often they occur, most frequent first.

    Examples:
        >>> found = count_unknowns({"a", "dog"}, [["a", "dog"], ["a", "cat", "cat"]])
        >>> print(found)
        40.00 % of 5 tokens, 33.33 % of 3 words, 50.00 % of 2 captions unknown; cat (2)
        >>> found.token_share
        0.4
    """

    tokens: int
    unknown_tokens: int
    types: int
    unknown_types: int
    captions: int
    captions_with_unknown: int
    most_frequent: tuple[tuple[str, int], ...]

    @property
    def token_share(self) -> float:
        """Share of tokens not known, from 0 to 1; 0 of none."""
        return self.unknown_tokens / max(self.tokens, 1)

    @property
    def type_share(self) -> float:
        """Share of different words not known, from 0 to 1; 0 of none."""
        return self.unknown_types / max(self.types, 1)

    @property
    def caption_share(self) -> float:
        """Share of captions with a word not known, from 0 to 1; 0 of none."""
        return self.captions_with_unknown / max(self.captions, 1)

    def __str__(self) -> str:
        words = ", ".join(f"{word} ({count})" for word, count in self.most_frequent[:5])
        return (
            f"{100 * self.token_share:.2f} % of {self.tokens} tokens, "
            f"{100 * self.type_share:.2f} % of {self.types} words, "
            f"{100 * self.caption_share:.2f} % of {self.captions} captions unknown"
            f"{f'; {words}' if words else ''}"
        )

    def as_json(self) -> dict[str, Any]:
        """Counts and shares, for results.json."""
        return {
            "tokens": self.tokens,
            "unknown_tokens": self.unknown_tokens,
            "token_share": self.token_share,
            "types": self.types,
            "unknown_types": self.unknown_types,
            "type_share": self.type_share,
            "captions": self.captions,
            "captions_with_unknown": self.captions_with_unknown,
            "caption_share": self.caption_share,
            "most_frequent": [list(pair) for pair in self.most_frequent],
        }


def count_unknowns(
    known: Container[str], captions: Iterable[Sequence[str]], *, shown: int = 20
) -> Unknowns:
    """Count the words of captions that are not known.

    Args:
        known: the words that are.
        captions: for each caption its words.
        shown: how many unknown words to name.
    """
    counts: Counter[str] = Counter()
    total = affected = 0
    for caption in captions:
        counts.update(caption)
        total += 1
        affected += any(word not in known for word in caption)
    unknown = {word: count for word, count in counts.items() if word not in known}
    ranked = sorted(unknown.items(), key=lambda item: (-item[1], item[0]))
    return Unknowns(
        tokens=counts.total(),
        unknown_tokens=sum(unknown.values()),
        types=len(counts),
        unknown_types=len(unknown),
        captions=total,
        captions_with_unknown=affected,
        most_frequent=tuple(ranked[:shown]),
    )
