"""How a face comes to lie in the pixels that a model sees: as much the model's as its weights."""

import dataclasses
import hashlib
from typing import Any, Final, Protocol

import numpy as np

from simlearn.data.frames import Crop, Frame, Matrix
from simlearn.errors import UserError
from simlearn.faces._align import AlignedFaces
from simlearn.faces._found import FoundFaces


class Placing(Protocol):
    """Makes the frame for faces that were found in pictures."""

    def frame(self, size: tuple[int, int], faces: FoundFaces) -> Frame:
        """The frame of each face, by its position among the faces."""
        ...


@dataclasses.dataclass(frozen=True)
class Aligned:
    """By its five points onto the template, `AlignedFaces`."""

    def frame(self, size: tuple[int, int], faces: FoundFaces) -> Frame:
        """See `Placing.frame`."""
        return AlignedFaces(size, faces.points)


@dataclasses.dataclass(frozen=True)
class Cropped:
    """By its box, upright, with a margin around it.

    Args:
        margin: least distance from box to frame, in pixels of the *frame*, so that a small face
            and a large one come out alike; from 0 to less than half of the frame.
    """

    margin: float = 0.0

    def frame(self, size: tuple[int, int], faces: FoundFaces) -> Frame:
        """See `Placing.frame`."""
        return Crop(size, faces.boxes, margin=self.margin)


class FixedBox:
    """The same box in the middle of every picture, for pictures that are laid out alike already.

    Args:
        size: height and width of the frame, in pixels, at least 1.
        share: height of the box as a share of the picture's shorter side, over 0. Its aspect is
            that of the frame. 1 shows all of a square picture; more, filled around.
        shift: how far its centre lies below the picture's, as a share of the shorter side.

    Raises:
        UserError: the share is not over 0, or a number is not finite.

    Examples:
        >>> FixedBox((100, 100), share=0.5).matrix(400, 200, 0).round(3).tolist()
        [[1.0, 0.0, -150.0], [0.0, 1.0, -50.0], [0.0, 0.0, 1.0]]
    """

    def __init__(self, size: tuple[int, int], *, share: float = 1.0, shift: float = 0.0) -> None:
        if not (np.isfinite(share) and share > 0 and np.isfinite(shift)):
            raise UserError(f"expected share over 0 and a finite shift, got {share} and {shift}")
        self.size = size
        self.share = float(share)
        self.shift = float(shift)

    def __repr__(self) -> str:
        return f"FixedBox({self.size}, share={self.share}, shift={self.shift})"

    def matrix(self, width: int, height: int, row: int) -> Matrix:
        """See `Frame.matrix`."""
        side = min(width, height)
        tall = self.share * side
        wide = tall * self.size[1] / self.size[0]
        x, y = width / 2, height / 2 + self.shift * side
        box = [[x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2]]
        return Crop(self.size, box).matrix(width, height, 0)


_KINDS: Final[dict[str, type[Any]]] = {"aligned": Aligned, "cropped": Cropped}


def described(placing: Placing) -> dict[str, Any]:
    """As JSON can hold it.

    Raises:
        UserError: it is none of this module's.
    """
    for name, kind in _KINDS.items():
        if type(placing) is kind:
            return {"kind": name, **vars(placing)}
    raise UserError(f"expected placing as Aligned() or Cropped(margin=...), got {placing!r}")


def restored(content: Any) -> Placing:
    """The inverse of `described`.

    Raises:
        UserError: the content is not what `described` gives.
    """
    values = dict(content) if isinstance(content, dict) else {}
    kind = _KINDS.get(values.pop("kind", ""))
    fields = {} if kind is None else {field.name for field in dataclasses.fields(kind)}
    if kind is None or set(values) != fields:
        raise UserError(f"expected how faces are laid, aligned or cropped, got {content!r:.80}")
    if not all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values.values()):
        raise UserError(f"expected numbers of pixels, got {content!r:.80}")
    return kind(**values)


def matrix_key(frame: Frame, width: int, height: int, row: int) -> bytes:
    """What tells the place of one face from all others."""
    matrix = frame.matrix(width, height, row)
    return hashlib.sha256(repr(frame.size).encode() + matrix.astype("<f8").tobytes()).digest()
