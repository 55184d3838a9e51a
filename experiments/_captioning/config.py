"""Settings of every captioning experiment."""

import dataclasses
from pathlib import Path
from typing import Any, Literal

from experiments._command import Settings, require
from simlearn.errors import UserError

ModelName = Literal["show_and_tell", "lrcn", "m_rnn", "soft", "hard", "spatial", "adaptive"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class CaptioningSettings(Settings):
    """What all captioners are trained and judged with."""

    model: ModelName = "adaptive"
    """Which captioner."""

    width: int = 256
    """Units of the hidden state."""

    word_width: int = 256
    """Length of the word vectors."""

    dropout: float = 0.5
    """Share of units dropped in training, of word vectors, locations and outputs."""

    most_words: int | None = None
    """Words that the vocabulary holds at most, the most frequent ones; by default all that occur
    `min_count` times."""

    min_count: int = 3
    """How often a word must occur in the training captions to be known."""

    longest: int = 20
    """Words of a training caption that are kept, and words of a caption at most."""

    epochs: int = 15
    """Of training on captions, at most; an epoch goes once through the pictures."""

    patience: int = 5
    """Epochs without a better validation CIDEr-D after which training on captions ends."""

    batch: int = 32
    """Pictures a batch, each with its captions."""

    optimizer: Literal["adamw", "muon"] = "adamw"
    """AdamW, gradients clipped to a norm of 5; or simlearn.optimizers.Muon, whose rate is about ten
    times as high."""

    learning_rate: float = 1e-3
    """At first; it falls along a cosine."""

    weight_decay: float = 0.0
    """Decoupled."""

    label_smoothing: float = 0.1
    """Share of the probability that is spread over all words."""

    scheduled_sampling: float = 0.0
    """Share of words, at the end of training, that are the model's own instead of the caption's;
    rises from 0 epoch by epoch."""

    visual_epochs: int = 0
    """Of teaching an encoder that learns which words a picture shows, before captions; none for a
    frozen encoder."""

    self_critical_epochs: int = 0
    """Of training on CIDEr-D after that."""

    self_critical_rate: float = 2e-5
    """Learning rate of that training, constant. Its weights are kept only where they score better
    on the validation pictures."""

    samples: int = 5
    """Captions drawn a picture in that training."""

    corpus: Path | None = None
    """Text file of captions, one a line, without pictures: the captioner reads them first, as a
    language model, and knows their words too; word vectors are trained on them."""

    corpus_epochs: int = 3
    """Of reading the corpus; with 0 it serves the word vectors alone."""

    words: Literal["random", "word2vec"] = "random"
    """Where the word vectors start: drawn, or trained by skip-gram on the training captions and
    the corpus."""

    vectors: Path | None = None
    """File of word vectors to start with instead: GloVe's text, or word2vec's (binary if named
    .bin), of `--word-width` numbers."""

    frozen_words: bool = False
    """Whether the word vectors stay as they start."""

    beams: int = 3
    """Width of the beam search that writes the captions that are scored."""

    candidates: int = 20
    """Captions of a wider beam, of which the captions of similar training pictures choose; they are
    scored apart. 0 for none."""

    neighbours: int = 10
    """Training pictures whose captions choose."""

    agreement: float = 2.0
    """Weight of their agreement (CIDEr-D) against the captioner's log probability a word."""

    def check(self) -> None:
        """Refuse what cannot work, before anything is loaded.

        Raises:
            UserError: a setting is out of its range, or a file is not there.
        """
        super().check()
        for option, path in (("--corpus", self.corpus), ("--vectors", self.vectors)):
            # Known before an hour of features, not after.
            if path is not None and not path.is_file():
                raise UserError(f"{option}: expected a file, found none at {path}")
        for name in ("width", "word_width", "min_count", "longest", "epochs", "batch", "beams"):
            require(f"--{name.replace('_', '-')}", getattr(self, name), 1)
        for name in ("dropout", "label_smoothing", "scheduled_sampling"):
            require(f"--{name.replace('_', '-')}", getattr(self, name), 0, 0.99)
        require("--patience", self.patience, 1)
        if self.most_words is not None:
            require("--most-words", self.most_words, 1)
        require("--candidates", self.candidates, 0, 100)
        require("--neighbours", self.neighbours, 1)
        require("--agreement", self.agreement, 0)
        require("--samples", self.samples, 2)
        require("--visual-epochs", self.visual_epochs, 0)
        require("--self-critical-epochs", self.self_critical_epochs, 0)
        require("--corpus-epochs", self.corpus_epochs, 0)

    def smoke_values(self) -> dict[str, Any]:
        """Little of everything."""
        return {"width": 32, "word_width": 32, "epochs": 2, "batch": 8, "beams": 2}


@dataclasses.dataclass(frozen=True, kw_only=True)
class PhotoSettings(CaptioningSettings):
    """What captioners of photographs take beside."""

    encoder: Literal["mobilenet_v2", "vgg16"] = "mobilenet_v2"
    """What looks at the pictures; it does not learn."""

    weights: str = "imagenet"
    """File of the encoder's weights; "imagenet" for those that Keras downloads, "none" for random
    ones."""

    side: int = 224
    """Pixels of each side to which pictures are stretched."""

    cache: Path | None = None
    """Folder of features, which several runs may share; by default `features` beside the run."""

    def check(self) -> None:
        """Refuse what cannot work, before anything is loaded.

        Raises:
            UserError: a setting is out of its range.
        """
        super().check()
        require("--side", self.side, 32, 1024)
