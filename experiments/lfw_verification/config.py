"""Settings of `python -m experiments.lfw_verification`, and what others have published."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from experiments._command import Settings, require
from simlearn.errors import UserError

Laying: TypeAlias = Literal["aligned", "cropped", "fixed"]
Protocol: TypeAlias = Literal["view1", "view2", "pairs", "youtube"]

PUBLISHED: Final[Mapping[str, float]] = {
    "FaceNet (Schroff et al. 2015)": 0.9963,
    "dlib": 0.9938,
    "OpenFace": 0.9292,
    "eigenfaces (Turk, Pentland; LFW results page)": 0.6002,
}
"""Accuracy on LFW View 2."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class VerificationSettings(Settings):
    """Verify faces: are these two pictures of one person?

    View 1 of Labeled Faces in the Wild is for choosing: how faces are laid into the model's pixels,
    whether it sees them mirrored too, and a threshold, which is saved with the model, as is a
    calibration, for `simlearn faces`. View 2 is for reporting: ten folds, the threshold of each
    chosen on the other nine. Nothing is chosen on the pairs that are reported: View 2 takes one
    way of laying faces, the one that is given.

    What is shown without pictures of View 1's training list is View 1's test list, ten folds within
    it.

    Command: `python -m experiments.lfw_verification --data LFW --model WEIGHTS --protocol view1`.
    Expected, hardware and time: README.md.
    """

    data: Path | None = None
    """Folder with the lists and pictures (folders, or zips), or a zip; by default
    $SIMLEARN_DATA/lfw, or data/lfw where that is not set."""

    model: Path | None = None
    """What sees the faces: the folder of an embedder or of a run that trained one, or published
    weights (.npz, .h5). Without one, the baselines alone are scored."""

    protocol: Protocol = "view1"
    """view1: LFW's list for choosing; view2: LFW's ten folds; pairs: a list of `left right same`
    rows, to which those of CFP, AgeDB and others are easily brought, see --pairs; youtube: YouTube
    Faces, a video's embedding being the mean of its frames'."""

    pairs: Path | None = None
    """List of pairs, where --protocol is pairs: on each row two paths below --data, 1 or 0, and
    perhaps the number of a fold."""

    laying: tuple[Laying, ...] = ("aligned", "fixed")
    """How faces are laid into the model's pixels: aligned by five points, cropped by the detected
    box, or a fixed box in the middle of each picture (needs no detector). The first is reported in
    view2; in view1 all are compared."""

    flip: bool = False
    """Whether the model also sees each face mirrored."""

    margin: float = 8.0
    """Of a cropped face, in pixels of the model's input."""

    fixed_share: float = 0.54
    """Side of the fixed box as a share of the picture's shorter side. In LFW's funnelled pictures
    eyes are about 42 of 250 pixels apart and at a height of 112; the template's, 35 of 112 and 52:
    its frame is 134 pixels wide and its middle 8 pixels above the picture's."""

    fixed_shift: float = -0.03
    """How far below the picture's middle the fixed box lies, as a share of the shorter side."""

    min_face: float = 40.0
    """Smallest face that is looked for, in pixels."""

    frames: int = 20
    """Of a video, spread evenly, at most."""

    baselines: bool = True
    """Whether raw pixels, eigenfaces, Fisherfaces and LBPH are scored too, on the fixed box."""

    resamples: int = 500
    """Draws of people for the intervals."""

    cache: Path | None = None
    """Folder to keep found faces and embeddings in; by default in the run's."""

    def smoke_values(self) -> dict[str, Any]:
        """Few draws."""
        return {"resamples": 20, "baselines": False}

    def check(self) -> None:
        """See `Settings.check`.

        Raises:
            UserError: a setting is out of range, or goes with another protocol.
        """
        super().check()
        require("--margin", self.margin, 0, 100)
        require("--fixed-share", self.fixed_share, 0.05, 4)
        require("--fixed-shift", self.fixed_shift, -2, 2)
        require("--min-face", self.min_face, 12)
        require("--frames", self.frames, 1)
        require("--resamples", self.resamples, 20)
        if (self.pairs is None) == (self.protocol == "pairs"):
            raise UserError(
                f"expected --pairs with --protocol pairs and only then, got --pairs {self.pairs} "
                f"and --protocol {self.protocol}"
            )
        if self.model is None and not self.baselines:
            raise UserError("expected --model, or --baselines, got neither")
        if not self.laying or len(set(self.laying)) < len(self.laying):
            raise UserError(f"expected ways of laying faces, each once, got {self.laying}")
