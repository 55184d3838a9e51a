"""Words with a vector each."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simlearn.data.records._columns import read_only
from simlearn.errors import UserError


@dataclass(frozen=True, eq=False, repr=False)
class WordVectors:
    """Words with a vector each.

    Args:
        words: each once; usually most frequent first.
        vectors: `(words, dim)`, finite; kept as float32.

    Raises:
        UserError: A word occurs twice, or the array is of another shape or not finite.

    Examples:
        >>> known = WordVectors(("dog", "cat", "car"), np.array([[3.0, 1], [2, 1], [0, 1]]))
        >>> known
        <WordVectors: 3 words of 2 dimensions>
        >>> [(word, round(cosine, 2)) for word, cosine in known.nearest("Dog", 2)]
        [('cat', 0.99), ('car', 0.32)]
    """

    words: tuple[str, ...]
    vectors: NDArray[np.float32]

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", tuple(self.words))
        values = np.asarray(self.vectors, np.float32)
        if values.ndim != 2 or len(values) != len(self.words) or not values.size:
            raise UserError(
                f"expected vectors ({len(self.words)}, dim), one for each word and at least one, "
                f"and received {values.shape}"
            )
        unfit = np.flatnonzero(~np.isfinite(values).all(axis=1))
        if len(unfit):
            raise UserError(f"expected finite vectors, and {self.words[unfit[0]]!r} has another")
        object.__setattr__(self, "vectors", read_only(values))
        if len(self.rows) < len(self.words):
            twice = next(w for row, w in enumerate(self.words) if self.rows[w] != row)
            raise UserError(f"expected each word once, and received {twice!r} again")

    def __len__(self) -> int:
        return len(self.words)

    def __repr__(self) -> str:
        return f"<WordVectors: {len(self)} words of {self.dim} dimensions>"

    def __contains__(self, word: object) -> bool:
        """Whether just this word has a vector, capitals and all."""
        return word in self.rows

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.vectors.shape[1]

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """Where each word stands."""
        return {word: row for row, word in enumerate(self.words)}

    @cached_property
    def unit(self) -> NDArray[np.float32]:
        """The vectors brought to length 1, `(words, dim)`; a zero vector stays zero."""
        lengths = np.linalg.norm(self.vectors, axis=1, keepdims=True)
        return read_only(self.vectors / np.where(lengths > 0, lengths, 1))

    def find(self, word: str) -> int | None:
        """Where a word stands, or else the same word in small letters; None for neither."""
        row = self.rows.get(word)
        return self.rows.get(word.lower()) if row is None else row

    def nearest(self, word: str, count: int = 10) -> list[tuple[str, float]]:
        """The words whose vectors have the highest cosine with that of `word`, itself left out.

        Raises:
            UserError: `word` has no vector, nor has it in small letters.
        """
        row = self.find(word)
        if row is None:
            raise UserError(f"expected a word that has a vector, and received {word!r}")
        cosines = self.unit @ self.unit[row]
        order = [int(other) for other in np.argsort(-cosines, kind="stable") if other != row]
        return [(self.words[other], float(cosines[other])) for other in order[:count]]
