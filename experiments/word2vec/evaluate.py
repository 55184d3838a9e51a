"""Score vectors: word pairs, analogies, how much of a vocabulary they cover."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from caption.data import scenes
from caption.vocabulary import Vocabulary
from caption.word_vectors import (
    Analogies,
    Coverage,
    Pair,
    Question,
    Similarity,
    WordVectors,
    analogies,
    matrix,
    read_analogies,
    read_pairs,
    similarity,
)
from experiments.word2vec.config import Word2VecSettings
from experiments.word2vec.corpus import Corpus
from simlearn.errors import UserError

KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "shape": scenes.SHAPES,
    "colour": scenes.COLOURS,
    "ground": scenes.GROUNDS,
}
"""Words of rendered captions by what they name."""

_NEIGHBOURS: Final = 8


class Lists(NamedTuple):
    """What people say, by the name of the list; read before anything is trained."""

    pairs: Mapping[str, tuple[Pair, ...]]
    questions: tuple[Question, ...]


class Scores(NamedTuple):
    """What was measured of one set of vectors."""

    similarities: tuple[Similarity, ...]
    analogies: Analogies | None
    coverage: Coverage
    neighbours: dict[str, list[tuple[str, float]]]
    same_kind: float | None

    def as_json(self) -> dict[str, Any]:
        """As results.json holds it."""
        return {
            "similarity": {found.name: found.as_json() for found in self.similarities},
            "analogies": None if self.analogies is None else self.analogies.as_json(),
            "coverage": self.coverage.as_json(),
            "neighbours": {w: [list(near) for near in ns] for w, ns in self.neighbours.items()},
            "nearest_of_same_kind": self.same_kind,
        }


def read_lists(config: Word2VecSettings) -> Lists:
    """Read the lists of pairs and the questions.

    Raises:
        UserError: what was asked for is not there or not of its format.
    """
    pairs = {path.stem: read_pairs(path) for path in _pair_files(config)}
    return Lists(pairs, () if config.analogies is None else read_analogies(config.analogies))


def score(
    vectors: WordVectors,
    vocabulary: Vocabulary,
    corpus: Corpus,
    lists: Lists,
    config: Word2VecSettings,
) -> Scores:
    """Everything that is measured of one set of vectors."""
    start = matrix(vocabulary, vectors, seed=config.seed, captions=corpus.held_out)
    shown = [word for word in config.words if vectors.find(word) is not None]
    return Scores(
        tuple(similarity(vectors, pairs, name=name) for name, pairs in lists.pairs.items()),
        analogies(vectors, lists.questions) if lists.questions else None,
        start.coverage,
        {word: vectors.nearest(word, _NEIGHBOURS) for word in shown},
        same_kind(vectors) if config.data is None else None,
    )


def same_kind(vectors: WordVectors) -> float:
    """Of the words for shapes, colours and grounds, the share whose nearest is of the same kind.

    The nearest among those words, that is; from 0 to 1, and 0 where fewer than two have a vector.
    """
    kinds = {w: kind for kind, words in KINDS.items() for w in words if w in vectors}
    right = 0
    for word, kind in kinds.items():
        others = (near for near, _ in vectors.nearest(word, len(vectors)) if near in kinds)
        nearest = next(others, None)
        right += nearest is not None and kinds[nearest] == kind
    return right / max(len(kinds), 1)


def _pair_files(config: Word2VecSettings) -> list[Path]:
    root = config.similarity
    if root is None:
        root = Path(os.environ.get("SIMLEARN_DATA") or "data") / "word_sim"
        return sorted(root.rglob("*.txt")) if root.is_dir() else []
    files = sorted(root.rglob("*.txt")) if root.is_dir() else [root]
    if not files:
        raise UserError(f"{root}: expected lists of word pairs (.txt), and found none")
    return files
