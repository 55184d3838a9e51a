"""From pictures to points in their pixels."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from simlearn.data.alignment import Placed, placed_shape, similarities
from simlearn.data.frames import move
from simlearn.data.loading import Loader, Skipped
from simlearn.data.records import Attribute, Pictures
from simlearn.errors import UserError
from simlearn.landmarks._decoded import Decoded
from simlearn.landmarks._plan import Crop, Plan, Stage
from simlearn.models import POINTS

_BATCH = 128
# Photos are large when decoded: fewer at a time then.
_MOST_BYTES = 2**28


class Prediction(NamedTuple):
    """What was found in some pictures.

    Attributes:
        points: x and y in pixels of each picture, upright, (0, 0) the centre of its first pixel,
            `(pictures, points, 2)`; NaN where the picture could not be read.
        attributes: by name the probability of each value, `(pictures, values)`; NaN likewise.
        spread: mean distance of the points of the looks from their mean, over the size of the
            shape, `(pictures,)`: how much the looks disagree; 0 where there is one look.
    """

    points: NDArray[np.float64]
    attributes: dict[str, NDArray[np.float64]]
    spread: NDArray[np.float64]


class Predictor:
    """Networks and the plan that says what they see.

    Args:
        plan: see there.
        coarse: model as `simlearn.models.landmarks` makes, for pictures of `plan.coarse`.
        fine: likewise of `plan.fine`; None where the plan has none.

    Raises:
        UserError: a network does not take or give what the plan says.
    """

    def __init__(self, plan: Plan, coarse: keras.Model, fine: keras.Model | None = None) -> None:
        self.plan = plan
        self.coarse = coarse
        self.fine = fine
        _check(coarse, plan.coarse, plan)
        if (fine is None) != (plan.fine is None):
            raise UserError(
                "expected a fine network where the plan has a fine stage, and only there"
            )
        if fine is not None and plan.fine is not None:
            _check(fine, plan.fine, plan)

    def predict(
        self, pictures: Pictures, *, boxes: ArrayLike | None = None, skipped: Skipped | None = None
    ) -> Prediction:
        """Find the points of the face in each picture.

        Args:
            pictures: as a record's `pictures`.
            boxes: `(pictures, 4)`, left, top, right and bottom edge of each face with some room
                around it, in pixels; by default the whole picture is the face.
            skipped: where pictures that cannot be read are listed; by default more than 1 % of
                them are an error.

        Raises:
            UserError: the boxes do not fit the pictures.
        """
        count = len(pictures)
        skipped = Skipped() if skipped is None else skipped
        given = None if boxes is None else _checked_boxes(boxes, count)
        found = _empty(self.plan, count)
        for part, decoded in _decoded(pictures, skipped):
            areas = decoded.areas() if given is None else given[part]
            one = self._predicted(decoded, areas)
            found.points[part], found.spread[part] = one.points, one.spread
            for name, values in one.attributes.items():
                found.attributes[name][part] = values
        return found

    def _predicted(self, pictures: Decoded, areas: NDArray[np.float64]) -> Prediction:
        plan = self.plan
        found = self._looked(self.coarse, plan.coarse, pictures, _framed(areas, plan.coarse.side))
        if self.fine is None or plan.fine is None:
            return found
        stage = plan.fine
        target = placed_shape(plan.mean_shape, side=stage.side, extent=stage.extent)
        for number in range(stage.rounds):
            matrices = similarities(_spread_out(found.points), target)
            last = number == stage.rounds - 1
            looks = stage.looks if last else (Crop(),)
            found = self._looked(self.fine, stage, pictures, matrices, looks)
        return found

    def _looked(
        self,
        network: keras.Model,
        stage: Stage,
        pictures: Decoded,
        matrices: NDArray[np.float64],
        looks: tuple[Crop, ...] | None = None,
    ) -> Prediction:
        """The mean of all looks, each mirrored too where the plan says so."""
        points, told = [], []
        for look in stage.looks if looks is None else looks:
            placed = look_matrix(look, stage.side) @ matrices
            loader = Loader(
                pictures,  # type: ignore[arg-type]  # it has what a loader asks for
                frame=Placed((stage.side, stage.side), placed),
                channels=stage.channels,
            )
            images = loader.load(np.arange(len(pictures))).images
            back = np.linalg.inv(placed).astype(np.float64)
            for mirrored in (False, True) if self.plan.flip else (False,):
                shown = images[:, :, ::-1] if mirrored else images
                output = network.predict_on_batch(np.ascontiguousarray(shown, np.float32))
                where, values = _straight(output, self.plan, stage.side, mirrored)
                points.append(move(where, back))
                told.append(values)
        mean = np.mean(points, axis=0)
        apart = np.linalg.norm(np.array(points) - mean, axis=-1).mean(axis=(0, 2))
        size = np.sqrt(((mean - mean.mean(1, keepdims=True)) ** 2).sum(-1).mean(-1))
        names = [attribute.name for attribute in self.plan.attributes]
        attributes = {name: np.mean([one[name] for one in told], axis=0) for name in names}
        return Prediction(mean, attributes, apart / np.maximum(size, 1e-9))


def look_matrix(look: Crop, side: int) -> NDArray[np.float64]:
    """From places in the plain frame to places in that of a look, `(3, 3)`."""
    angle, middle = math.radians(look.turn), (side - 1) / 2
    cosine, sine = look.scale * math.cos(angle), look.scale * math.sin(angle)
    matrix = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    shift = np.array([look.x, look.y]) * side
    matrix[:2, 2] = middle + shift - matrix[:2, :2] @ [middle, middle]
    return matrix


def _straight(
    output: Mapping[str, Any], plan: Plan, side: int, mirrored: bool
) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
    """Points and probabilities of a look, as they are in the unmirrored picture."""
    points = np.asarray(output[POINTS], np.float64)
    told = {one.name: _softmax(np.asarray(output[one.name])) for one in plan.attributes}
    if not mirrored:
        return points, told
    points = points[:, plan.mirror]
    points[..., 0] = side - 1 - points[..., 0]
    return points, {one.name: _turned(one, told[one.name]) for one in plan.attributes}


def _turned(attribute: Attribute, values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[:, list(attribute.mirrored)] if attribute.mirrored else values


def _softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
    return shares


def _spread_out(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points that a similarity can be fitted to, even where a network put all in one place."""
    collapsed = np.ptp(points, axis=1).max(axis=-1) < 1e-3
    grid = np.stack([np.arange(points.shape[1]), np.arange(points.shape[1]) % 2], axis=1)
    return np.where(collapsed[:, None, None], points + grid, points)


def _decoded(pictures: Pictures, skipped: Skipped) -> Iterator[tuple[NDArray[np.int64], Decoded]]:
    """The pictures that can be read and where they stand, as many at a time as memory has room."""
    rows: list[int] = []
    images: list[Image.Image] = []
    size = 0
    for row in range(len(pictures)):
        try:
            image = pictures.open(row)
        except UserError as error:
            reason = str(error).removeprefix(f"{pictures.where(row)}: ")
            skipped.add(pictures.where(row), reason, total=len(pictures))
            continue
        rows.append(row)
        images.append(image)
        size += image.width * image.height * len(image.getbands())
        if len(rows) == _BATCH or size >= _MOST_BYTES:
            yield np.array(rows, np.int64), Decoded(images)
            rows, images, size = [], [], 0
    if rows:
        yield np.array(rows, np.int64), Decoded(images)


def _checked_boxes(boxes: ArrayLike, count: int) -> NDArray[np.float64]:
    given = np.asarray(boxes, np.float64)
    fits = given.shape == (count, 4) and np.isfinite(given).all()
    if not fits or not np.all(given[:, :2] < given[:, 2:]):
        raise UserError(
            f"expected boxes ({count}, 4) as left, top, right, bottom with some area, "
            f"received {given.shape}"
        )
    return given


def _framed(areas: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Each box in the middle of a square frame, its aspect kept."""
    middle = (areas[:, :2] + areas[:, 2:]) / 2 - 0.5
    scale = side / (areas[:, 2:] - areas[:, :2]).max(axis=1)
    matrices = np.tile(np.eye(3), (len(areas), 1, 1))
    matrices[:, 0, 0] = matrices[:, 1, 1] = scale
    matrices[:, :2, 2] = (side - 1) / 2 - scale[:, None] * middle
    return matrices


def _empty(plan: Plan, count: int) -> Prediction:
    return Prediction(
        points=np.full((count, len(plan.landmarks), 2), np.nan),
        attributes={one.name: np.full((count, len(one.values)), np.nan) for one in plan.attributes},
        spread=np.full(count, np.nan),
    )


def _check(network: keras.Model, stage: Stage, plan: Plan) -> None:
    wanted = (None, stage.side, stage.side, stage.channels)
    outputs = network.output if isinstance(network.output, Mapping) else {}
    shapes = {name: tuple(tensor.shape) for name, tensor in outputs.items()}
    expected = {POINTS: (None, len(plan.landmarks), 2)} | {
        one.name: (None, len(one.values)) for one in plan.attributes
    }
    given = tuple(network.inputs[0].shape)
    if given != wanted or any(shapes.get(name) != shape for name, shape in expected.items()):
        raise UserError(
            f"expected a network from {wanted} to {expected}, received one from {given} to {shapes}"
        )
