"""Settings of `python -m experiments.orl_faces`, and what others have published."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

from experiments._audit import AuditedSettings
from experiments._command import require
from simlearn.errors import UserError

Training: TypeAlias = Literal["soft-margin", "semi-hard", "batch-hard", "batch-all"]

PUBLISHED: Final[Mapping[str, float]] = {
    "raw pixels": 0.985,
    "eigenfaces": 0.986,
    "Fisherfaces": 0.977,
    "LBPH": 0.982,
}
"""Rank-1 rates with nine training pictures a person, tenfold cross-validation: P. Wagner's facerec
framework, whose curves OpenCV's face recognition tutorial shows."""

PUBLISHED_PICTURES: Final = 9
"""Training pictures a person that the published rates are for."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class OrlSettings(AuditedSettings):
    """Recognise the faces of the AT&T set, by classical means and by a triplet embedding.

    First, recognition of known people by the nearest training picture, with 1 to 9 of them a
    person: raw pixels, eigenfaces (Turk, Pentland 1991), Fisherfaces (Belhumeur, Hespanha,
    Kriegman 1997) and LBPH (Ahonen, Hadid, Pietikäinen 2004). Then unknown people: the same beside
    a small network trained with a triplet loss (Hermans et al. 2017; Schroff et al. 2015), on folds
    of people of whom nothing was seen in training. README.md in this folder has the expected scores
    and the time they take. Needs `pip install '.[experiments]'` and the AT&T faces: a folder
    or zip given by --data; without it $SIMLEARN_DATA/orl (data/orl where that is not set), where
    python datasets/orl/prepare.py downloads them.
    """

    splits: int = 10
    """Recognition: random splits for each number of training pictures."""

    components: int = 80
    """Eigenfaces: components, or as many as there are."""

    principal: int = 0
    """Fisherfaces: principal components that the discriminants are looked for in, or as many as
    there are; 0 for the paper's, training pictures less people."""

    whiten: bool = False
    """Fisherfaces: scale to unit covariance within people, not to unit length."""

    folds: int = 4
    """Unknown people: folds of people, each tested once."""

    validation_people: int = 6
    """Unknown people: of each fold's other people, those that choose the network's triplet loss
    and the thresholds."""

    losses: tuple[Training, ...] = ("soft-margin", "semi-hard")
    """Network: triplet losses to train with; each fold keeps the one of the highest AUC on its
    validation people. soft-margin trains an embedding of free length, the others of length 1."""

    dim: int = 64
    """Network: length of the embedding."""

    filters: int = 32
    """Network: channels of each of the four convolutions."""

    epochs: int = 40
    """Network: epochs of each training."""

    learning_rate: float = 2e-3
    """Network: Adam's, at the start; it falls to zero along a cosine."""

    people_per_batch: int = 12
    """Network: people in a batch (P)."""

    pictures_per_person: int = 4
    """Network: pictures of each person in a batch (K)."""

    triplet_margin: float = 0.2
    """Network: margin, 0 to 2; of squared distances for semi-hard, and of none for soft-margin."""

    rotation: float = 8.0
    """Augmentation: largest turn to either side, in degrees."""

    scale: float = 0.1
    """Augmentation: largest enlargement, as a share."""

    shift: float = 0.05
    """Augmentation: largest move, as a share of the side."""

    far: float = 0.01
    """Verification: false accept rate at which the true accept rate is read."""

    alarms: float = 0.1
    """Identification of people who may be strangers: share of the strangers who may be named."""

    resamples: int = 500
    """Verification: draws of people for the intervals."""

    def check(self) -> None:
        """Refuse what would fail only after minutes; what the data say is checked on loading."""
        super().check()
        require("--splits", self.splits, 2)
        require("--components", self.components, 1)
        require("--principal", self.principal, 0)
        require("--folds", self.folds, 2)
        require("--validation-people", self.validation_people, 2)
        require("--dim", self.dim, 1)
        require("--filters", self.filters, 1)
        require("--epochs", self.epochs, 1)
        require("--learning-rate", self.learning_rate, 1e-12)
        require("--people-per-batch", self.people_per_batch, 2)
        require("--pictures-per-person", self.pictures_per_person, 2)
        require("--triplet-margin", self.triplet_margin, 1e-12, 2)
        require("--far", self.far, 1e-9, 0.5)
        require("--alarms", self.alarms, 1e-9, 0.5)
        require("--resamples", self.resamples, 100)
        if not self.losses or len(set(self.losses)) < len(self.losses):
            raise UserError(
                f"expected --losses to name at least one, each once, received {self.losses}"
            )

    def smoke_values(self) -> dict[str, Any]:
        """Two splits, two folds and six epochs of a small network."""
        return {
            "splits": 2,
            "folds": 2,
            "validation_people": 2,
            "dim": 8,
            "filters": 8,
            # With fewer calls between them TensorFlow warns of the new functions of four trainings.
            "epochs": 6,
            "people_per_batch": 2,
            "resamples": 100,
        }
