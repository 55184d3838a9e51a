"""What an audit compares: parts of data, each with its pictures and who or what they show."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simlearn.data.records import (
    BoxedPictures,
    LabelledFiles,
    LabelledImages,
    LandmarkPictures,
    PicturePairs,
    Pictures,
    StoredPictures,
    VideoPairs,
)
from simlearn.errors import UserError


@dataclass(frozen=True, eq=False)
class Part:
    """Pictures, with what the audit can know of each.

    Args:
        pictures: Where they are, as a record's `pictures`.
        identities: who or what each shows, texts `(n,)`; None where that is not known.
        ids: integers `(n,)` that name a picture in its data set; None where there are none.

    Raises:
        UserError: A column has another length than the pictures.
    """

    pictures: Pictures
    identities: Sequence[str] | None = None
    ids: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        for name in ("identities", "ids"):
            column = getattr(self, name)
            if column is not None and len(column) != len(self.pictures):
                raise UserError(
                    f"expected {len(self.pictures)} {name}, one for each picture, "
                    f"and received {len(column)}"
                )

    def __len__(self) -> int:
        return len(self.pictures)


Auditable: TypeAlias = (
    Part
    | LabelledFiles
    | LabelledImages
    | LandmarkPictures
    | PicturePairs
    | VideoPairs
    | BoxedPictures
)
"""Whatever has `pictures`."""


def part(data: Auditable) -> Part:
    """What the audit knows of a record.

    Identities are the classes of `LabelledFiles` and the labels of `LabelledImages`; ids those of
    the record. Lists of pairs have neither: `by_folder` takes the people from their paths.

    Raises:
        UserError: It has no pictures.
    """
    if isinstance(data, Part):
        return data
    record: Any = data
    if not hasattr(record, "pictures"):
        raise UserError(
            f"expected a record with pictures or an audit.Part, and received {type(data).__name__}"
        )
    identities = None
    if (labels := getattr(record, "labels", None)) is not None:
        classes = getattr(record, "classes", None)
        identities = [str(label) if classes is None else classes[label] for label in labels]
    return Part(record.pictures, identities, getattr(record, "ids", None))


def by_folder(data: Auditable) -> Part:
    """A part whose identities are the folders that hold the files: `lfw/Name/Name_0001.jpg`.

    Args:
        data: Pictures in files, such as the pairs of `simlearn.data.lfw`.

    Raises:
        UserError: The pictures are not in files, or one lies in no folder.
    """
    known = part(data)
    if not isinstance(known.pictures, StoredPictures):
        raise UserError("expected pictures in files, and received pictures in memory")
    folders = [path.rpartition("/")[0].rpartition("/")[2] for path in known.pictures.paths]
    if "" in folders:
        where = known.pictures.where(folders.index(""))
        raise UserError(f"{where}: expected a picture in a folder that names whom it shows")
    return Part(known.pictures, folders, known.ids)
