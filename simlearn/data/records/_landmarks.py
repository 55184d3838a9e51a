"""Pictures with landmarks and attributes."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlearn._typing import BoolArray, IntArray
from simlearn.data.records._columns import (
    checked_rows,
    digest,
    integer_column,
    read_only,
    require_unique,
    shaped,
    text_column,
)
from simlearn.data.records._pictures import Pictures
from simlearn.errors import UserError

UNKNOWN = -1
"""The value of an attribute that is not known."""


class Attribute(NamedTuple):
    """One property of a picture with a few values.

    Attributes:
        name: Such as `pose`.
        values: What each value means, such as `("left", "frontal", "right")`.
        mirrored: For each value the one it becomes in a mirror, such as `(2, 1, 0)`; empty where
            a mirror changes nothing.
    """

    name: str
    values: tuple[str, ...]
    mirrored: tuple[int, ...] = ()


class Landmark(NamedTuple):
    """One point of a face.

    Attributes:
        name: Says whose left it means: `image_left_eye` is the eye on the left of the picture,
            `subject_left_eye` the person's own left one.
        mirrored: Position, among the points, of what this point is in a mirror: its other-sided
            twin, or itself.
    """

    name: str
    mirrored: int


@dataclass(frozen=True, eq=False, repr=False)
class LandmarkPictures:
    """Pictures of one face each, with landmarks and perhaps attributes.

    Coordinates are in pixels of the upright picture as it is stored; (0, 0) is the centre of the
    pixel at the top left, so a picture of width W is mirrored by `x -> W - 1 - x`.

    Args:
        pictures: Where they are.
        points: float32 `(n, p, 2)`, x to the right and y down; 0 where not visible.
        visible: booleans `(n, p)`, whether a point is known. Loss and scores must mask by it.
        landmarks: what each of the p points is.
        values: integers `(n, a)`, for each picture and attribute a position in the attribute's
            `values`, or `UNKNOWN`, -1; kept as int64.
        attributes: what each of the a columns is.
        ids: integers `(n,)`, unique; kept as int64.
        name: what to call the data set in results and reports.

    Raises:
        UserError: A column has the wrong type or shape, an attribute's value is out of range, a
            mirror does not swap in pairs, a visible point is not finite, or an id occurs twice.
    """

    pictures: Pictures
    points: NDArray[np.float32]
    visible: NDArray[np.bool_]
    landmarks: tuple[Landmark, ...]
    values: NDArray[np.int64]
    attributes: tuple[Attribute, ...]
    ids: NDArray[np.int64]
    name: str

    def __post_init__(self) -> None:
        n, p, a = len(self.pictures), len(self.landmarks), len(self.attributes)
        visible = shaped(self.visible, np.bool_, (n, p), f"{self.name}: visible")
        points = shaped(self.points, np.float32, (n, p, 2), f"{self.name}: points")
        values = shaped(self.values, np.int64, (n, a), f"{self.name}: values")
        ids = integer_column(self.ids, n, f"{self.name}: ids")
        columns = {"visible": visible, "points": points, "values": values, "ids": ids}
        for field, column in columns.items():
            object.__setattr__(self, field, column)
        if not np.isfinite(points[visible]).all():
            raise UserError(f"{self.name}: expected visible points to be finite numbers")
        if not visible.all():
            points = read_only(np.where(visible[..., np.newaxis], points, np.float32(0)))
            object.__setattr__(self, "points", points)
        self._check_schema()
        require_unique(self.ids, self.name)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"<LandmarkPictures {self}>"

    def __str__(self) -> str:
        missing = int(np.count_nonzero(~self.visible))
        text = f"{self.name}: {len(self)} pictures, {len(self.landmarks)} landmarks"
        if missing:
            text += f" ({missing} of {self.visible.size} missing)"
        if self.attributes:
            names = [attribute.name for attribute in self.attributes[:5]]
            more = [f"{len(self.attributes) - 5} more"] if len(self.attributes) > 5 else []
            text += f", attributes {', '.join(names + more)}"
        return text

    @property
    def mirror(self) -> NDArray[np.int64]:
        """For each point its position among the points in a mirror, `(p,)`."""
        return np.array([landmark.mirrored for landmark in self.landmarks], np.int64)

    def attribute(self, name: str) -> NDArray[np.int64]:
        """The values of one attribute, `(n,)`."""
        names = [attribute.name for attribute in self.attributes]
        if name not in names:
            raise UserError(
                f"{self.name} has the attributes {', '.join(names) or 'none'}, and not {name!r}"
            )
        return self.values[:, names.index(name)]

    def take(
        self, index: slice | IntArray | BoolArray, *, name: str | None = None
    ) -> "LandmarkPictures":
        """The pictures at `index` with all that belongs to them; see `LabelledImages.take`."""
        rows = checked_rows(index, len(self), self.name)
        return LandmarkPictures(
            pictures=self.pictures.take(rows),
            points=self.points[rows],
            visible=self.visible[rows],
            landmarks=self.landmarks,
            values=self.values[rows],
            attributes=self.attributes,
            ids=self.ids[rows],
            name=self.name if name is None else name,
        )

    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, over every column and each picture's CRC-32; reads them all."""
        sums = np.array([self.pictures.checksum(row) for row in range(len(self))], np.int64)
        schema = [*(f"{p.name} {p.mirrored}" for p in self.landmarks), *map(str, self.attributes)]
        return digest(
            [
                (text_column(schema), "|u1"),
                (self.points, "<f4"),
                (self.visible, "|u1"),
                (self.values, "<i8"),
                (self.ids, "<i8"),
                (sums, "<i8"),
            ]
        )

    def _check_schema(self) -> None:
        mirrors = [("landmarks", self.mirror.tolist(), len(self.landmarks))]
        for attribute, column in zip(self.attributes, self.values.T, strict=True):
            count = len(attribute.values)
            if attribute.mirrored:
                mirrors.append((attribute.name, list(attribute.mirrored), count))
            if len(column) and not UNKNOWN <= column.min() <= column.max() < count:
                raise UserError(
                    f"{self.name}: {attribute.name} must lie in [{UNKNOWN}, {count}), "
                    f"and came as {column.min()} to {column.max()}"
                )
        for what, mirror, count in mirrors:
            twice = [mirror[m] if 0 <= m < count else None for m in mirror]
            if twice != list(range(count)):
                raise UserError(
                    f"{self.name}: the mirror of {what} must swap positions in pairs, "
                    f"and came as {mirror}"
                )
