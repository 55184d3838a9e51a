"""The matrix from which a captioner's embedding starts, and how much of it was known before."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from caption._tokens import MARKS, PAD, require_at_least
from caption._unknowns import Unknowns, count_unknowns
from caption.vocabulary import Vocabulary
from caption.word_vectors._vectors import WordVectors

# Keeps this random stream apart from others with the same seed.
_STREAM = 811


@dataclass(frozen=True)
class Coverage:
    """Which words of a vocabulary have a vector.

    Attributes:
        words: of the vocabulary, without its four marks.
        found: how many of them have a vector.
        missing: those that have none, most frequent first.
        captions: how many tokens, words and captions have a vector for everything, where captions
            were given; a word outside the vocabulary counts as it does, by its vector.
    """

    words: int
    found: int
    missing: tuple[str, ...]
    captions: Unknowns | None

    @property
    def share(self) -> float:
        """Of the vocabulary's words that have a vector, from 0 to 1."""
        return self.found / max(self.words, 1)

    def __str__(self) -> str:
        missing = f"; without: {', '.join(self.missing[:5])}" if self.missing else ""
        tokens = f"; captions: {self.captions}" if self.captions else ""
        found = f"{self.found} of {self.words} words ({100 * self.share:.2f} %) have a vector"
        return f"{found}{missing}{tokens}"

    def as_json(self) -> dict[str, Any]:
        """Counts, share, the first words without, and the captions; for results.json."""
        return {
            "words": self.words,
            "found": self.found,
            "share": self.share,
            "missing": list(self.missing[:20]),
            "captions": None if self.captions is None else self.captions.as_json(),
        }


class Embedding(NamedTuple):
    """Where an embedding starts.

    Attributes:
        matrix: float32 `(len(vocabulary), dim)`, a row for each number of the vocabulary.
        known: bool `(len(vocabulary),)`: True where the row is a word's own vector, False where it
            was drawn, or is that of `PAD`.
        coverage: how much was known.
    """

    matrix: NDArray[np.float32]
    known: NDArray[np.bool_]
    coverage: Coverage


def matrix(
    vocabulary: Vocabulary,
    vectors: WordVectors,
    *,
    seed: int,
    captions: Iterable[Sequence[str]] | None = None,
) -> Embedding:
    """A row for each number of a vocabulary: its word's vector, or one drawn as if it were one.

    A word without a vector, and each mark but `PAD`, is drawn from a normal distribution with the
    mean and deviation that the vectors have along each dimension. `PAD` is zero. What is drawn for
    a number depends on the seed alone, not on which other words have a vector.

    `keras.layers.Embedding(*matrix.shape, embeddings_initializer=keras.initializers.Constant(
    matrix), trainable=...)` starts from it, frozen or to be fine-tuned.

    Args:
        vocabulary: the words.
        vectors: of these and perhaps others; a word that is there in small letters only is found.
        seed: of what is drawn.
        captions: captions, as lists of words, whose share without a vector to report too.

    Returns:
        The matrix, which rows were known, and the coverage.

    Raises:
        UserError: The seed is below 0, or a caption is text and not words.

    Examples:
        >>> vectors = WordVectors(("dog", "cat"), np.array([[3.0, 1, 0], [2, 1, 5]]))
        >>> start = matrix(Vocabulary(("a", "dog")), vectors, seed=0)
        >>> start.matrix.shape, start.matrix[[0, 5]].tolist()
        ((6, 3), [[0.0, 0.0, 0.0], [3.0, 1.0, 0.0]])
        >>> print(start.coverage)
        1 of 2 words (50.00 %) have a vector; without: a
    """
    require_at_least(seed, "seed", 0)
    rng = np.random.default_rng((seed, _STREAM))
    drawn = rng.standard_normal((len(vocabulary), vectors.dim))
    mean = vectors.vectors.mean(axis=0, dtype=np.float64)
    deviation = vectors.vectors.std(axis=0, dtype=np.float64)
    values = (mean + deviation * drawn).astype(np.float32)
    values[PAD] = 0
    places = [vectors.find(word) for word in vocabulary.words]
    known = np.array([False] * len(MARKS) + [place is not None for place in places])
    values[known] = vectors.vectors[[place for place in places if place is not None]]
    return Embedding(values, known, _coverage(vocabulary, vectors, known, captions))


class _Findable:
    """The words that `WordVectors.find` finds, for `in`."""

    def __init__(self, vectors: WordVectors) -> None:
        self._vectors = vectors

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self._vectors.find(word) is not None


def _coverage(
    vocabulary: Vocabulary,
    vectors: WordVectors,
    known: NDArray[np.bool_],
    captions: Iterable[Sequence[str]] | None,
) -> Coverage:
    words = zip(vocabulary.words, known[len(MARKS) :], strict=True)
    return Coverage(
        words=len(vocabulary.words),
        found=int(known.sum()),
        missing=tuple(word for word, has in words if not has),
        captions=None if captions is None else count_unknowns(_Findable(vectors), captions),
    )
