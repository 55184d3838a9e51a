"""Does a captioner say something new, or the same few sentences over and over?"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from caption.metrics._checks import check_whole
from caption.metrics._references import Tokens, refuse_text
from simlearn.errors import UserError


@dataclass(frozen=True)
class Diversity:
    """How varied captions are.

    Attributes:
        distinct: by n, different n-grams over all n-grams of the captions, in 0..1.
        vocabulary: different words.
        unique: different captions over all captions, in 0..1.
        novel: captions that no training caption equals word for word over all captions, in 0..1;
            None without training captions.
        lengths: number of captions by their number of words, ascending.
    """

    distinct: dict[int, float]
    vocabulary: int
    unique: float
    novel: float | None
    lengths: dict[int, int]

    @property
    def mean_length(self) -> float:
        """Words of a caption, on average."""
        total = sum(length * count for length, count in self.lengths.items())
        return total / sum(self.lengths.values())


def diversity(
    captions: Sequence[Tokens], *, training: Iterable[Tokens] | None = None, longest: int = 2
) -> Diversity:
    """Measure how varied captions are.

    Distinct-n falls as captions become more, because words come again: compare systems on the
    same images.

    Args:
        captions: lists of words, usually one for each image.
        training: the captions that the system learned from, as lists of words.
        longest: length of the longest n-grams of `distinct`, at least 1.

    Raises:
        UserError: no captions, text where words belong, or `longest` is out of its range.

    Examples:
        >>> found = diversity(
        ...     [["a", "dog"], ["a", "dog"], ["a", "cat", "sleeps"]], training=[["a", "dog"]]
        ... )
        >>> found.distinct, found.vocabulary, round(found.novel, 3), found.lengths
        ({1: 0.5714285714285714, 2: 0.75}, 4, 0.333, {2: 2, 3: 1})

    Reference:
        Distinct-n: J. Li et al., A Diversity-Promoting Objective Function for Neural Conversation
        Models, NAACL 2016.
    """
    if not len(captions):
        raise UserError("captions: expected at least one, got none")
    check_whole("longest", longest, 1)
    refuse_text(captions, "captions")
    texts = [tuple(caption) for caption in captions]
    novel = None
    if training is not None:
        known = {tuple(caption) for caption in training}
        novel = sum(text not in known for text in texts) / len(texts)
    return Diversity(
        distinct={n: _distinct(texts, n) for n in range(1, longest + 1)},
        vocabulary=len({word for text in texts for word in text}),
        unique=len(set(texts)) / len(texts),
        novel=novel,
        lengths=dict(sorted(Counter(map(len, texts)).items())),
    )


def _distinct(texts: Sequence[tuple[str, ...]], length: int) -> float:
    seen: set[tuple[str, ...]] = set()
    total = 0
    for text in texts:
        grams = zip(*(text[start:] for start in range(length)), strict=False)
        seen.update(grams)
        total += max(0, len(text) - length + 1)
    return len(seen) / total if total else 0.0
