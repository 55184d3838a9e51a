"""Settings of `python -m experiments.mtfl_landmarks`."""

import dataclasses
from pathlib import Path
from typing import Any, Literal

from experiments._audit import AuditedSettings
from experiments._command import require
from simlearn.errors import UserError


@dataclasses.dataclass(frozen=True, kw_only=True)
class LandmarkSettings(AuditedSettings):
    """Place the landmarks of faces and tell their attributes (Zhang et al., ECCV 2014).

    Two networks one after the other: the small one of the tutorials finds a face's points roughly,
    a residual pyramid with one heatmap a point places them in a crop that is turned upright. Both
    learn from crops around the face, moved and scaled at random as far as test faces differ. MTFL
    as downloaded under --data, a folder or zip; without --data rendered faces, whose scores are
    comparable with nothing else. README.md in this folder has the expected scores and the time
    they take.
    """

    data_set: Literal["mtfl", "mafl", "celeba", "kaggle", "clicked"] = "mtfl"
    """What lies under --data: MTFL, MAFL or CelebA with their lists, Kaggle's keypoints, or a
    folder that `simlearn label` filled. Of the last two, which have no labelled test part, a tenth
    of the rows is scored."""

    decisions: Path | None = None
    """CSV file that `simlearn review` wrote: training rows to drop or fix are left out."""

    network: Literal["cascade", "tutorial"] = "cascade"
    """cascade: both networks. tutorial: the first alone."""

    frame: Literal["face", "whole"] = "face"
    """What the first network learns from: crops around the face, changed at random, or whole
    pictures as they are."""

    tasks: Literal["all", "points"] = "all"
    """Points and all attributes, or points alone."""

    weighting: Literal["fixed", "uncertainty", "early_stopping"] = "fixed"
    """How the tasks' losses add up: with fixed weights, with weights learned from the tasks'
    uncertainty, or fixed until a task is stopped (TCDCN)."""

    loss: Literal["normalized", "squared", "l1", "smooth_l1", "wing"] = "normalized"
    """Of the points: their distance over the inter-ocular distance, or, in pixels of the crop, half
    the squared error, L1, smooth L1 or the wing loss."""

    attribute_weight: float = 0.02
    """What each attribute's cross-entropy counts beside the points' loss."""

    coarse_steps: int = 1500
    """Batches that the first network learns from."""

    coarse_batch: int = 64
    """Faces in each."""

    fine_steps: int = 3000
    """Batches that the second network learns from."""

    fine_batch: int = 64
    """Faces in each."""

    coarse_learning_rate: float = 0.005
    """Muon's, at its height, for the first network. On its own, as `--network tutorial`, it is
    trained by Adam, at 0.001."""

    fine_learning_rate: float = 0.02
    """For the second."""

    weight_decay: float = 1e-2
    """Muon's."""

    widths: tuple[int, ...] = (24, 64, 128)
    """Channels of each stage of the second network."""

    blocks: tuple[int, ...] = (1, 1, 2)
    """Residual blocks of each stage."""

    merged: int = 32
    """Channels of its fine map."""

    pose_balance: float = 0.5
    """How much more often rare head poses are drawn: by (most frequent / frequency) to this power;
    0 draws each face alike."""

    mirror: bool = False
    """Whether faces are learned from mirrored too, and each look at a scored face is averaged with
    its mirror image. MTFL's labels do not mirror: see the README."""

    validation: int | None = None
    """Training rows held out to follow the training, by default a tenth of them and at most 500;
    nothing is chosen by them except when a task is stopped."""

    scale: tuple[str, ...] = ()
    """The two points over whose distance errors are measured, by name; by default the eyes."""

    rendered: int = 2000
    """Rendered faces to learn from where there is no --data; a fifth as many are scored."""

    def check(self) -> None:
        """Refuse what would fail only after minutes of training."""
        super().check()
        for option in ("coarse_steps", "coarse_batch", "fine_steps", "fine_batch", "merged"):
            require(f"--{option.replace('_', '-')}", getattr(self, option), 1)
        require("--coarse-learning-rate", self.coarse_learning_rate, 1e-12)
        require("--fine-learning-rate", self.fine_learning_rate, 1e-12)
        require("--weight-decay", self.weight_decay, 0)
        require("--attribute-weight", self.attribute_weight, 0)
        require("--pose-balance", self.pose_balance, 0)
        if self.validation is not None:
            require("--validation", self.validation, 1)
        if len(self.scale) not in (0, 2) or len(set(self.scale)) != len(self.scale):
            raise UserError(f"expected --scale as two points, received {','.join(self.scale)!r}")
        require("--rendered", self.rendered, 20)
        require("--widths", min(self.widths), 1)
        require("--blocks", min(self.blocks), 1)

    def smoke_values(self) -> dict[str, Any]:
        """Two steps of tiny networks on a handful of faces."""
        return {
            "coarse_steps": 2,
            "coarse_batch": 8,
            "fine_steps": 2,
            "fine_batch": 8,
            "widths": (4, 8),
            "blocks": (1, 1),
            "merged": 4,
            "validation": 8,
            "rendered": 40,
        }
