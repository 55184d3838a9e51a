"""Settings of `python -m experiments.caption_scenes`."""

import dataclasses
from typing import Any, Literal

from experiments._captioning.config import CaptioningSettings
from experiments._command import require


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScenesSettings(CaptioningSettings):
    """Caption rendered scenes; needs no data, and trains the encoder too.

    Pictures of simple things are drawn with captions that are true of them. Scores are of scenes
    that hold a combination of thing and colour, or of things and relation, that training never
    showed, against many true captions of each. README.md in this folder has protocol and results.
    """

    pictures: int = 30_000
    """Rendered scenes to train on."""

    tested: int = 400
    """Held-out scenes that are scored, and a third as many to stop the training."""

    references: int = 64
    """True captions of a held-out scene that its caption is scored against; any of five draws says
    the same in so many ways that a perfect caption scores a BLEU-4 of 0.70 against five."""

    side: int = 64
    """Pixels of the pictures' sides."""

    width: int = 192
    """Units of the hidden state."""

    word_width: int = 128
    """Length of the word vectors."""

    optimizer: Literal["adamw", "muon"] = "muon"
    """What trains captioner and encoder, after the encoder's own training, which is Muon's."""

    learning_rate: float = 1e-2
    """At first; it falls along a cosine."""

    weight_decay: float = 0.004
    """Decoupled."""

    epochs: int = 3
    """Of training on captions, at most; an epoch goes once through the pictures."""

    patience: int = 5
    """Epochs without a better validation CIDEr-D after which training on captions ends."""

    dropout: float = 0.2
    """Share of units dropped in training."""

    label_smoothing: float = 0.0
    """Share of the probability that is spread over all words."""

    visual_epochs: int = 3
    """Of teaching the encoder which words a picture shows, before captions."""

    candidates: int = 0
    """Captions of a wider beam, of which the captions of similar training pictures choose; they are
    scored apart. 0 for none: what training never showed has no such pictures."""

    def check(self) -> None:
        """Refuse what cannot work, before anything is drawn.

        Raises:
            UserError: a setting is out of its range.
        """
        super().check()
        require("--pictures", self.pictures, self.batch)
        require("--tested", self.tested, 6)
        require("--references", self.references, 5)
        require("--side", self.side, 64, 512)

    def smoke_values(self) -> dict[str, Any]:
        """Little of everything."""
        small = {"pictures": 64, "tested": 12, "references": 10, "visual_epochs": 1}
        return super().smoke_values() | small
