"""What `simlearn faces ...` takes. Nothing heavy is imported, so that `--help` answers at once."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import tyro

from simlearn.errors import UserError

Paths: TypeAlias = Annotated[tuple[Path, ...], tyro.conf.Positional]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Seeing:
    """How faces are found and seen."""

    model: Path
    """What sees the faces: a folder that `experiments.lfw_verification` or `experiments.facenet`
    wrote, with its threshold, or published weights (.npz, .h5)."""

    cropped: bool = False
    """Each picture is cropped to one upright face already: none is looked for, and the faces extra
    is not needed."""

    share: float = 1.0
    """Of a cropped picture's shorter side, what the model is shown, from the middle."""

    shift: float = 0.0
    """How far below the picture's middle that lies, as a share of the shorter side."""

    min_face: float = 20.0
    """Smallest face that is looked for, in pixels, at least 12."""

    sure: float = 0.9
    """How sure the detector must be of a face, in [0, 1): at 0.8, MTCNN's own limit, it also takes
    folds and patterns for small faces."""

    threshold: float | None = None
    """Cosine distance up to which two faces are of one person; by default the model's own."""

    cache: Path | None = None
    """Folder to keep found faces and embeddings in, by the pictures' content."""

    draw: Path | None = None
    """Folder to write the pictures into with a box around each face."""

    json: bool = False
    """Print one JSON object."""

    def check(self) -> None:
        """Refuse what cannot work before anything is read.

        Raises:
            UserError: a setting is out of its range.
        """
        _require("--min-face", self.min_face, 12 <= self.min_face < 2**15, "at least 12 pixels")
        _require("--sure", self.sure, 0 <= self.sure < 1, "0 or more and less than 1")
        _require("--share", self.share, 0 < self.share < 100, "over 0 and less than 100")
        _require("--shift", self.shift, -100 < self.shift < 100, "more than -100 and less than 100")
        if self.threshold is not None:
            # Cosine distances have no others.
            _require("--threshold", self.threshold, 0 <= self.threshold <= 2, "from 0 to 2")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verify(Seeing):
    """Say whether two pictures show the same person.

    Prints the distance, the threshold and where it comes from, and a calibrated probability. A
    picture with several faces is refused until it is said which: --left-face, --right-face, or
    --every for a table of all pairs.
    """

    left: Annotated[Path, tyro.conf.Positional]
    """One picture."""

    right: Annotated[Path, tyro.conf.Positional]
    """The other."""

    left_face: int | None = None
    """Which face of the first picture, by its number from 0."""

    right_face: int | None = None
    """Which face of the second picture."""

    every: bool = False
    """Compare every face of one with every face of the other, and decide nothing for the whole."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Enrol(Seeing):
    """Add people to a gallery.

    With --name, all pictures are of that person; without, each folder in the given folder is a
    person. A picture must show one face.
    """

    gallery: Path
    """Folder of the gallery; made where there is none."""

    pictures: Paths = ()
    """Pictures or folders of them; without --name, one folder with a folder for each person."""

    name: str | None = None
    """Who they show."""

    largest: bool = False
    """Of several faces take the largest."""

    remove: str | None = None
    """Take this person out of the gallery first."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Identify(Seeing):
    """Say who of a gallery each face in pictures is, and who is nobody of it.

    With --labelled, one folder with a folder for each person, some of whom may be strangers: prints
    rank-1 rate, detection and identification rate, and false alarms.
    """

    gallery: Path
    """Folder of the gallery."""

    pictures: Paths
    """Pictures or folders of them."""

    method: Literal["nearest", "classifier"] = "nearest"
    """The person of the nearest face, or whom a classifier trained on the gallery names."""

    labelled: bool = False
    """The folders in the given folder say who the pictures show: score the answers."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cluster(Seeing):
    """Group the faces in pictures by person, nobody having said who is on them or how many.

    Prints the groups, or writes them: copies in a folder for each (--folders), JSON (--json), a
    contact sheet (--sheet).
    """

    pictures: Paths
    """Pictures or folders of them."""

    prior: float = 0.1
    """Share of all pairs of faces that you expect to be of one person: the rarer they are, the
    nearer two faces must be. Needs a model with a calibration, and no --threshold."""

    folders: Path | None = None
    """Folder to copy the pictures into, a folder for each person; must be new or empty."""

    sheet: Path | None = None
    """A page with every face, by person, to write (.html)."""

    labelled: bool = False
    """The folders in the given folder say who the pictures show: score the groups."""

    def check(self) -> None:
        """See `Seeing.check`; nor may results go where something else is.

        Raises:
            UserError: likewise.
        """
        super().check()
        _require("--prior", self.prior, 0 < self.prior < 1, "more than 0 and less than 1")
        if self.sheet is not None and self.sheet.is_dir():
            raise UserError(f"expected --sheet as a file to write, got the folder {self.sheet}")


Command: TypeAlias = (
    Annotated[Verify, tyro.conf.subcommand("verify")]
    | Annotated[Enrol, tyro.conf.subcommand("enrol")]
    | Annotated[Identify, tyro.conf.subcommand("identify")]
    | Annotated[Cluster, tyro.conf.subcommand("cluster")]
)


def _require(option: str, value: float, good: bool, expected: str) -> None:
    # NaN is in no range.
    if not good:
        raise UserError(f"expected {option} {expected}, got {value}")
