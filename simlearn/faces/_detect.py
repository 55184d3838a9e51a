"""Finding faces, and the five points of each."""

import contextlib
import importlib.util
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from simlearn.errors import UserError
from simlearn.faces._cascade import Limits, Networks, detect
from simlearn.faces._found import FoundFaces

INSTALL: Final = "pip install 'simlearn[faces]'"
# Sides are rounded up to this, so that pictures of about one size go through together.
_STEP: Final = 32
# Pixels that go through together: 64 pictures of 256x256.
_PIXELS: Final = 2**22
_FILL: Final = 128


class Detector(Protocol):
    """Finds faces in pictures."""

    @property
    def fingerprint(self) -> str:
        """What tells it, and all its settings, from every other."""
        ...

    def find(self, pictures: Sequence[NDArray[np.uint8]]) -> FoundFaces:
        """The faces of some pictures, each `(height, width, 1 or 3)`."""
        ...


class MtcnnDetector:
    """MTCNN with the weights of the `mtcnn` package, over many pictures at once.

    The package's own `detect_faces` loads a file `pnet.lz4` from the current folder, where there is
    one, and unpickles it, which runs what it says; here only the package's files are read.

    Args:
        min_face: shortest side of a face that is looked for, in pixels of the picture, at least 12.
        factor: of each level of the pyramid to the one before, in (0, 1).
        scores: at least so sure must each network be, in [0, 1].

    Raises:
        UserError: the `faces` extra is not installed, or an argument is out of range.

    Reference:
        Zhang, Zhang, Li, Qiao 2016, "Joint Face Detection and Alignment Using Multitask Cascaded
        Convolutional Networks", section II. Limits as in mtcnn 1.0. Deviations: windows are cut and
        points placed by edges and centres of pixels, where MATLAB's counting from 1 shifts both by
        up to a pixel; what overlaps is silenced one after the other, by falling score.
    """

    def __init__(
        self,
        *,
        min_face: float = 20,
        factor: float = 0.709,
        scores: tuple[float, float, float] = (0.6, 0.7, 0.8),
    ) -> None:
        if not 12 <= min_face < 2**15:
            raise UserError(f"expected min_face of at least 12 pixels, got {min_face}")
        if not 0.1 <= factor <= 0.99:
            raise UserError(f"expected factor from 0.1 to 0.99, got {factor}")
        if len(scores) != 3 or not all(0 <= score < 1 for score in scores):
            raise UserError(f"expected three scores in [0, 1), got {scores}")
        require_mtcnn()
        self._limits = Limits(float(min_face), float(factor), scores)
        self._networks: Networks | None = None

    def __repr__(self) -> str:
        min_face, factor, scores = self._limits
        return f"MtcnnDetector(min_face={min_face}, factor={factor}, scores={scores})"

    @property
    def fingerprint(self) -> str:
        """See `Detector.fingerprint`."""
        return f"{self!r}, mtcnn {version('mtcnn')}, 1"

    def find(self, pictures: Sequence[NDArray[np.uint8]]) -> FoundFaces:
        """The faces of some pictures, of any sizes.

        Args:
            pictures: each uint8 `(height, width, 1 or 3)`, upright, grey or RGB.

        Returns:
            `FoundFaces`, the surest of each picture first.

        Raises:
            UserError: a picture has another shape or type.
        """
        if self._networks is None:
            from simlearn.faces._mtcnn import networks

            self._networks = networks()
        found: list[Any] = [np.empty((0, 15), np.float32)] * len(pictures)
        for rows in _together([_checked(picture).shape[:2] for picture in pictures]):
            canvas = _canvas([pictures[row] for row in rows])
            for row, faces in zip(rows, detect(canvas, self._networks, self._limits), strict=True):
                found[row] = _inside(faces, *pictures[row].shape[:2])
        return FoundFaces.gathered(found)


def require_mtcnn() -> None:
    """Refuse to go on without the `mtcnn` package, or with one before 1.0, which has other parts.

    Raises:
        UserError: says how to install it, and what works without.
    """
    found = "none"
    if importlib.util.find_spec("mtcnn") is not None:
        with contextlib.suppress(PackageNotFoundError):
            found = version("mtcnn")
    if found.split(".")[0] in ("0", "none"):
        raise UserError(
            f"expected the faces extra (mtcnn 1.0 or later, found {found}), to find faces in "
            f"pictures: {INSTALL}; pictures that are cropped to one face already work without it, "
            "with --cropped"
        )


def _checked(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] not in (1, 3):
        raise UserError(
            f"expected pictures as uint8 (height, width, 1 or 3), got {picture.dtype} of shape "
            f"{picture.shape}"
        )
    return picture


def _together(shapes: Sequence[tuple[int, ...]]) -> Iterator[list[int]]:
    """Rows of pictures of about one size, not too many at once."""
    groups: dict[tuple[int, int], list[int]] = {}
    for row, (height, width) in enumerate(shapes):
        groups.setdefault((-(-height // _STEP), -(-width // _STEP)), []).append(row)
    for (tall, wide), rows in groups.items():
        count = max(1, _PIXELS // (tall * wide * _STEP**2))
        yield from (rows[i : i + count] for i in range(0, len(rows), count))


def _canvas(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Pictures in the upper left of as many of one size, RGB."""
    height, width = (max(picture.shape[axis] for picture in pictures) for axis in (0, 1))
    canvas = np.full((len(pictures), height, width, 3), _FILL, np.uint8)
    for place, picture in zip(canvas, pictures, strict=True):
        place[: picture.shape[0], : picture.shape[1]] = picture
    return canvas


def _inside(faces: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Faces whose box has its middle in the picture."""
    middle = (faces[:, :2] + faces[:, 2:4]) / 2
    return faces[((middle >= 0) & (middle < (width, height))).all(axis=1)]
