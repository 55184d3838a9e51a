"""Pictures with the boxes of faces."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from simlearn.data.records._columns import integer_column, read_only, shaped
from simlearn.data.records._pictures import StoredPictures
from simlearn.errors import UserError


@dataclass(frozen=True, eq=False, repr=False)
class BoxedPictures:
    """Pictures with any number of boxes each.

    Args:
        pictures: Where they are.
        owner: integers `(m,)`, for each box the position of its picture, ascending; kept as int64.
        boxes: float32 `(m, 4)`: left, top, right and bottom edge in pixels, with 0 the left or
            top edge of the picture, so width is right - left.
        ignored: booleans `(m,)`: boxes that a score neither asks for nor counts as wrong.
        details: further columns `(m, ...)` by name, such as the ellipses of FDDB.
        name: what to call the data set in results and reports.

    Raises:
        UserError: A column has the wrong type or shape, an owner has no picture or owners do not
            ascend, or a box has an edge on the wrong side of its opposite.
    """

    pictures: StoredPictures
    owner: NDArray[np.int64]
    boxes: NDArray[np.float32]
    ignored: NDArray[np.bool_]
    name: str
    details: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.boxes)
        columns = {
            "owner": integer_column(self.owner, count, f"{self.name}: owner"),
            "boxes": shaped(self.boxes, np.float32, (count, 4), f"{self.name}: boxes"),
            "ignored": shaped(self.ignored, np.bool_, (count,), f"{self.name}: ignored"),
            "details": MappingProxyType({k: read_only(v) for k, v in self.details.items()}),
        }
        for key, column in columns.items():
            object.__setattr__(self, key, column)
        pictures = len(self.pictures)
        if count and not 0 <= self.owner[0] <= self.owner[-1] < pictures:
            raise UserError(f"{self.name}: owners must lie in [0, {pictures})")
        if np.any(np.diff(self.owner) < 0):
            raise UserError(f"{self.name}: owners must ascend")
        if not np.all(self.boxes[:, :2] <= self.boxes[:, 2:]):
            raise UserError(f"{self.name}: boxes must be left, top, right, bottom")
        for key, column in self.details.items():
            if len(column) != count:
                raise UserError(f"{self.name}: expected {count} {key}, and received {len(column)}")

    def __len__(self) -> int:
        return len(self.pictures)

    def __repr__(self) -> str:
        return f"<BoxedPictures {self}>"

    def __str__(self) -> str:
        ignored = int(np.count_nonzero(self.ignored))
        text = f"{self.name}: {len(self)} pictures, {len(self.boxes)} boxes"
        return f"{text}, {ignored} of them ignored" if ignored else text

    def of(self, row: int) -> NDArray[np.float32]:
        """The boxes of one picture, `(k, 4)`."""
        begin, end = np.searchsorted(self.owner, [row, row + 1])
        return self.boxes[begin:end]
