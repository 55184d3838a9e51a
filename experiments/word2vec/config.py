"""Settings of `python -m experiments.word2vec`."""

import dataclasses
from pathlib import Path
from typing import Any, Literal

from experiments._command import Settings, require


@dataclasses.dataclass(frozen=True, kw_only=True)
class Word2VecSettings(Settings):
    """Learn a vector for each word, from captions or any other sentences (Mikolov et al. 2013).

    Trains skip-gram and CBOW, beside vectors drawn at random, and compares them with what people
    say of pairs of words. --data is a text with a sentence on each line, a JSON file of COCO's
    captions or of Karpathy's splits, or a folder or zip with Flickr8k; of the latter two only what
    is there to train on is read. Without --data, captions of rendered scenes. README.md in this
    folder has the expected scores and the time they take.
    """

    similarity: Path | None = None
    """List of word pairs with scores by people, or a folder of such lists (.txt); by default
    $SIMLEARN_DATA/word_sim (data/word_sim where that is not set), and none where that is not."""

    analogies: Path | None = None
    """Questions in the format of Google's questions-words.txt; by default none."""

    pretrained: Path | None = None
    """Vectors to score beside those trained here; by default none."""

    pretrained_format: Literal["word2vec", "word2vec_binary", "glove"] = "word2vec"
    """Format of --pretrained."""

    held_out: float = 0.05
    """Share of the captions, from the end, that nothing is learned from: their unknown words are
    counted. All captions of a picture stay together, in a text every line by itself."""

    dim: int = 100
    """Length of a vector."""

    window: int = 5
    """Words to either side that are looked at, at most."""

    negative: int = 5
    """Words drawn as wrong ones for each right one."""

    min_count: int = 2
    """How often a word must occur to get a vector."""

    sample: float = 1e-3
    """Share of the corpus above which a word is left out now and then; 0 for never."""

    epochs: int = 30
    """Passes over the corpus."""

    learning_rate: float = 0.025
    """Of skip-gram, at the start; CBOW's is twice as high, as in the authors' program."""

    words: tuple[str, ...] = ("dog", "girl", "man", "red", "two", "running", "water", "bike")
    """Words whose nearest neighbours to show, where they have a vector."""

    scenes: int = 2000
    """Rendered scenes, of five captions each, where there is no --data."""

    def check(self) -> None:
        """Refuse what cannot work before anything is read."""
        super().check()
        require("--held-out", self.held_out, 0, 0.9)
        require("--dim", self.dim, 1)
        require("--window", self.window, 1)
        require("--negative", self.negative, 1)
        require("--min-count", self.min_count, 1)
        require("--sample", self.sample, 0, 0.999)
        require("--epochs", self.epochs, 1)
        require("--learning-rate", self.learning_rate, 1e-12)
        require("--scenes", self.scenes, 2)

    def smoke_values(self) -> dict[str, Any]:
        """Two passes over a few scenes."""
        return {"scenes": 60, "epochs": 2, "dim": 8}
