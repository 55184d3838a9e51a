"""Labels that are worth a second look: large errors, swapped sides, points outside, duplicates."""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn.audit._hashes import close_pairs
from simlearn.audit._scan import scan
from simlearn.data.alignment import mean_shape, similarities
from simlearn.data.frames import move
from simlearn.data.records import LandmarkPictures
from simlearn.errors import DatasetError, UserError

DoubtKind: TypeAlias = Literal["error", "swapped", "outside", "duplicate"]
"""Why a label is doubted: a model finds other points, sides look swapped, a point lies outside its
picture, or another picture is the same or nearly so."""

DOUBTS: Final[tuple[DoubtKind, ...]] = get_args(DoubtKind)

# A swap is believed where it takes most of a large misfit away; sizes of the mean shape are 1.
_LARGE_MISFIT: Final = 0.3
_BETTER: Final = 0.5


class Doubt(NamedTuple):
    """One label to look at.

    Attributes:
        row: position of the picture in its record.
        kind: see `DoubtKind`.
        value: how doubtful: the mean error over the shape's size, the misfit that a swap takes
            away, pixels outside, or 1 less the share of hash bits that differ.
        note: what was seen.
    """

    row: int
    kind: DoubtKind
    value: float
    note: str


def doubtful_labels(
    record: LandmarkPictures,
    *,
    predicted: ArrayLike | None = None,
    count: int = 100,
    threshold: int | None = None,
) -> list[Doubt]:
    """The labels of a record that are most likely wrong, by kind, the most doubtful first.

    Nothing is changed. A label may occur under several kinds.

    Args:
        record: pictures with landmarks.
        predicted: `(n, p, 2)`, points that a model found, in pixels of the pictures, NaN where it
            found none; those of a model that has not trained on these rows tell most. By default
            no errors are listed.
        count: most doubts of the kinds error and duplicate, at least 1; of the others all.
        threshold: largest Hamming distance of perceptual hashes that makes two pictures
            duplicates, such as `simlearn.audit.THRESHOLDS["mtfl"].distance`; by default only equal
            pixels do.

    Raises:
        UserError: `predicted` has another shape, or `count` is below 1.
    """
    if count < 1:
        raise UserError(f"expected count of at least 1, got {count}")
    found = [] if predicted is None else _errors(record, np.asarray(predicted, np.float64), count)
    found += _swapped(record)
    found += _outside(record)
    return found + _duplicates(record, count, threshold)


def _errors(record: LandmarkPictures, predicted: NDArray[np.float64], count: int) -> list[Doubt]:
    if predicted.shape != record.points.shape:
        raise UserError(f"expected predicted points {record.points.shape}, got {predicted.shape}")
    known = record.visible & np.isfinite(predicted).all(axis=-1)
    scales = _sizes_of_shapes(record)
    apart = np.linalg.norm(np.nan_to_num(predicted) - record.points, axis=-1)
    means = (apart * known).sum(axis=1) / np.maximum(known.sum(axis=1), 1) / scales
    means = np.where(known.any(axis=1) & np.isfinite(means), means, -1.0)
    worst = np.argsort(-means, kind="stable")[:count]
    names = [landmark.name for landmark in record.landmarks]
    return [
        Doubt(
            int(row),
            "error",
            float(means[row]),
            f"furthest: {names[int(np.argmax(apart[row] * known[row]))]}, "
            f"{(apart[row] * known[row]).max():.1f} pixels",
        )
        for row in worst
        if means[row] >= 0
    ]


def _swapped(record: LandmarkPictures) -> list[Doubt]:
    usable = _usable(record)
    if not usable.any():
        return []
    points, visible = record.points[usable].astype(np.float64), record.visible[usable]
    shape = mean_shape(points, visible)
    before = _misfits(points, visible, shape)
    best, which = before, np.zeros(len(points), np.int64)
    swaps = _swaps(record)
    for number, (_, order) in enumerate(swaps, start=1):
        after = _misfits(points[:, order], visible[:, order], shape)
        which = np.where(after < best, number, which)
        best = np.minimum(after, best)
    rows = np.flatnonzero((before > _LARGE_MISFIT) & (best < _BETTER * before))
    rows = rows[np.argsort(best[rows] - before[rows], kind="stable")]
    places = np.flatnonzero(usable)
    return [
        Doubt(
            int(places[row]),
            "swapped",
            float(before[row] - best[row]),
            f"{swaps[which[row] - 1][0]} look swapped",
        )
        for row in rows
    ]


def _swaps(record: LandmarkPictures) -> list[tuple[str, NDArray[np.int64]]]:
    """Names and orders of points: all pairs exchanged, and each pair alone."""
    mirror = record.mirror
    found = [("all sides", mirror)] if (mirror != np.arange(len(mirror))).any() else []
    for place, twin in enumerate(mirror):
        if place < twin:
            order = np.arange(len(mirror))
            order[[place, twin]] = twin, place
            names = record.landmarks[place].name, record.landmarks[twin].name
            found.append((" and ".join(names), order))
    return found


def _misfits(
    points: NDArray[np.float64], visible: NDArray[np.bool_], shape: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Root mean square distance from the shape laid on the points, in sizes of the shape."""
    laid = move(points, similarities(points, shape, visible))
    squares = ((laid - shape) ** 2).sum(axis=-1) * visible
    roots: NDArray[np.float64] = np.sqrt(squares.sum(axis=1) / visible.sum(axis=1))
    return roots


def _outside(record: LandmarkPictures) -> list[Doubt]:
    found = []
    for row in range(len(record)):
        try:
            width, height = record.pictures.size(row)
        except DatasetError:
            continue
        beyond = np.maximum(-0.5 - record.points[row], record.points[row] - [width, height])
        far = np.where(record.visible[row], beyond.max(axis=-1), -1.0)
        if far.max() > 0:
            name = record.landmarks[int(np.argmax(far))].name
            found.append(
                Doubt(
                    row, "outside", float(far.max()), f"{name} lies {far.max():.1f} pixels outside"
                )
            )
    return sorted(found, key=lambda doubt: -doubt.value)


def _duplicates(record: LandmarkPictures, count: int, threshold: int | None) -> list[Doubt]:
    seen = scan(record.pictures)
    first: dict[bytes, int] = {}
    pairs: list[tuple[int, int, float]] = []
    for row, digest in enumerate(seen.pixels.tolist()):
        if digest and digest in first:
            pairs.append((first[digest], row, 1.0))
        elif digest:
            first[digest] = row
    equal = {(a, b) for a, b, _ in pairs}
    if threshold is not None:
        places = np.flatnonzero(seen.hashed)
        hashes = seen.hashes[places]
        close = close_pairs(
            hashes, hashes, threshold, unless=lambda a, b: a >= b, limit=count + len(pairs)
        )
        for a, b, distance in close.pairs.tolist():
            pair = (int(places[a]), int(places[b]))
            if pair not in equal:
                pairs.append((*pair, 1 - distance / 256))
    return [
        Doubt(
            row,
            "duplicate",
            value,
            f"{'equals' if (twin, row) in equal else 'is much like'} {record.pictures.where(twin)}",
        )
        for twin, row, value in pairs[:count]
    ]


def _usable(record: LandmarkPictures) -> NDArray[np.bool_]:
    """Faces with two different known points."""
    return np.array(
        [
            len(np.unique(points[visible], axis=0)) >= 2
            for points, visible in zip(record.points, record.visible, strict=True)
        ],
        np.bool_,
    )


def _sizes_of_shapes(record: LandmarkPictures) -> NDArray[np.float64]:
    """Root mean square distance of the known points from their centre, 1 where there is none."""
    known = record.visible[..., np.newaxis]
    count = np.maximum(known.sum(axis=1), 1)
    centre = np.where(known, record.points, 0.0).sum(axis=1) / count
    steps = np.where(known, record.points - centre[:, np.newaxis], 0.0)
    sizes = np.sqrt((steps**2).sum(axis=(1, 2)) / count[:, 0])
    return np.where(sizes > 0, sizes, 1.0)


def kinds_of(doubts: Sequence[Doubt]) -> dict[str, int]:
    """How many doubts there are of each kind."""
    found = [doubt.kind for doubt in doubts]
    return {kind: found.count(kind) for kind in DOUBTS}
