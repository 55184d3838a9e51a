"""Splits, their features, and the words that training knows."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from caption.batches import Captions, Features
from caption.data.records import CaptionedPictures
from caption.encoder import Encoder
from caption.tokenizer import tokenize
from caption.vocabulary import Vocabulary
from experiments._captioning.config import CaptioningSettings
from simlearn.errors import UserError

Words = list[list[list[str]]]
"""For each picture and caption its words."""


@dataclass(frozen=True)
class Split:
    """A part of the data with the features of its pictures."""

    record: CaptionedPictures
    features: Features
    words: Words


@dataclass(frozen=True)
class Prepared:
    """All that training and scoring need.

    Attributes:
        train: learned from.
        validation: that training is stopped by.
        test: scored in the end; may be the validation split, and results then say so.
        vocabulary: of the training captions.
        captions: of the training split, as numbers.
        corpus: captions without pictures, as words; perhaps none.
        encoder: what features are made with.
        fine_tuned: whether it learns too; the features of the splits are then their pictures.
    """

    train: Split
    validation: Split
    test: Split
    vocabulary: Vocabulary
    captions: Captions
    corpus: list[list[str]]
    encoder: Encoder
    fine_tuned: bool = False


def split_of(record: CaptionedPictures, features: Features) -> Split:
    """A split with its captions cut into words."""
    words = [[tokenize(text) for text in texts] for texts in record.captions]
    return Split(record, features, words)


def prepare(
    config: CaptioningSettings,
    splits: tuple[Split, Split, Split],
    encoder: Encoder,
    *,
    fine_tuned: bool = False,
) -> Prepared:
    """Count the words of the training captions, and of the corpus where there is one."""
    train, validation, test = splits
    corpus = [] if config.corpus is None else read_corpus(config.corpus)
    held_out = [validation.record] + ([] if test is validation else [test.record])
    counted = Vocabulary.from_records(train.record, held_out=held_out, min_count=config.min_count)
    if corpus and config.corpus_epochs:
        both = [*corpus, *(words for image in train.words for words in image)]
        counted = Vocabulary.from_captions(both, min_count=config.min_count)
    captions = Captions.of(train.words, counted, longest=config.longest)
    print(f"{train.record}; {len(counted)} words known")
    print(f"of the validation captions: {counted.unknowns(_flat(validation.words))}", flush=True)
    return Prepared(train, validation, test, counted, captions, corpus, encoder, fine_tuned)


def read_corpus(path: Path) -> list[list[str]]:
    """The captions of a file of lines, cut into words.

    Raises:
        UserError: the file is missing, is no UTF-8, or holds no words.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: expected lines of UTF-8 text: {error}") from error
    found = [words for line in lines if (words := tokenize(line))]
    if not found:
        raise UserError(f"{path}: expected captions, one a line, and found no words")
    return found


def mean_features(prepared: Prepared, split: Split) -> NDArray[np.float32]:
    """One vector a picture, the mean of its locations `(pictures, channels)`."""
    chunks = []
    for start in range(0, len(split.features), 64):
        rows = np.arange(start, min(start + 64, len(split.features)))
        values = np.asarray(split.features[rows], np.float32)
        if prepared.fine_tuned:
            values = np.asarray(prepared.encoder.model.predict_on_batch(values))
        chunks.append(values.mean(1))
    return np.concatenate(chunks)


def _flat(words: Words) -> Iterable[list[str]]:
    return (caption for image in words for caption in image)
