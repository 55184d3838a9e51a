"""Settings of `python -m experiments.facenet`."""

import dataclasses
from pathlib import Path
from typing import Any, Literal, TypeAlias

from experiments._audit import AuditedSettings
from experiments._command import require
from simlearn.errors import UserError

Layout: TypeAlias = Literal["auto", "rendered", "orl", "casia", "vggface2", "folders"]
Mining: TypeAlias = Literal["semi-hard", "batch-hard", "offline"]
Laying: TypeAlias = Literal["aligned", "fixed"]
Backbone: TypeAlias = Literal["small", "mobilefacenet", "inception-resnet"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class FacenetSettings(AuditedSettings):
    """Train a face embedding: first a softmax with a margin, then triplets.

    Triplets alone, from random weights, are what users of the best-known implementation got 80 to
    89 % on LFW with. The recipe here, and why: a warm start by a softmax with an angular margin
    over the people, so that triplets begin among neighbours that mean something; semi-hard
    negatives in batches of many people, or the hardest of the whole set, mined anew each epoch, but
    only after the warm start; embeddings of unit length; validation on people who are not trained
    on, whose best epoch is kept; an alarm where all embeddings become one.

    Command: `python -m experiments.facenet --data CASIA --layout casia`. Without data: AT&T's
    faces from $SIMLEARN_DATA/orl if they are there, else people that are rendered. Expected,
    hardware and time: README.md.
    """

    layout: Layout = "auto"
    """How --data lies: casia (CASIA-WebFace), vggface2, orl (AT&T), folders (one a person); auto:
    folders where --data is given, else AT&T or rendered people."""

    backbone: Backbone = "small"
    """small: a residual network of 0.7 million parameters; mobilefacenet: 1 million;
    inception-resnet: 23 million, FaceNet's."""

    size: int = 64
    """Side of the faces in pixels; 112 and 160 are usual for the larger networks."""

    share: float = 1.0
    """Of a picture's shorter side, what is shown to the network, from the middle."""

    crops: int = 1
    """1: the whole face; 3: the whole face, eyes and mouth, each through a network of its own."""

    dim: int = 128
    """Length of the embedding."""

    warm_epochs: int = 10
    """Epochs of softmax with margin."""

    epochs: int = 15
    """Epochs of triplets after it."""

    mining: Mining = "semi-hard"
    """semi-hard or batch-hard negatives of the batch, or offline: for each picture the farthest of
    its person and the hardest of all others, mined before each epoch."""

    people_per_batch: int = 16
    """Of a batch."""

    pictures_per_person: int = 4
    """Of a batch."""

    margin: float = 0.2
    """Of the triplets, in squared distance of unit vectors, 0 to 4."""

    softmax_margin: float = 0.2
    """Of the warm start, subtracted from the cosine (CosFace)."""

    softmax_scale: float = 16.0
    """Of the warm start's cosines: 64 is usual for ten thousand people, less for few."""

    learning_rate: float = 1e-3
    """Of the warm start (AdamW, cosine); triplets begin at a third of it."""

    validation_share: float = 0.2
    """Share of the people to choose the epoch by."""

    test_share: float = 0.3
    """Share of the people to report on."""

    rendered_people: int = 120
    """People to render."""

    rendered_pictures: int = 12
    """Pictures of each."""

    compare: Path | None = None
    """A trained embedder or published weights to score beside, on the same test people."""

    compare_laying: Laying = "aligned"
    """What the compared one is shown: the face of each whole picture, found and laid by five points
    (needs the faces extra), or a fixed box in the middle of the pixels that are trained on.
    Rendered people have no whole pictures: of them always the box."""

    compare_share: float = 0.8
    """Of a picture's shorter side, the fixed box of the compared one."""

    def smoke_values(self) -> dict[str, Any]:
        """Few and small pictures, an epoch each."""
        return {
            "size": 32,
            "warm_epochs": 1,
            "epochs": 1,
            "rendered_people": 20,
            "rendered_pictures": 4,
            "people_per_batch": 4,
            "dim": 16,
        }

    def check(self) -> None:
        """See `Settings.check`.

        Raises:
            UserError: a setting is out of range, or there is nothing to train.
        """
        super().check()
        require("--size", self.size, 24, 512)
        for option, share in (("--share", self.share), ("--compare-share", self.compare_share)):
            require(option, share, 0.05, 4)
        require("--dim", self.dim, 1)
        require("--warm-epochs", self.warm_epochs, 0)
        require("--epochs", self.epochs, 0)
        require("--people-per-batch", self.people_per_batch, 2)
        require("--pictures-per-person", self.pictures_per_person, 2)
        require("--margin", self.margin, 1e-6, 4)
        require("--softmax-margin", self.softmax_margin, 0, 1)
        require("--softmax-scale", self.softmax_scale, 1)
        require("--learning-rate", self.learning_rate, 1e-8, 10)
        require("--validation-share", self.validation_share, 0.01, 0.8)
        require("--test-share", self.test_share, 0.01, 0.8)
        require("--rendered-people", self.rendered_people, 10)
        require("--rendered-pictures", self.rendered_pictures, 2)
        if self.crops not in (1, 3):
            raise UserError(f"expected --crops of 1 or 3, received {self.crops}")
        if self.warm_epochs + self.epochs < 1:
            raise UserError("expected epochs to train, received 0 of both kinds")
        if self.backbone == "inception-resnet" and self.size < 75:
            raise UserError(f"expected --size of at least 75 for it, received {self.size}")
        if self.layout in ("casia", "vggface2", "folders") and self.data is None:
            raise UserError(f"expected --data for --layout {self.layout}, received none")
