"""Settings of a comparison between a Siamese and a triplet embedding."""

import dataclasses
from typing import Any

from experiments._audit import AuditedSettings
from experiments._command import require


@dataclasses.dataclass(frozen=True, kw_only=True)
class SimilaritySettings(AuditedSettings):
    """Settings of a comparison between a Siamese and a triplet embedding."""

    dim: int = 32
    """Length of the embeddings."""

    enlarge: int = 1
    """How many times larger, along each side, the encoder makes the pictures first."""

    filters: tuple[int, int] = (64, 128)
    """Channels of the encoder's two convolutions."""

    epochs: int = 30
    """Epochs of each of the two trainings."""

    learning_rate: float = 1e-3
    """Adam's, at the start; it falls to zero along a cosine."""

    pairs_per_batch: int = 32
    """Siamese: pairs in a batch, half of them positive."""

    contrastive_margin: float = 1.0
    """Siamese: Euclidean distance beyond which a negative pair costs nothing, 0 to 2."""

    classes_per_batch: int = 10
    """Triplet: classes in a batch (P)."""

    samples_per_class: int = 8
    """Triplet: pictures of each class in a batch (K)."""

    triplet_margin: float = 0.2
    """Triplet: margin in squared Euclidean distance, 0 to 4."""

    rotation: float = 10.0
    """Augmentation: largest turn to either side, in degrees."""

    scale: float = 0.1
    """Augmentation: largest enlargement, as a share."""

    shift: float = 0.08
    """Augmentation: largest move, as a share of the side."""

    pair_images: int = 2000
    """Verification looks at all pairs of at most this many test pictures, drawn by the seed."""

    def check(self) -> None:
        """Refuse what would fail only after minutes of training; the rest checks itself."""
        super().check()
        require("--dim", self.dim, 1)
        require("--enlarge", self.enlarge, 1, 16)
        require("--filters", min(self.filters), 1)
        require("--epochs", self.epochs, 1)
        require("--learning-rate", self.learning_rate, 1e-12)
        require("--contrastive-margin", self.contrastive_margin, 1e-12, 2)
        require("--triplet-margin", self.triplet_margin, 1e-12, 4)
        require("--pair-images", self.pair_images, 20)

    def smoke_values(self) -> dict[str, Any]:
        """One epoch of a small embedding."""
        return {"dim": 8, "epochs": 1, "pair_images": 100}
