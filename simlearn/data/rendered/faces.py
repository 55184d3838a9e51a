r"""Rendered faces: a stand-in for photographs of faces, drawn by this module, of nobody.

For landmark, verification and recognition experiments without any download. A face is a function
of seed, person, number of the picture and setting, so asking for more never changes what was there
before. Scores on rendered faces are not comparable with scores on real ones.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn.data import mtfl
from simlearn.data._annotations import check_split
from simlearn.data.records import LabelledImages, LandmarkPictures, PictureArray
from simlearn.data.rendered._making import (
    MOST_PEOPLE,
    Job,
    check,
    check_count,
    mtfl_jobs,
    rendered,
)
from simlearn.data.rendered._shots import CLOSE, NEWS, WEB, Setting
from simlearn.data.rendered._writing import VERSION, write_lfw, write_mtfl
from simlearn.errors import UserError

__all__ = [
    "CLOSE",
    "NEWS",
    "VERSION",
    "WEB",
    "Faces",
    "Setting",
    "landmarks",
    "people",
    "render",
    "write_lfw",
    "write_mtfl",
]


_MOST_PICTURES = 10**6


class Faces(NamedTuple):
    """Pictures, and what is true of them.

    Attributes:
        pixels: RGB, uint8 `(n, size, size, 3)`.
        points: The landmarks of MTFL, x and y in pixels, float32 `(n, 5, 2)`; (0, 0) is the centre
            of the pixel at the top left.
        values: Gender, smile, glasses and pose, each a position in the values of
            `simlearn.data.mtfl.ATTRIBUTES`, `(n, 4)`.
        angles: Yaw to the picture's right, pitch down and roll clockwise, in degrees, `(n, 3)`.
    """

    pixels: NDArray[np.uint8]
    points: NDArray[np.float32]
    values: NDArray[np.int64]
    angles: NDArray[np.float32]


def render(
    identities: ArrayLike,
    pictures: ArrayLike,
    *,
    seed: int = 0,
    size: int = 128,
    setting: Setting = WEB,
) -> Faces:
    """Draw some pictures of some people.

    Args:
        identities: Number of the person in each picture, `(n,)`, in [0, 2**32). One person looks
            the same under every setting.
        pictures: Number of the picture of that person, `(n,)`, in [0, 2**32).
        seed: Another seed means other people, not negative.
        size: Of the square pictures, 32 to 1024 pixels.
        setting: How they are taken: `NEWS` is like LFW, `WEB` like the other pictures of MTFL,
            `CLOSE` like AFLW as MTFL crops it.

    Returns:
        In the order of `identities`. Pixels may differ by a level or two between kinds of
        processor.

    Raises:
        UserError: A number is out of range, or there are more pictures than identities or fewer.

    Examples:
        >>> faces = render([3, 3, 4], [0, 1, 0], size=64)
        >>> faces.pixels.shape, faces.points.shape
        ((3, 64, 64, 3), (3, 5, 2))
        >>> faces.values[:2, 0].tolist()  # One person has one gender.
        [0, 0]
    """
    who, which = _numbers(identities, "identities"), _numbers(pictures, "pictures")
    if who.shape != which.shape:
        raise UserError(
            f"expected a picture for each identity, and received {len(who)} and {len(which)}"
        )
    check(seed, size)
    jobs = ((i, k, setting) for i, k in zip(who.tolist(), which.tolist(), strict=True))
    return _collected(jobs, len(who), seed, size)


def landmarks(
    count: int,
    *,
    seed: int = 0,
    size: int = 80,
    split: Literal["train", "test"] = "train",
) -> LandmarkPictures:
    """Rendered faces with landmarks, gender, smile, glasses and pose, each of another person.

    They are the pictures that `write_mtfl` writes: in `"train"` 42 % like LFW and the others like
    pictures from the web; in `"test"`, another domain, closer and turned further, of other people.

    Args:
        count: How many.
        seed: Another seed means other people.
        size: Of the square pictures, in pixels.
        split: `"train"` or `"test"`.

    Examples:
        >>> print(landmarks(3, size=48))
        rendered-faces-train: 3 pictures, 5 landmarks, attributes gender, smile, glasses, pose
    """
    check_split(split, ("train", "test"), "rendered-faces")
    check(seed, size)
    check_count("count", count, 0, MOST_PEOPLE)
    faces = _collected(mtfl_jobs(split, count), count, seed, size)
    return LandmarkPictures(
        pictures=PictureArray(faces.pixels),
        points=faces.points,
        visible=np.ones(faces.points.shape[:2], np.bool_),
        landmarks=mtfl.LANDMARKS,
        values=faces.values,
        attributes=mtfl.ATTRIBUTES,
        ids=np.arange(count, dtype=np.int64),
        name=f"rendered-faces-{split}",
    )


def people(
    people: int,
    pictures_per_person: int,
    *,
    first: int = 0,
    seed: int = 0,
    size: int = 80,
    setting: Setting = WEB,
) -> LabelledImages:
    """Rendered people with several pictures each.

    Args:
        people: How many.
        pictures_per_person: Of each, at most a million.
        first: Number of the first person: to test, take people who were not trained on.
        seed: Another seed means other people.
        size: Of the square pictures, in pixels.
        setting: How they are taken; see `render`.

    Returns:
        Labels are the numbers of the people, from `first`; pictures of a person lie together.

    Examples:
        >>> train, test = people(4, 2, size=48), people(3, 2, first=4, size=48)
        >>> print(test)
        rendered-faces-people: 6 pictures of 48x48x3, 3 classes with 2 pictures
        >>> test.labels.tolist()
        [4, 4, 5, 5, 6, 6]
    """
    check_count("first", first, 0, MOST_PEOPLE)
    check_count("people", people, 0, MOST_PEOPLE - first)
    check_count("pictures_per_person", pictures_per_person, 1, _MOST_PICTURES)
    who = np.repeat(np.arange(first, first + people, dtype=np.int64), pictures_per_person)
    which = np.tile(np.arange(pictures_per_person, dtype=np.int64), people)
    faces = render(who, which, seed=seed, size=size, setting=setting)
    return LabelledImages(
        images=faces.pixels,
        labels=who,
        ids=who * _MOST_PICTURES + which,
        name="rendered-faces-people",
    )


def _collected(jobs: Iterable[Job], count: int, seed: int, size: int) -> Faces:
    pixels = np.empty((count, size, size, 3), np.uint8)
    points = np.empty((count, 5, 2), np.float32)
    values, angles = np.empty((count, 4), np.int64), np.empty((count, 3), np.float32)
    for row, face in enumerate(rendered(jobs, seed, size)):
        pixels[row], points[row], values[row] = face.pixels, face.points, face.values
        angles[row] = face.shot.yaw, face.shot.pitch, face.shot.roll
    return Faces(pixels, points, values, angles)


def _numbers(values: ArrayLike, name: str) -> NDArray[np.int64]:
    numbers = np.asarray(values)
    if numbers.size == 0:
        numbers = numbers.astype(np.int64)
    if numbers.ndim != 1 or not np.issubdtype(numbers.dtype, np.integer):
        raise UserError(
            f"expected {name} as integers of shape (n,), "
            f"and received {numbers.dtype} of shape {numbers.shape}"
        )
    if numbers.size and (numbers.min() < 0 or numbers.max() >= 2**32):
        raise UserError(
            f"expected {name} in [0, 2**32), and received {numbers.min()} to {numbers.max()}"
        )
    return numbers.astype(np.int64)
