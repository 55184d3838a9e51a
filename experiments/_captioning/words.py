"""Where a captioner's word vectors start."""

from pathlib import Path

from caption.word_vectors import (
    Embedding,
    Word2Vec,
    WordVectors,
    load_glove,
    load_word2vec,
    matrix,
    skip_gram,
)
from experiments._captioning.config import CaptioningSettings
from experiments._captioning.prepare import Prepared
from simlearn.errors import UserError


def first_vectors(config: CaptioningSettings, prepared: Prepared) -> Embedding | None:
    """The matrix to start with, and a line that says how many words it knows; None for drawn ones.

    Raises:
        UserError: the file cannot be read, or its vectors have another length than `--word-width`.
    """
    captions = [words for image in prepared.train.words for words in image]
    if config.vectors is not None:
        vectors = _loaded(config.vectors, prepared)
    elif config.words == "word2vec":
        settings = Word2Vec(dim=config.word_width, min_count=1, epochs=10, seed=config.seed)
        vectors = skip_gram([*captions, *prepared.corpus], settings)
    else:
        return None
    if vectors.dim != config.word_width:
        raise UserError(
            f"{config.vectors}: expected vectors of --word-width {config.word_width} numbers, "
            f"got {vectors.dim}"
        )
    found = matrix(prepared.vocabulary, vectors, seed=config.seed, captions=captions)
    print(f"word vectors: {found.coverage}", flush=True)
    return found


def _loaded(path: Path, prepared: Prepared) -> WordVectors:
    only = set(prepared.vocabulary.words)
    if path.name.startswith("glove"):
        return load_glove(path, only=only)
    return load_word2vec(path, binary=path.suffix == ".bin", only=only)
