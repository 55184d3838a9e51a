"""What a predictor does with a picture, as data that is stored with its networks."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlearn.data.records import Attribute, Landmark
from simlearn.errors import UserError

VERSION: Final = 1


class Crop(NamedTuple):
    """One of several looks at a face, beside the plain one.

    Attributes:
        x: Move to the right, as a share of the frame's side.
        y: Move down, likewise.
        scale: Enlargement, 1 for none.
        turn: Clockwise, in degrees.
    """

    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0
    turn: float = 0.0


@dataclass(frozen=True)
class Stage:
    """What one network sees.

    Args:
        side: Height and width of its input, in pixels.
        channels: 1 for grey, 3 for RGB.
        extent: How many sizes of the mean shape the side spans.
        looks: Crops whose points are averaged.
        rounds: How often the face is cropped anew around the points found so far, at least 1.
    """

    side: int
    channels: Literal[1, 3]
    extent: float
    looks: tuple[Crop, ...] = (Crop(),)
    rounds: int = 1

    def __post_init__(self) -> None:
        if self.side < 1 or self.channels not in (1, 3) or not 0 < self.extent < math.inf:
            raise UserError(
                "expected side of at least 1, channels 1 or 3 and extent above 0, "
                f"received {self.side}, {self.channels} and {self.extent}"
            )
        if not self.looks or not isinstance(self.rounds, int) or self.rounds < 1:
            raise UserError(
                "expected at least one look and one round, "
                f"received {len(self.looks)} and {self.rounds}"
            )


@dataclass(frozen=True)
class Plan:
    """How pictures become points.

    Args:
        landmarks: What each point is, and its twin in a mirror.
        attributes: What is told beside the points.
        shape: `(points, 2)`, the mean shape, as `simlearn.data.alignment.mean_shape` gives it.
        coarse: The network that sees the box of a face as it stands.
        fine: The network that sees the face turned upright, around the points found so far; None
            where the coarse one is all there is.
        flip: Whether each look is also looked at mirrored.

    Raises:
        UserError: The shape has not a place for each point, or all in one, or a mirror does not
            swap in pairs.
    """

    landmarks: tuple[Landmark, ...]
    attributes: tuple[Attribute, ...]
    shape: tuple[tuple[float, float], ...]
    coarse: Stage
    fine: Stage | None = None
    flip: bool = True

    def __post_init__(self) -> None:
        if len(self.shape) != len(self.landmarks):
            raise UserError(
                f"expected a place for each of {len(self.landmarks)} landmarks, "
                f"received {len(self.shape)}"
            )
        values = np.array(self.shape, np.float64)
        if not np.isfinite(values).all() or not np.ptp(values, axis=0).any():
            raise UserError(f"expected a shape of different, finite places, received {self.shape}")
        mirrors = [("landmarks", len(self.landmarks), [one.mirrored for one in self.landmarks])]
        mirrors += [
            (one.name, len(one.values), list(one.mirrored))
            for one in self.attributes
            if one.mirrored
        ]
        for name, count, mirror in mirrors:
            if len(mirror) != count or not all(
                isinstance(place, int) and 0 <= place < count and mirror[place] == here
                for here, place in enumerate(mirror)
            ):
                raise UserError(
                    f"expected a mirror of {name} that swaps {count} in pairs, received {mirror}"
                )

    @property
    def mean_shape(self) -> NDArray[np.float64]:
        """The mean shape, `(points, 2)`."""
        return np.array(self.shape, np.float64)

    @property
    def mirror(self) -> NDArray[np.int64]:
        """For each point its position in a mirror, `(points,)`."""
        return np.array([landmark.mirrored for landmark in self.landmarks], np.int64)

    def as_json(self) -> dict[str, Any]:
        """The plan as JSON can hold it."""
        return {
            "version": VERSION,
            "landmarks": [landmark._asdict() for landmark in self.landmarks],
            "attributes": [attribute._asdict() for attribute in self.attributes],
            "shape": self.shape,
            "coarse": asdict(self.coarse),
            "fine": None if self.fine is None else asdict(self.fine),
            "flip": self.flip,
        }

    @classmethod
    def from_json(cls, value: Any) -> "Plan":
        """What `as_json` gave.

        Raises:
            UserError: it is something else, or of a newer version.
        """
        version = value.get("version") if isinstance(value, dict) else None
        if version != VERSION:
            raise UserError(f"expected a plan of version {VERSION}, received {version!r}")
        try:
            return cls(
                landmarks=tuple(Landmark(**one) for one in value["landmarks"]),
                attributes=tuple(
                    Attribute(one["name"], tuple(one["values"]), tuple(one["mirrored"]))
                    for one in value["attributes"]
                ),
                shape=tuple((float(x), float(y)) for x, y in value["shape"]),
                coarse=_stage(value["coarse"]),
                fine=None if value["fine"] is None else _stage(value["fine"]),
                flip=bool(value["flip"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"expected a plan as a predictor stores it, received: {error}"
            ) from None


def _stage(value: Any) -> Stage:
    looks = tuple(Crop(*map(float, one)) for one in value["looks"])
    return Stage(**{**value, "looks": looks})
