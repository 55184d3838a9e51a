"""Faces with landmarks: what is learned from, followed and scored."""

import dataclasses
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.mtfl_landmarks.config import LandmarkSettings
from simlearn.data import LandmarkPictures, celeba, clicked, decoded, kaggle_keypoints, mtfl
from simlearn.data.frames import Stretch
from simlearn.data.records import Attribute, PictureArray
from simlearn.data.rendered import faces
from simlearn.errors import DatasetError, UserError
from simlearn.labelling import kept, read_decisions

# The parts are the same for every seed of the training.
_SPLIT_SEED: Final = 0
_SCORED_SHARE: Final = 10
_FIRST_SCORED: Final = 1_000_000
_MOST_BYTES: Final = 2**30
_HELD_OUT_SHARE: Final = 10
_MOST_HELD_OUT: Final = 500


class Parts(NamedTuple):
    """Faces to learn from, to follow the training with, and to score."""

    training: LandmarkPictures
    validation: LandmarkPictures
    scored: LandmarkPictures


def parts(config: LandmarkSettings) -> Parts:
    """Read the faces and hold some of the training rows out.

    Raises:
        UserError: a file is missing or damaged, there are too few faces, or none that can be
            scored.
    """
    training, scored = _read(config)
    left, right = scale(scored, config)
    if not np.any(scored.visible[:, left] & scored.visible[:, right]):
        names = " and ".join(scored.landmarks[place].name for place in (left, right))
        raise UserError(f"none of {len(scored)} faces to be scored has both {names}")
    training = _with_two_points(training)
    if config.decisions is not None:
        training = kept(training, read_decisions(config.decisions))
    order = np.random.default_rng(_SPLIT_SEED).permutation(len(training))
    count = config.validation
    if count is None:
        count = max(1, min(_MOST_HELD_OUT, len(training) // _HELD_OUT_SHARE))
    if count > len(training) // 2:
        raise UserError(
            f"expected --validation up to half of the {len(training)} training faces, "
            f"received {count}"
        )
    held_out, rest = np.sort(order[:count]), np.sort(order[count:])
    return Parts(
        training.take(rest, name=training.name),
        training.take(held_out, name=f"{training.name}-held-out"),
        scored,
    )


def in_memory(record: LandmarkPictures) -> LandmarkPictures:
    """Decoded once, where all pictures have one size and fit: decoding takes most of a batch."""
    if isinstance(record.pictures, PictureArray) or not len(record):
        return record
    try:
        sizes = {record.pictures.size(row) for row in range(len(record))}
    except DatasetError:  # The pipeline skips and counts what cannot be read.
        return record
    if len(sizes) > 1:
        return record
    ((width, height),) = sizes
    if len(record) * width * height * 3 > _MOST_BYTES:
        return record
    return decoded.landmark_pictures(record, frame=Stretch((height, width)))


def scale(record: LandmarkPictures, config: LandmarkSettings) -> tuple[int, int]:
    """Positions of the two points over whose distance errors are measured.

    Raises:
        UserError: there are no such points.
    """
    names = [landmark.name for landmark in record.landmarks]
    if config.scale:
        if not set(config.scale) <= set(names):
            raise UserError(
                f"expected --scale as two of {', '.join(names)}, received {','.join(config.scale)}"
            )
        first, second = config.scale
        return names.index(first), names.index(second)
    # Kaggle's lists have the corners of the eyes too, under longer names.
    eyes = [
        (len(landmark.name), place, landmark.mirrored)
        for place, landmark in enumerate(record.landmarks)
        if "eye" in landmark.name and "brow" not in landmark.name and landmark.mirrored != place
    ]
    if not eyes:
        raise UserError(
            "expected a left and a right eye among the points, over whose distance errors are "
            f"measured, or --scale with two others of {', '.join(names)}"
        )
    _, first_eye, second_eye = min(eyes)
    return first_eye, second_eye


def attributes(record: LandmarkPictures, config: LandmarkSettings) -> tuple[Attribute, ...]:
    """Those to be told."""
    return record.attributes if config.tasks == "all" else ()


def pose(record: LandmarkPictures) -> Attribute | None:
    """The attribute that turns round in a mirror, if there is one."""
    return next((one for one in record.attributes if one.mirrored), None)


def shares(record: LandmarkPictures, config: LandmarkSettings) -> NDArray[np.float64]:
    """The chance of each face to be drawn, `(n,)`: rare poses more often."""
    turned = pose(record)
    if turned is None:
        return np.full(len(record), 1 / len(record))
    values = record.attribute(turned.name)
    counts = np.bincount(values + 1, minlength=len(turned.values) + 1)
    odds = (counts.max() / counts[values + 1]) ** config.pose_balance
    chances: NDArray[np.float64] = odds / odds.sum()
    return chances


def _read(config: LandmarkSettings) -> tuple[LandmarkPictures, LandmarkPictures]:
    root = config.data
    if root is None:
        scored = faces.landmarks(config.rendered // 5, seed=0, split="test")
        # Both splits count from 0; ids of the two must not meet, as in MTFL.
        return (
            faces.landmarks(config.rendered, seed=0),
            dataclasses.replace(scored, ids=scored.ids + _FIRST_SCORED),
        )
    # A point a little outside its picture, which some lists have, is no reason to read nothing.
    if config.data_set == "mtfl":
        return mtfl.load(root, outside="mask"), mtfl.load(root, "test", outside="mask")
    if config.data_set == "mafl":
        return celeba.mafl(root, outside="mask"), celeba.mafl(root, "test", outside="mask")
    if config.data_set == "celeba":
        return celeba.load(root, outside="mask"), celeba.load(root, "test", outside="mask")
    reader = kaggle_keypoints.load if config.data_set == "kaggle" else clicked.load
    everything = reader(root, outside="mask")
    order = np.random.default_rng((_SPLIT_SEED, 1)).permutation(len(everything))
    kept = len(everything) // _SCORED_SHARE
    held, rest = order[:kept], order[kept:]
    return (
        everything.take(np.sort(rest), name=f"{everything.name}-rest"),
        everything.take(np.sort(held), name=f"{everything.name}-scored"),
    )


def _with_two_points(record: LandmarkPictures) -> LandmarkPictures:
    """Without the faces that no mean shape can be laid on."""
    different = [
        len(np.unique(points[visible], axis=0)) >= 2
        for points, visible in zip(record.points, record.visible, strict=True)
    ]
    return record.take(np.array(different, np.bool_), name=record.name)
