"""Faces found in pictures: their boxes, points and scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlearn._typing import BoolArray, IntArray
from simlearn.errors import UserError


@dataclass(frozen=True, eq=False)
class FoundFaces:
    """The faces of some pictures, any number in each, the surest of a picture first.

    Args:
        owner: integers `(m,)`, for each face the position of its picture, ascending.
        boxes: `(m, 4)`, left, top, right and bottom edge in pixels, 0 the edge of the picture.
        points: `(m, 5, 2)`, both eyes, nose and both corners of the mouth, left to right in the
            picture, (0, 0) the centre of the first pixel.
        scores: `(m,)`, how sure each is, in [0, 1].
        pictures: how many pictures were looked at.

    Raises:
        UserError: a column has the wrong shape, or owners do not ascend or lie outside.

    Examples:
        >>> faces = FoundFaces.none(3)
        >>> len(faces), faces.counts().tolist()
        (0, [0, 0, 0])
    """

    owner: NDArray[np.int64]
    boxes: NDArray[np.float32]
    points: NDArray[np.float32]
    scores: NDArray[np.float32]
    pictures: int

    def __post_init__(self) -> None:
        owner = np.asarray(self.owner, np.int64)
        count = len(owner)
        columns = {"boxes": (count, 4), "points": (count, 5, 2), "scores": (count,)}
        object.__setattr__(self, "owner", owner)
        for name, shape in columns.items():
            column = np.asarray(getattr(self, name), np.float32)
            if column.shape != shape:
                raise UserError(f"expected {name} {shape}, got {column.shape}")
            object.__setattr__(self, name, column)
        if count and not (owner[0] >= 0 and owner[-1] < self.pictures):
            raise UserError(
                f"expected owners in [0, {self.pictures}), got {owner[0]} to {owner[-1]}"
            )
        if (np.diff(owner) < 0).any():
            raise UserError("expected ascending owners, got some that fall")

    def __len__(self) -> int:
        return len(self.owner)

    @classmethod
    def none(cls, pictures: int) -> "FoundFaces":
        """No face in any of so many pictures."""
        return cls.gathered([np.empty((0, 15), np.float32)] * pictures)

    @classmethod
    def gathered(cls, rows: Sequence[NDArray[Any]]) -> "FoundFaces":
        """From one array a picture, `(k, 15)`: box, score, and the points as x, y, x, y, ..."""
        everything = np.concatenate([np.empty((0, 15)), *rows]).astype(np.float32)
        return cls(
            owner=np.repeat(np.arange(len(rows)), [len(row) for row in rows]),
            boxes=everything[:, :4],
            points=everything[:, 5:].reshape(-1, 5, 2),
            scores=everything[:, 4],
            pictures=len(rows),
        )

    def counts(self) -> NDArray[np.int64]:
        """How many faces each picture has `(pictures,)`."""
        return np.bincount(self.owner, minlength=self.pictures)

    def of(self, picture: int) -> "FoundFaces":
        """The faces of one picture, as if it were the only one."""
        faces = self.take(self.owner == picture)
        return FoundFaces(np.zeros_like(faces.owner), faces.boxes, faces.points, faces.scores, 1)

    def take(self, which: IntArray | BoolArray) -> "FoundFaces":
        """Some of the faces, by positions that ascend or by a mask."""
        return FoundFaces(
            self.owner[which], self.boxes[which], self.points[which], self.scores[which],
            self.pictures,
        )  # fmt: skip

    def sides(self) -> NDArray[np.float32]:
        """The shorter side of each box, in pixels `(m,)`."""
        return np.minimum(*(self.boxes[:, 2:] - self.boxes[:, :2]).T)


def largest(faces: FoundFaces) -> NDArray[np.int64]:
    """The position of the largest face of each picture that has one, by area, ascending."""
    wide, tall = (faces.boxes[:, 2:] - faces.boxes[:, :2]).T
    return _best(faces, wide * tall)


def most_central(faces: FoundFaces, sizes: IntArray) -> NDArray[np.int64]:
    """The position of the face nearest to the middle of each picture that has one, ascending.

    Args:
        faces: found faces.
        sizes: width and height of each picture `(pictures, 2)`.
    """
    middle = (faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2
    return _best(faces, -np.square(middle - np.asarray(sizes)[faces.owner] / 2).sum(axis=1))


def _best(faces: FoundFaces, worth: NDArray[Any]) -> NDArray[np.int64]:
    order = np.lexsort((-worth, faces.owner))
    owners = faces.owner[order]
    first = np.append(True, owners[1:] != owners[:-1])[: len(owners)]
    return np.sort(order[first])
