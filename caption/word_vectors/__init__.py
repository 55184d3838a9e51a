"""Word vectors: train them, load them, start an embedding from them, and score them.

`skip_gram` and `cbow` train with gensim, which comes with `pip install 'simlearn[words]'`; so does
the reading of word2vec's binary files. All else needs numpy and scipy only.
"""

from caption.word_vectors._analogies import (
    Analogies,
    Question,
    Section,
    analogies,
    read_analogies,
)
from caption.word_vectors._embedding import Coverage, Embedding, matrix
from caption.word_vectors._files import load_glove, load_word2vec, save_word2vec
from caption.word_vectors._similarity import Pair, Similarity, read_pairs, similarity
from caption.word_vectors._train import Word2Vec, cbow, skip_gram
from caption.word_vectors._vectors import WordVectors

__all__ = [
    "Analogies",
    "Coverage",
    "Embedding",
    "Pair",
    "Question",
    "Section",
    "Similarity",
    "Word2Vec",
    "WordVectors",
    "analogies",
    "cbow",
    "load_glove",
    "load_word2vec",
    "matrix",
    "read_analogies",
    "read_pairs",
    "save_word2vec",
    "similarity",
    "skip_gram",
]
