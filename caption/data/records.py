"""What a captioned data set is, whichever reader it came from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simlearn._typing import BoolArray, IntArray
from simlearn.data.files import Files
from simlearn.data.records import Pictures
from simlearn.data.records._columns import (
    checked_rows,
    digest,
    integer_column,
    require_unique,
    text_column,
)
from simlearn.errors import UserError

Captions: TypeAlias = tuple[tuple[str, ...], ...]
"""For each picture its captions, in the order of the file and as they stand there."""

Tokens: TypeAlias = tuple[tuple[tuple[str, ...], ...], ...]
"""For each picture and caption its words, where the data set comes split into words."""


@dataclass(frozen=True, eq=False, repr=False)
class CaptionedPictures:
    """Pictures with any number of captions each.

    Args:
        pictures: Where they are.
        ids: integers `(n,)`, unique; kept as int64. The data set's own where it has them, else
            the position in its full list; they stay with a picture through every split, so that
            two splits can be checked for shared pictures.
        captions: for each picture its captions.
        name: what to call the data set in results and reports.
        tokens: for each picture and caption its words, where the data set gives them.

    Raises:
        UserError: A column has the wrong type or length, or an id occurs twice.

    Examples:
        >>> from simlearn.data.records import PictureArray
        >>> record = CaptionedPictures(
        ...     pictures=PictureArray(np.zeros((2, 5, 7, 3), np.uint8)),
        ...     ids=np.array([11, 7]),
        ...     captions=(("A dog runs.", "A brown dog."), ("A cat.",)),
        ...     name="pets",
        ... )
        >>> print(record)
        pets: 2 pictures, 3 captions, 1 to 2 each
        >>> record.take([1]).captions
        (('A cat.',),)
    """

    pictures: Pictures
    ids: NDArray[np.int64]
    captions: Captions
    name: str
    tokens: Tokens | None = None

    def __post_init__(self) -> None:
        count = len(self.pictures)
        ids = integer_column(self.ids, count, f"{self.name}: ids")
        object.__setattr__(self, "ids", ids)
        require_unique(ids, self.name)
        object.__setattr__(self, "captions", _checked_captions(self.captions, count, self.name))
        if self.tokens is not None:
            tokens = tuple(
                tuple(tuple(words) for words in of_picture) for of_picture in self.tokens
            )
            object.__setattr__(self, "tokens", tokens)
            if [len(t) for t in tokens] != [len(c) for c in self.captions]:
                raise UserError(f"{self.name}: expected the tokens of every caption, and no others")

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"

    def __str__(self) -> str:
        return f"{self.name}: {len(self)} pictures{_counts_text(self.captions)}"

    def take(
        self, index: slice | IntArray | BoolArray, *, name: str | None = None
    ) -> "CaptionedPictures":
        """The pictures at `index` with all that belongs to them; see `LabelledImages.take`."""
        rows = np.arange(len(self))[checked_rows(index, len(self), self.name)]
        return CaptionedPictures(
            pictures=self.pictures.take(rows),
            ids=self.ids[rows],
            captions=tuple(self.captions[row] for row in rows),
            name=self.name if name is None else name,
            tokens=None if self.tokens is None else tuple(self.tokens[row] for row in rows),
        )

    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, over ids, captions, tokens and each picture's CRC-32.

        Reads every picture; one that is missing counts as 0.
        """
        sums = np.array([self.pictures.checksum(row) for row in range(len(self))], np.int64)
        words = [] if self.tokens is None else [w for p in self.tokens for c in p for w in c]
        lengths = [] if self.tokens is None else [len(c) for p in self.tokens for c in p]
        return digest(
            [
                (self.ids, "<i8"),
                *_caption_columns(self.captions),
                (text_column(words), "|u1"),
                (np.array(lengths, np.int64), "<i8"),
                (sums, "<i8"),
            ]
        )


@dataclass(frozen=True, eq=False, repr=False)
class CaptionedVideos:
    """Videos with any number of captions each.

    Args:
        files: Where they lie.
        paths: for each video the name of its file in `files`, or of the folder of its frames.
        videos: for each the data set's own name of it, unique, such as `video17`.
        captions: for each video its captions.
        name: what to call the data set in results and reports.

    Raises:
        UserError: A column has the wrong length, or a video occurs twice.
    """

    files: Files
    paths: tuple[str, ...]
    videos: tuple[str, ...]
    captions: Captions
    name: str

    def __post_init__(self) -> None:
        count = len(self.videos)
        object.__setattr__(self, "paths", tuple(self.paths))
        object.__setattr__(self, "videos", tuple(self.videos))
        object.__setattr__(self, "captions", _checked_captions(self.captions, count, self.name))
        if len(self.paths) != count:
            raise UserError(f"{self.name}: expected {count} paths, and received {len(self.paths)}")
        if len(set(self.videos)) != count:
            raise UserError(f"{self.name}: expected each video once")

    def __len__(self) -> int:
        return len(self.videos)

    def __repr__(self) -> str:
        return f"<CaptionedVideos {self}>"

    def __str__(self) -> str:
        return f"{self.name}: {len(self)} videos{_counts_text(self.captions)}"

    def take(
        self, index: slice | IntArray | BoolArray, *, name: str | None = None
    ) -> "CaptionedVideos":
        """The videos at `index` with all that belongs to them; see `LabelledImages.take`."""
        rows = np.arange(len(self))[checked_rows(index, len(self), self.name)]
        return CaptionedVideos(
            files=self.files,
            paths=tuple(self.paths[row] for row in rows),
            videos=tuple(self.videos[row] for row in rows),
            captions=tuple(self.captions[row] for row in rows),
            name=self.name if name is None else name,
        )

    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, over the names of the videos and their captions."""
        return digest([(text_column(self.videos), "|u1"), *_caption_columns(self.captions)])


def _checked_captions(captions: Sequence[Sequence[str]], count: int, name: str) -> Captions:
    if len(captions) != count:
        raise UserError(f"{name}: expected {count} lists of captions, and received {len(captions)}")
    for of_one in captions:
        # A lone string is a sequence of strings too, one for each letter.
        if isinstance(of_one, str) or not all(isinstance(caption, str) for caption in of_one):
            raise UserError(f"{name}: expected lists of captions, and received {of_one!r:.80}")
    return tuple(map(tuple, captions))


def _counts_text(captions: Captions) -> str:
    """For example `, 12507 captions, 5 to 7 each`."""
    if not captions:
        return ""
    counts = [len(of_one) for of_one in captions]
    low, high = min(counts), max(counts)
    total = sum(counts)
    span = str(low) if low == high else f"{low} to {high}"
    return f", {total} caption{'' if total == 1 else 's'}, {span} each"


def _caption_columns(captions: Captions) -> list[tuple[NDArray[Any], str]]:
    texts = [caption for of_one in captions for caption in of_one]
    counts = np.array([len(of_one) for of_one in captions], np.int64)
    return [(text_column(texts), "|u1"), (counts, "<i8")]
