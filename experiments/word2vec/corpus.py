"""The sentences: what to learn from, and what to keep aside."""

from pathlib import Path
from typing import NamedTuple

from caption.data import flickr, scenes
from caption.metrics.readers import read_references
from caption.tokenizer import tokenize
from experiments.word2vec.config import Word2VecSettings
from simlearn.data._annotations import lines_of
from simlearn.errors import UserError

Sentences = list[list[str]]

_SIZE = (64, 64)


class Corpus(NamedTuple):
    """Sentences as lists of words.

    Attributes:
        name: of the data set or file; rendered captions are called so.
        train: what is learned from.
        held_out: what is not.
    """

    name: str
    train: Sentences
    held_out: Sentences


def read(config: Word2VecSettings) -> Corpus:
    """Read and cut the sentences as the settings say.

    Raises:
        UserError: there is nothing to read, it is in none of the formats, or nothing is left.
    """
    name, groups = _groups(config)
    kept = len(groups) - round(config.held_out * len(groups))
    train = [tokenize(text) for texts in groups[:kept] for text in texts]
    held_out = [tokenize(text) for texts in groups[kept:] for text in texts]
    if not any(train):
        raise UserError(f"{name}: expected sentences to learn from, and found none")
    return Corpus(name, train, held_out)


Groups = list[tuple[str, ...]]


def _groups(config: Word2VecSettings) -> tuple[str, Groups]:
    """The name, and the sentences that must stay together."""
    path = config.data
    if path is None:
        record = scenes.render(config.scenes, config.seed, size=_SIZE)
        return record.name, list(record.captions)
    if not path.exists():
        raise UserError(f"{path}: expected a file or folder of captions, and found nothing")
    if path.is_dir() or path.suffix == ".zip":
        flickr8k = flickr.load_8k(path, "train")
        return flickr8k.name, list(flickr8k.captions)
    if path.suffix == ".json":
        return path.stem, list(read_references(path, split="train").captions.values())
    return path.stem, _lines(path)


def _lines(path: Path) -> Groups:
    groups: Groups = []
    for line in lines_of(path.read_bytes(), str(path)):
        if "\t" in line.text:
            # Flickr's own files hold all splits: their lists say which captions are to train on.
            raise line.error(
                "a sentence without a tab; files of captions by picture are read in their folder",
                line.text,
            )
        groups.append((line.text,))
    return groups
