"""Words and their numbers: which words a captioner knows, from the captions that it learns from.

Four numbers stand for no word: `PAD` fills a row after a caption's end, `START` comes before the
first word, `END` after the last, and `UNKNOWN` is every word that is not in the vocabulary. Words
follow, most frequent first.

What a captioner must not know before it is tested is how the captions of the test are worded.
`Vocabulary.from_records` therefore takes the held-out records too and refuses to count a picture
that is in one of them; a vocabulary keeps the digest of the captions that it was counted on, and
`Vocabulary.require_counted_on` refuses one that was counted on any others than those trained on.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from caption._tokens import END, MARKS, PAD, START, UNKNOWN, batch, require_at_least
from caption._unknowns import Unknowns, count_unknowns
from caption.data._json import read_json_file, text, texts
from caption.data.records import CaptionedPictures
from caption.tokenizer import tokenize
from simlearn._files import write_atomically
from simlearn.data.records import StoredPictures
from simlearn.data.records._columns import digest, text_column
from simlearn.errors import DatasetError, UserError

__all__ = ["END", "MARKS", "PAD", "START", "UNKNOWN", "Unknowns", "Vocabulary", "batch", "words_of"]

_FORMAT: Final = "caption vocabulary 1"
_SHOWN: Final = 3


@dataclass(frozen=True)
class Vocabulary:
    """Words by number.

    Args:
        words: each once, none of `MARKS`; the first has number 4.
        counted_on: digest of the captions that the words were counted on, `""` where they were
            not counted.

    Raises:
        UserError: A word occurs twice, is empty, or is one of `MARKS`.

    Examples:
        >>> captions = [["a", "dog", "runs"], ["a", "dog"], ["a", "cat"]]
        >>> vocabulary = Vocabulary.from_captions(captions, min_count=2)
        >>> vocabulary.words, len(vocabulary)
        (('a', 'dog'), 6)
        >>> vocabulary.encode(["a", "cat"])
        [4, 3]
        >>> vocabulary.decode([1, 4, 5, 2, 0, 0])
        ['a', 'dog']
    """

    words: tuple[str, ...]
    counted_on: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", _checked_words(self.words))

    @classmethod
    def from_captions(
        cls, captions: Iterable[Sequence[str]], *, min_count: int = 1, most: int | None = None
    ) -> "Vocabulary":
        """Count words, and number them: most frequent first, equally frequent ones by alphabet.

        Nothing here can tell training captions from others: see `from_records`.

        Args:
            captions: for each caption its words.
            min_count: how often a word must occur to be kept, at least 1.
            most: how many words to keep at most, without the four marks; None for all.

        Raises:
            UserError: An argument is out of range, a caption is text and not words, or nothing
                is left to keep.
        """
        require_at_least(min_count, "min_count", 1)
        require_at_least(1 if most is None else most, "most", 1)
        listed = [_sequence_of_words(caption) for caption in captions]
        counts = Counter(word for caption in listed for word in caption)
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        kept = [w for w, count in ranked if count >= min_count and w and w not in MARKS][:most]
        if not kept:
            raise UserError(
                f"expected captions with a word that occurs {min_count} times or more, and "
                f"received {len(listed)} captions with {len(counts)} words"
            )
        return cls(tuple(kept), _digest(listed))

    @classmethod
    def from_records(
        cls,
        train: CaptionedPictures,
        *,
        held_out: Sequence[CaptionedPictures],
        min_count: int = 1,
        most: int | None = None,
    ) -> "Vocabulary":
        """Count the words of a training split, once it is certain that it holds no other picture.

        Pictures are told apart by id and, where they are in files, by file; none is opened. That
        no picture is there as a copy under another name is for `simlearn.audit` to say.

        Args:
            train: the pictures that are trained on.
            held_out: the splits that are validated or tested on: splits of the same data set as
                `train`, whose ids can be compared. At least one.
            min_count: as of `from_captions`.
            most: as of `from_captions`.

        Raises:
            UserError: As of `from_captions`; or no split is held out, or one shares a picture with
                the training split.

        Examples:
            >>> from caption.data import scenes
            >>> train, test = scenes.render(3, seed=0), scenes.render(2, seed=0, split="test")
            >>> len(Vocabulary.from_records(train, held_out=[test], most=10))
            14
            >>> Vocabulary.from_records(train, held_out=[train.take([1])])
            Traceback (most recent call last):
            simlearn.errors.UserError: expected a vocabulary of training captions alone...
        """
        if isinstance(held_out, CaptionedPictures) or not held_out:
            raise UserError(
                "expected the splits that are held out, so that they can be told from the training "
                f"split, and received {held_out or 'none'}"
            )
        for other in held_out:
            _require_apart(train, other)
        return cls.from_captions(words_of(train), min_count=min_count, most=most)

    def require_counted_on(self, train: CaptionedPictures) -> None:
        """Refuse a split whose captions are not exactly those that the words were counted on.

        Raises:
            UserError: Says how many of its words the vocabulary would have to know and does not.
        """
        captions = list(words_of(train))
        if _digest(captions) != self.counted_on:
            raise UserError(
                f"{train.name}: expected the captions that the vocabulary was counted on "
                f"({self.counted_on[:12] or 'none'}), and received others: "
                f"{self.unknowns(captions)}"
            )

    def __len__(self) -> int:
        """How many numbers there are, the four marks among them: the width of the logits."""
        return len(MARKS) + len(self.words)

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """The number of each word."""
        return {word: number for number, word in enumerate(self.words, len(MARKS))}

    @property
    def names(self) -> tuple[str, ...]:
        """What each number is called, `(len(self),)`: the marks, then the words."""
        return (*MARKS, *self.words)

    def encode(self, words: Sequence[str]) -> list[int]:
        """The number of each word of a caption, `UNKNOWN` for those not here; no `START` or `END`.

        Raises:
            UserError: The caption is text and not words.
        """
        return [self.numbers.get(word, UNKNOWN) for word in _sequence_of_words(words)]

    def decode(self, tokens: Iterable[int]) -> list[str]:
        """The words of a caption up to its first `END`, without `PAD` and `START`.

        Raises:
            UserError: There is no such number.
        """
        words: list[str] = []
        for token in tokens:
            if not 0 <= token < len(self):
                raise UserError(f"expected tokens from 0 to {len(self) - 1}, and received {token}")
            if token == END:
                break
            if token not in (PAD, START):
                words.append(MARKS[UNKNOWN] if token == UNKNOWN else self.words[token - len(MARKS)])
        return words

    def unknowns(self, captions: Iterable[Sequence[str]], *, shown: int = 20) -> Unknowns:
        """Which words of other captions are not here; see `Unknowns`."""
        return count_unknowns(self.numbers, map(_sequence_of_words, captions), shown=shown)

    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, over the words in order."""
        return digest([(text_column(self.words), "|u1")])

    def as_json(self) -> dict[str, Any]:
        """Everything, as `from_json` takes it."""
        return {"format": _FORMAT, "counted_on": self.counted_on, "words": list(self.words)}

    @classmethod
    def from_json(cls, document: Any, *, where: str = "vocabulary") -> "Vocabulary":
        """The vocabulary that `as_json` gave; `where` it stands is for messages.

        Raises:
            DatasetError: It is not such a document, or one of another version.
        """
        if (found := text(document, "format", where)) != _FORMAT:
            raise DatasetError(f"{where}: expected the format {_FORMAT!r}, and received {found!r}")
        try:
            return cls(texts(document, "words", where), text(document, "counted_on", where))
        except DatasetError:
            raise
        except UserError as error:
            raise DatasetError(f"{where}: {error}") from None

    def save(self, path: str | Path) -> None:
        """Write one JSON file, whole or not at all."""
        content = json.dumps(self.as_json(), ensure_ascii=False, indent=0)
        write_atomically(Path(path), content.encode("utf-8"))

    @classmethod
    def load(cls, path: str | Path) -> "Vocabulary":
        """Read what `save` wrote.

        Raises:
            DatasetError: The file cannot be read or is not a vocabulary of this version.
        """
        return cls.from_json(read_json_file(path), where=str(path))


def words_of(record: CaptionedPictures) -> Iterator[list[str]]:
    """The words of every caption of a record, in order, as the evaluation splits them."""
    return (tokenize(caption) for of_picture in record.captions for caption in of_picture)


def _checked_words(words: Sequence[str]) -> tuple[str, ...]:
    listed = tuple(_sequence_of_words(words))
    if unfit := [word for word in listed if not word or word in MARKS]:
        raise UserError(f"expected words, and received {unfit[0]!r}, which is none")
    repeated = [word for word, count in Counter(listed).items() if count > 1]
    if repeated:
        raise UserError(f"expected each word once, and received {repeated[0]!r} again")
    return listed


def _sequence_of_words(caption: Sequence[str]) -> Sequence[str]:
    # A lone string is a sequence of strings too, one for each letter.
    if isinstance(caption, str) or not all(isinstance(word, str) for word in caption):
        raise UserError(
            f"expected the words of a caption (caption.tokenizer), and received {caption!r:.80}"
        )
    return caption


def _require_apart(train: CaptionedPictures, other: CaptionedPictures) -> None:
    shared = [f"id {number}" for number in np.intersect1d(train.ids, other.ids)]
    shared += sorted(_files(train) & _files(other))
    if shared:
        raise UserError(
            f"expected a vocabulary of training captions alone, and received {train.name} and "
            f"{other.name}, which share pictures: {', '.join(shared[:_SHOWN])}"
            f"{f' and {len(shared) - _SHOWN} more' * (len(shared) > _SHOWN)}"
        )


def _files(record: CaptionedPictures) -> set[str]:
    """Where the pictures lie; nothing for pictures in memory."""
    if not isinstance(record.pictures, StoredPictures):
        return set()
    return {record.pictures.where(row) for row in range(len(record))}


def _digest(captions: Iterable[Sequence[str]]) -> str:
    """Of captions in any order."""
    return digest([(text_column(sorted(map(" ".join, captions))), "|u1")])
