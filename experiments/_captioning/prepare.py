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
from caption.vocabulary import Unknowns, Vocabulary
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
        unknown: words of the captions to validate and to test on that it does not have.
        captions: of the training split, as numbers.
        corpus: captions without pictures, as words; perhaps none.
        encoder: what features are made with.
        fine_tuned: whether it learns too; the features of the splits are then their pictures.
    """

    train: Split
    validation: Split
    test: Split
    vocabulary: Vocabulary
    unknown: dict[str, Unknowns]
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
    """Count the words of the training captions, and of the corpus where there is one.

    Raises:
        UserError: a picture to validate or test on is among those to train on, or its captions are
            in the corpus.
    """
    train, validation, test = splits
    held_out = [validation] if test is validation else [validation, test]
    corpus = [] if config.corpus is None else read_corpus(config.corpus)
    for split in held_out:
        _require_apart(corpus, split, config)
    records = [split.record for split in held_out]
    at_least, at_most = config.min_count, config.most_words
    counted = Vocabulary.from_records(
        train.record, held_out=records, min_count=at_least, most=at_most
    )
    if corpus and config.corpus_epochs:
        both = [*corpus, *(words for image in train.words for words in image)]
        counted = Vocabulary.from_captions(both, min_count=at_least, most=at_most)
    captions = Captions.of(train.words, counted, longest=config.longest)
    names = ("validation", "test")[: len(held_out)]
    unknown = {
        name: counted.unknowns(_flat(split.words))
        for name, split in zip(names, held_out, strict=True)
    }
    print(f"{train.record}; {len(counted)} words known")
    for name, found in unknown.items():
        print(f"of the {name} captions: {found}", flush=True)
    return Prepared(
        train, validation, test, counted, unknown, captions, corpus, encoder, fine_tuned
    )


def _require_apart(corpus: list[list[str]], split: Split, config: CaptioningSettings) -> None:
    """Refuse a corpus that holds all captions of a held-out picture, word for word.

    One caption may be written twice by chance, all of a picture are not.
    """
    said = set(map(tuple, corpus))
    known = [
        where
        for where, words in enumerate(split.words)
        if len(words) > 1 and all(tuple(caption) in said for caption in words)
    ]
    if known:
        where = split.record.pictures.where(known[0])
        raise UserError(
            f"{config.corpus}: expected captions without those of pictures to validate or test on, "
            f"and received all captions of {len(known)} of them, such as {where}"
        )


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
