"""Labelled pictures in memory."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlearn._typing import BoolArray, IntArray
from simlearn.data.records._columns import (
    checked_rows,
    classes_text,
    digest,
    integer_column,
    read_only,
    require_unique,
)
from simlearn.data.records._pictures import PictureArray
from simlearn.errors import UserError


@dataclass(frozen=True, eq=False, repr=False)
class LabelledImages:
    """Pictures of one size, with the class and the identity of each.

    The arrays are held as read-only views, without a copy, so a memory-mapped file stays on disk
    until a batch asks for its rows.

    Args:
        images: uint8 `(n, height, width, channels)`, values in [0, 255].
        labels: integers `(n,)`, the class of each picture; kept as int64.
        ids: integers `(n,)`, unique; kept as int64. They name a picture in its data set and stay
            with it through every split, so that two splits can be checked for shared pictures.
        name: what to call the data set in results and reports.

    Raises:
        UserError: An array has the wrong type or shape, or an id occurs twice.

    Examples:
        >>> import numpy as np
        >>> pictures = LabelledImages(
        ...     images=np.zeros((3, 5, 7, 1), np.uint8),
        ...     labels=np.array([4, 4, 9]),
        ...     ids=np.array([10, 11, 12]),
        ...     name="blanks",
        ... )
        >>> print(pictures)
        blanks: 3 pictures of 5x7x1, 2 classes with 1 to 2 pictures
        >>> pictures.take(slice(1, None)).ids.tolist()
        [11, 12]
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    ids: NDArray[np.int64]
    name: str

    def __post_init__(self) -> None:
        images = read_only(_checked_images(self.images, self.name))
        object.__setattr__(self, "images", images)
        for field in ("labels", "ids"):
            column = integer_column(getattr(self, field), len(images), f"{self.name}: {field}")
            object.__setattr__(self, field, column)
        require_unique(self.ids, self.name)

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"<LabelledImages {self}>"

    @property
    def pictures(self) -> PictureArray:
        """The images, as every record offers its pictures."""
        return PictureArray(self.images)

    def __str__(self) -> str:
        size = "x".join(map(str, self.images.shape[1:]))
        if not len(self):
            return f"{self.name}: 0 pictures of {size}"
        number = f"{len(self)} picture{'s' * (len(self) != 1)}"
        return f"{self.name}: {number} of {size}, {classes_text(self.labels)}"

    def take(
        self, index: slice | IntArray | BoolArray, *, name: str | None = None
    ) -> "LabelledImages":
        """The pictures at `index`, with their labels and ids.

        Args:
            index: A slice, whose result shares memory with this record; or positions `(m,)`, each
                at most once; or a mask `(n,)` of booleans.
            name: The name of the result; by default that of this record.

        Returns:
            The chosen pictures, in the order of `index`.

        Raises:
            UserError: A position lies outside the record or is repeated, or a mask has another
                length than the record.
        """
        rows = checked_rows(index, len(self), self.name)
        return LabelledImages(
            images=self.images[rows],
            labels=self.labels[rows],
            ids=self.ids[rows],
            name=self.name if name is None else name,
        )

    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, over the shapes and bytes of images, labels and ids.

        Two records have the same fingerprint exactly if they hold the same pictures, labels and
        ids in the same order, on any machine and under any name.
        """
        return digest([(self.images, "|u1"), (self.labels, "<i8"), (self.ids, "<i8")])


class Splits(NamedTuple):
    """The three parts of a data set: to fit on, to choose on, and to report on."""

    train: LabelledImages
    validation: LabelledImages
    test: LabelledImages


def _checked_images(images: Any, name: str) -> NDArray[np.uint8]:
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or 0 in images.shape[1:]:
        raise UserError(
            f"{name}: images must be uint8 of shape (n, height, width, channels), "
            f"and came as {images.dtype} of shape {images.shape}"
        )
    return images
