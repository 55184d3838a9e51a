"""Train both architectures; what was trained before a kill is not trained again."""

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np

from caption.vocabulary import Vocabulary
from caption.word_vectors import (
    Word2Vec,
    WordVectors,
    cbow,
    load_glove,
    load_word2vec,
    save_word2vec,
    skip_gram,
)
from experiments.word2vec.config import Word2VecSettings
from experiments.word2vec.corpus import Sentences
from simlearn.runs import Run

_VOCABULARY: Final = "vocabulary.json"
# Keeps this random stream apart from others with the same seed.
_STREAM: Final = 812


def train(sentences: Sentences, config: Word2VecSettings, run: Run) -> dict[str, WordVectors]:
    """Vectors by name: random ones, skip-gram, CBOW, and those given."""
    _forget_another_corpus(sentences, run)
    rate = config.learning_rate
    trained = {
        "skip-gram": _trained("skip-gram", skip_gram, rate, sentences, config, run),
        "CBOW": _trained("CBOW", cbow, 2 * rate, sentences, config, run),
    }
    words = trained["skip-gram"].words
    rng = np.random.default_rng((config.seed, _STREAM))
    random = WordVectors(words, rng.standard_normal((len(words), config.dim), np.float32))
    return {"random": random, **trained, **_pretrained(config)}


def _forget_another_corpus(sentences: Sentences, run: Run) -> None:
    """Drop what a killed run left that had begun with other sentences in the same place."""
    vocabulary = Vocabulary.from_captions(sentences)
    path = run.directory / _VOCABULARY
    if not path.exists() or Vocabulary.load(path) != vocabulary:
        for old in run.directory.glob("*.vectors.txt"):
            old.unlink()
        vocabulary.save(path)


def _trained(
    name: str,
    method: Callable[..., WordVectors],
    rate: float,
    sentences: Sentences,
    config: Word2VecSettings,
    run: Run,
) -> WordVectors:
    path = run.directory / f"{name}.vectors.txt"
    if path.exists():
        print(f"{name}: trained before, in {path}", flush=True)
        return load_word2vec(path)
    settings = Word2Vec(
        dim=config.dim,
        window=config.window,
        negative=config.negative,
        min_count=config.min_count,
        sample=config.sample,
        epochs=config.epochs,
        learning_rate=rate,
        seed=config.seed,
    )
    vectors = method(sentences, settings, on_epoch=partial(_tell, name, config.epochs))
    save_word2vec(vectors, path)
    return vectors


def _tell(name: str, epochs: int, epoch: int) -> None:
    if epoch == epochs or epoch % max(1, epochs // 10) == 0:
        print(f"{name}: epoch {epoch}/{epochs}", flush=True)


def _pretrained(config: Word2VecSettings) -> dict[str, WordVectors]:
    if config.pretrained is None:
        return {}
    if config.pretrained_format == "glove":
        vectors = load_glove(config.pretrained)
    else:
        binary = config.pretrained_format == "word2vec_binary"
        vectors = load_word2vec(config.pretrained, binary=binary)
    return {config.pretrained.name: vectors}
