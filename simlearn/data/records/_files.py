"""Labelled pictures in files."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simlearn._typing import BoolArray, IntArray
from simlearn.data.files import Files
from simlearn.data.records._columns import (
    checked_rows,
    classes_text,
    digest,
    integer_column,
    require_unique,
    text_column,
)
from simlearn.data.records._pictures import StoredPictures
from simlearn.errors import UserError


@dataclass(frozen=True, eq=False, repr=False)
class LabelledFiles:
    """Pictures in files, of any size, with the class and the identity of each.

    Args:
        pictures: Where they are.
        labels: integers `(n,)`, each a position in `classes`; kept as int64.
        classes: the name of each class, such as a person or a folder. Parts of one data set share
            them, so a label means the same in each part.
        ids: integers `(n,)`, unique; kept as int64. They name a picture in its data set and stay
            with it through every split, so that two splits can be checked for shared pictures.
        name: what to call the data set in results and reports.

    Raises:
        UserError: A column has the wrong type or length, a label has no class, or an id occurs
            twice.

    Examples:
        >>> import tempfile
        >>> record = LabelledFiles(
        ...     pictures=StoredPictures(Files(tempfile.mkdtemp()), ["ann/1.jpg", "ann/2.jpg"]),
        ...     labels=np.array([0, 0]),
        ...     classes=("ann", "bob"),
        ...     ids=np.array([10, 11]),
        ...     name="people",
        ... )
        >>> print(record)
        people: 2 pictures, 1 class with 2 pictures
        >>> record.take([1]).pictures.paths
        ('ann/2.jpg',)
    """

    pictures: StoredPictures
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    ids: NDArray[np.int64]
    name: str

    def __post_init__(self) -> None:
        for field in ("labels", "ids"):
            column = integer_column(
                getattr(self, field), len(self.pictures), f"{self.name}: {field}"
            )
            object.__setattr__(self, field, column)
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < len(self.classes):
            raise UserError(
                f"{self.name}: labels must lie in [0, {len(self.classes)}), "
                f"and came as {self.labels.min()} to {self.labels.max()}"
            )
        require_unique(self.ids, self.name)

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"<LabelledFiles {self}>"

    def __str__(self) -> str:
        if not len(self):
            return f"{self.name}: 0 pictures"
        number = f"{len(self)} picture{'s' * (len(self) != 1)}"
        return f"{self.name}: {number}, {classes_text(self.labels)}"

    def take(
        self, index: slice | IntArray | BoolArray, *, name: str | None = None
    ) -> "LabelledFiles":
        """The pictures at `index`, with their labels and ids; see `LabelledImages.take`."""
        rows = checked_rows(index, len(self), self.name)
        return LabelledFiles(
            pictures=self.pictures.take(rows),
            labels=self.labels[rows],
            classes=self.classes,
            ids=self.ids[rows],
            name=self.name if name is None else name,
        )

    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, over paths, labels, classes, ids and each file's CRC-32.

        Reads every file. The same files in a folder and in a zip have the same fingerprint.
        """
        sums = np.array([self.pictures.checksum(row) for row in range(len(self))], np.int64)
        return digest(
            [
                (text_column(self.pictures.paths), "|u1"),
                (text_column(self.classes), "|u1"),
                (self.labels, "<i8"),
                (self.ids, "<i8"),
                (sums, "<i8"),
            ]
        )


def labelled_files(
    files: Files, paths: list[str], class_of: list[str], *, name: str
) -> LabelledFiles:
    """A record of files whose classes are given by name.

    Args:
        files: Where they lie.
        paths: The name of each.
        class_of: The class of each, by name.
        name: Of the data set.

    Returns:
        Labels number the classes in sorted order, ids the files as they come.
    """
    classes, labels = np.unique(np.array(class_of, dtype=object), return_inverse=True)
    return LabelledFiles(
        pictures=StoredPictures(files, paths),
        labels=labels.astype(np.int64),
        classes=tuple(classes),
        ids=np.arange(len(paths), dtype=np.int64),
        name=name,
    )
