"""What the commands share: pictures to faces to embeddings, and what is said on the way."""

import json
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from simlearn.data.loading import Loader, Skipped
from simlearn.errors import UserError
from simlearn.faces._commands._settings import Seeing
from simlearn.faces._detect import MtcnnDetector
from simlearn.faces._face_model import FaceModel
from simlearn.faces._found import FoundFaces
from simlearn.faces._paths import PathPictures
from simlearn.faces._pipeline import embed_faces, find_faces
from simlearn.faces._placing import FixedBox

# A face below this has fewer pixels than the models were trained on can do with.
_TINY: Final = 40
# Control characters, halves of pairs, ends of lines and of paragraphs.
_CONTROLS: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


class Seen(NamedTuple):
    """Faces in pictures, and their embeddings.

    Attributes:
        pictures: that were looked at.
        faces: found in those that could be read; a cropped picture's is the picture.
        vectors: of each face `(faces, dim)`.
        thumbnails: of each face as the model sees it, uint8; where they were asked for.
        skipped: pictures that could not be read, with the reason.
    """

    pictures: PathPictures
    faces: FoundFaces
    vectors: NDArray[np.float32]
    thumbnails: NDArray[np.uint8] | None
    skipped: dict[str, str]

    def face_of(self, row: int) -> str:
        """How to call a face: its picture, and its box where the picture has several."""
        owner = int(self.faces.owner[row])
        if self.faces.counts()[owner] == 1:
            return self.pictures.where(owner)
        return f"{self.pictures.where(owner)} {box_text(self.faces.boxes[row])}"


def see(
    paths: Sequence[Path], model: FaceModel, settings: Seeing, *, thumbnails: bool = False
) -> Seen:
    """Find the faces in pictures and embed them; what is odd is said on stderr.

    Raises:
        UserError: none of the pictures can be read, or the faces extra is needed and missing.
    """
    pictures = PathPictures(paths)
    skipped = _Told(limit=1.0)
    if settings.cropped:
        faces = _whole(pictures, skipped)
    else:
        detector = MtcnnDetector(min_face=settings.min_face, scores=(0.6, 0.7, settings.sure))
        faces = find_faces(pictures, detector, skipped=skipped, cache=settings.cache)
    if len(skipped) == len(pictures):
        raise UserError(f"expected a picture that can be read, got none: {skipped.last(1)}")
    _say_what_is_odd(pictures, faces, skipped, settings)
    each = pictures.take(faces.owner)
    frame: Any = FixedBox(model.embedder.size, share=settings.share, shift=settings.shift)
    if not settings.cropped:
        frame = model.embedder.placing.frame(model.embedder.size, faces)
    vectors, good = embed_faces(each, frame, model.embedder, skipped=skipped, cache=settings.cache)
    shown = None
    if thumbnails and len(each):
        shown = (
            Loader(each, frame=frame, channels=3, skipped=_Told(limit=1.0))
            .load(np.arange(len(each)))
            .images[good]
        )
    if settings.draw is not None:
        _draw(pictures, faces, settings.draw)
    return Seen(pictures, faces.take(good), vectors[good], shown, dict(skipped.reasons))


def threshold_of(model: FaceModel, settings: Seeing) -> tuple[float | None, str]:
    """The threshold in use, and where it comes from."""
    if settings.threshold is not None:
        return settings.threshold, "given with --threshold"
    if model.threshold is not None:
        return model.threshold.value, str(model.threshold)
    return None, (
        "none: these weights come without one; python -m experiments.lfw_verification writes a "
        "model with a threshold chosen on LFW View 1, or give --threshold"
    )


def required_threshold(model: FaceModel, settings: Seeing) -> tuple[float, str]:
    """As `threshold_of`, where the command cannot do without.

    Raises:
        UserError: there is none.
    """
    value, where = threshold_of(model, settings)
    if value is None:
        raise UserError(f"expected a threshold, got {where}")
    return value, where


def box_text(box: NDArray[Any]) -> str:
    """A box in whole pixels."""
    left, top, right, bottom = (round(float(edge)) for edge in box)
    return f"[{left}, {top}, {right}, {bottom}]"


def plain(text: str) -> str:
    """As one line that moves no cursor: names and paths of strangers may hold anything."""
    return "".join(
        character.encode("unicode_escape", "surrogatepass").decode()
        if unicodedata.category(character) in _CONTROLS and character != "\t"
        else character
        for character in text
    )


def say(text: str) -> None:
    """A line on stderr."""
    sys.stderr.write(plain(" ".join(text.split())) + "\n")


def answer(settings: Seeing, content: dict[str, Any], lines: Sequence[str]) -> None:
    """The result on stdout: one JSON object, or lines."""
    text = json.dumps(content) if settings.json else "\n".join(map(plain, lines))
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class _Told(Skipped):
    """Says each bad picture on stderr, once."""

    def add(self, where: str, reason: str, *, total: int) -> None:
        """See `Skipped.add`."""
        if where not in self.reasons:
            self.reasons[where] = reason
            say(f"{where}: left out: {reason}")


def _whole(pictures: PathPictures, skipped: Skipped) -> FoundFaces:
    """Every picture that can be read as the box of a face."""
    rows = []
    for row in range(len(pictures)):
        try:
            width, height = pictures.size(row)
        except UserError as error:
            where = pictures.where(row)
            skipped.add(where, str(error).removeprefix(f"{where}: "), total=len(pictures))
            rows.append(np.empty((0, 15)))
            continue
        rows.append(np.array([[0, 0, width, height, 1.0, *([0.0] * 10)]]))
    return FoundFaces.gathered(rows)


def _say_what_is_odd(
    pictures: PathPictures, faces: FoundFaces, skipped: Skipped, settings: Seeing
) -> None:
    counts, sides = faces.counts(), faces.sides()
    if settings.cropped:
        sides = sides * settings.share
    for row in range(len(pictures)):
        where = pictures.where(row)
        if where in skipped.reasons:
            continue
        if not counts[row]:
            say(f"{where}: no face found; --min-face finds smaller ones, --cropped takes it whole")
        for side in sides[faces.owner == row]:
            if side < _TINY:
                say(f"{where}: a face of {round(float(side))} pixels, which is small to tell by")


def _draw(pictures: PathPictures, faces: FoundFaces, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror or error}") from error
    for row in np.unique(faces.owner).tolist():
        picture = pictures.open(row, channels=3)
        pen = ImageDraw.Draw(picture)
        wide = max(2, min(picture.size) // 200)
        for number, place in enumerate(np.flatnonzero(faces.owner == row)):
            box = [float(edge) for edge in faces.boxes[place]]
            pen.rectangle(box, outline=(255, 64, 0), width=wide)
            pen.text((box[0] + wide, box[1] + wide), str(number), fill=(255, 64, 0))
        _save(picture, folder / f"{row:04d}_{pictures.paths[row].stem}.png")


def _save(picture: Image.Image, path: Path) -> None:
    try:
        picture.save(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
