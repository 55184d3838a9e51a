"""Captions as arrays of numbers, and the references prepared once for any number of scores."""

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from itertools import chain, count, pairwise
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn.errors import UserError

Tokens: TypeAlias = Sequence[str]
"""A caption cut into words; may be empty."""

Integers: TypeAlias = NDArray[np.int64]


class Captions(NamedTuple):
    """Captions one after the other.

    `words` are numbers of words, `(tokens,)`; caption i has those from `starts[i]` up to
    `starts[i + 1]`.
    """

    words: Integers
    starts: Integers

    @property
    def lengths(self) -> Integers:
        """Words of each caption."""
        return np.diff(self.starts)

    def take(self, rows: Integers) -> "Captions":
        """The captions at some rows, in that order."""
        lengths = self.lengths[rows]
        starts = starts_of(lengths)
        shift = np.repeat(self.starts[rows] - starts[:-1], lengths)
        return Captions(self.words[np.arange(starts[-1]) + shift], starts)


class References:
    """The references of every image, their words numbered once.

    Several scorers can share one, which saves each the numbering.

    Args:
        references: for each image its references, each a list of words; every image has at least
            one, and one may be empty.

    Attributes:
        captions: all references, image after image.
        firsts: ``(images + 1,)``: image i has the references from `firsts[i]` to `firsts[i + 1]`.
        vocabulary: the number of each word, from 0 in order of appearance.

    Raises:
        UserError: no image, an image without references, or text where words belong.

    Examples:
        >>> references = References([[["a", "dog", "runs"], ["a", "brown", "dog"]], [["a", "cat"]]])
        >>> len(references), references.captions.starts.tolist(), len(references.vocabulary)
        (2, [0, 3, 6, 8], 5)
    """

    def __init__(self, references: Sequence[Sequence[Tokens]]) -> None:
        if not len(references):
            raise UserError("references: expected those of at least one image, got none")
        counts = np.fromiter(map(len, references), np.int64, len(references))
        if not counts.all():
            raise UserError(
                f"references: expected at least one for each image, got none for row "
                f"{int(np.argmin(counts))}"
            )
        captions: list[Tokens] = list(chain.from_iterable(references))
        refuse_text(captions, "references")
        numbers: defaultdict[str, int] = defaultdict(count().__next__)
        lengths = np.fromiter(map(len, captions), np.int64, len(captions))
        starts = starts_of(lengths)
        words = map(numbers.__getitem__, chain.from_iterable(captions))
        self.captions = Captions(np.fromiter(words, np.int64, int(starts[-1])), starts)
        self.firsts = starts_of(counts)
        self.vocabulary: dict[str, int] = dict(numbers)

    def __len__(self) -> int:
        return len(self.firsts) - 1

    @cached_property
    def image_of(self) -> Integers:
        """The row of the image of each reference."""
        return np.repeat(np.arange(len(self)), np.diff(self.firsts))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, over the words of every reference of every image, in order."""
        digest = sha256("\0".join(self.vocabulary).encode("utf-8", "surrogatepass"))
        for numbers in (self.captions.words, self.captions.starts, self.firsts):
            digest.update(np.ascontiguousarray(numbers, "<i8").tobytes())
            digest.update(b"|")
        return digest.hexdigest()

    def words_in_order(self) -> list[list[list[str]]]:
        """The references as lists again."""
        names = list(self.vocabulary)
        words, starts = self.captions.words.tolist(), self.captions.starts.tolist()
        captions = [[names[word] for word in words[a:b]] for a, b in pairwise(starts)]
        firsts = self.firsts.tolist()
        return [captions[a:b] for a, b in pairwise(firsts)]


class Hypotheses(NamedTuple):
    """Hypotheses in the numbers of some references' vocabulary.

    Words that no reference holds have the numbers after it, in the order of `unknown`. `images`
    is the row of each hypothesis' image.
    """

    captions: Captions
    unknown: tuple[str, ...]
    images: Integers

    def __len__(self) -> int:
        return len(self.images)


def number_hypotheses(
    hypotheses: Sequence[Tokens], references: References, images: ArrayLike | None
) -> Hypotheses:
    """Number the words of hypotheses.

    Args:
        hypotheses: each a list of words, perhaps empty.
        references: whose vocabulary to use.
        images: ``(hypotheses,)`` the row of each one's image; not given, there is one hypothesis
            for each image, in order.

    Raises:
        UserError: another number of hypotheses than of images, or a row out of range.
    """
    rows = _image_rows(len(hypotheses), len(references), images)
    refuse_text(hypotheses, "hypotheses")
    starts = starts_of(np.fromiter(map(len, hypotheses), np.int64, len(hypotheses)))
    flat = list(chain.from_iterable(hypotheses))
    numbers = list(map(references.vocabulary.get, flat))
    new: defaultdict[str, int] = defaultdict(count(len(references.vocabulary)).__next__)
    if None in numbers:
        known = zip(flat, numbers, strict=True)
        numbers = [new[word] if number is None else number for word, number in known]
    return Hypotheses(Captions(np.array(numbers, np.int64), starts), tuple(new), rows)


def starts_of(lengths: Integers) -> Integers:
    """Where each of some consecutive runs starts, and where the last ends."""
    starts = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=starts[1:])
    return starts


def as_references(references: References | Sequence[Sequence[Tokens]]) -> References:
    """References, prepared if they are not yet."""
    return references if isinstance(references, References) else References(references)


def refuse_text(captions: Sequence[Tokens], name: str) -> None:
    """Refuse captions that were not cut into words: a string is a sequence of strings too."""
    for row, caption in enumerate(captions):
        if isinstance(caption, str):
            raise UserError(
                f"{name}: expected lists of words, got the text {caption!r:.80} ({row})"
            )


def split_again(captions: Sequence[Tokens]) -> list[list[str]]:
    """Captions whose words are split at any white space within them.

    The PTB tokeniser joins what belongs together, as in ``1 1/2``, with a no-break space.
    """
    return [" ".join(caption).split() for caption in captions]


def resplit_references(references: References) -> References:
    """References whose words hold no white space: the same object where none does."""
    if all(word.split() == [word] for word in references.vocabulary):
        return references
    return References([split_again(image) for image in references.words_in_order()])


def _image_rows(count: int, images: int, rows: ArrayLike | None) -> Integers:
    if rows is None:
        if count != images:
            raise UserError(
                f"hypotheses: expected one for each of {images} images, got {count}; "
                "say images=... where there are others"
            )
        return np.arange(images)
    found = np.asarray(rows)
    if found.shape != (count,) or (count and found.dtype.kind not in "iu"):
        raise UserError(
            f"images: expected {count} integers, got {found.dtype} of shape {found.shape}"
        )
    if count and not (found.min() >= 0 and found.max() < images):
        raise UserError(
            f"images: expected rows from 0 to {images - 1}, got {found.min()} to {found.max()}"
        )
    return found.astype(np.int64)
