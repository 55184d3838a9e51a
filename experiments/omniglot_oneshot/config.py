"""Settings of `python -m experiments.omniglot_oneshot`."""

import dataclasses
from typing import Any, Literal

from experiments._audit import AuditedSettings
from experiments._command import require


@dataclasses.dataclass(frozen=True, kw_only=True)
class OmniglotSettings(AuditedSettings):
    """Recognise a character from one drawing of it, by another hand (Lake et al., Science 2015).

    A small residual network learns the characters of Omniglot's background set with the supervised
    contrastive loss (Khosla et al., NeurIPS 2020); new characters go to the nearest drawing, by
    cosine. The 20 published runs are scored once, beside thousands of random trials. Images and
    runs under --data, a folder or zips as downloaded; without --data in $SIMLEARN_DATA/omniglot
    (data/omniglot where that is not set). README.md in this folder has the expected scores and the
    time they take.
    """

    split: Literal["lake", "vinyals"] = "lake"
    """lake: trained on the background set, scored on the evaluation set. vinyals: trained on
    1,200 of all 1,623 characters, drawn by a fixed seed, scored on episodes of the other 423."""

    validate: bool = False
    """Hold out a part of the training characters (six alphabets; vinyals: 172 characters), score
    that and leave the test part alone: the way to choose settings."""

    side: int = 48
    """Height and width to which drawings are brought, in pixels."""

    dim: int = 128
    """Length of the embeddings."""

    widths: tuple[int, ...] = (32, 64, 128)
    """Channels of each stage of the network."""

    blocks: tuple[int, ...] = (1, 2, 2)
    """Residual blocks of each stage."""

    classes_per_batch: int = 32
    """Characters in a batch (P), all under one quarter turn: turned ones count as others."""

    samples_per_class: int = 2
    """Drawings of each character in a batch (K)."""

    groups_per_batch: int = 3
    """Alphabets that fill a batch first: the negatives of one alphabet are the hard ones."""

    temperature: float = 0.1
    """Of the loss."""

    epochs: int = 20
    """Epochs, each of --steps batches."""

    steps: int = 100
    """Batches in an epoch."""

    learning_rate: float = 3e-2
    """Muon's, after the first epoch, in which it rises; it falls to zero along a cosine."""

    weight_decay: float = 1e-2
    """Muon's."""

    rotation: float = 12.0
    """Augmentation: largest turn to either side, in degrees."""

    scale: float = 0.15
    """Augmentation: largest enlargement, as a share."""

    shift: float = 0.06
    """Augmentation: largest move, as a share of the side."""

    shear: float = 10.0
    """Augmentation: largest slant to either side, in degrees."""

    elastic: float = 0.02
    """Augmentation: deviation of the elastic warp's nodes, as a share of the side."""

    trials: int = 5000
    """Random one-shot trials within alphabets, and episodes of each kind."""

    def check(self) -> None:
        """Refuse what would fail only after minutes of training; the rest checks itself."""
        super().check()
        require("--side", self.side, 16, 105)
        require("--dim", self.dim, 1)
        require("--widths", min(self.widths), 1)
        require("--classes-per-batch", self.classes_per_batch, 2)
        require("--samples-per-class", self.samples_per_class, 2, 20)
        require("--groups-per-batch", self.groups_per_batch, 1)
        require("--temperature", self.temperature, 1e-6)
        require("--epochs", self.epochs, 1)
        require("--steps", self.steps, 1)
        require("--learning-rate", self.learning_rate, 1e-12)
        require("--weight-decay", self.weight_decay, 0)
        require("--trials", self.trials, 2)

    def smoke_values(self) -> dict[str, Any]:
        """Two steps of a tiny network, a handful of trials."""
        return {
            "side": 28,
            "dim": 8,
            "widths": (4, 8),
            "blocks": (1, 1),
            "classes_per_batch": 8,
            "samples_per_class": 2,
            "epochs": 1,
            "steps": 2,
            "trials": 10,
        }
