"""Rendered faces as files, in the layouts of the official data sets."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from PIL import Image

from simlearn.data.rendered import _lists
from simlearn.data.rendered._folders import whole_folder
from simlearn.data.rendered._making import (
    FIRST,
    MOST_PEOPLE,
    Face,
    check,
    check_count,
    mtfl_jobs,
    rendered,
)
from simlearn.data.rendered._shots import NEWS

VERSION: Final = 1
"""Changes when the same numbers no longer give the same pictures."""

Progress: TypeAlias = Callable[[int, int], None]

_QUALITY: Final = 92
_MOST_PICTURES: Final = 1_000


def write_mtfl(
    folder: str | Path,
    *,
    train: int = 2_000,
    test: int = 500,
    seed: int = 0,
    size: int = 160,
    progress: Progress | None = None,
) -> None:
    """Write rendered faces in the official layout of MTFL, for `simlearn.data.mtfl.load`.

    The folder appears when it is complete, with a `RENDERED.txt` that says what it is. A folder
    that already holds the same is left as it is.

    Args:
        folder: Must not exist, or be empty.
        train: Rows of `training.txt`, each of another person.
        test: Rows of `testing.txt`, of yet other people.
        seed: Another seed means other people.
        size: Of the square pictures, 32 to 1024 pixels.
        progress: Called with the pictures done and their total after each.

    Raises:
        UserError: A number is out of range, or the folder holds something else.
    """
    check(seed, size)
    check_count("train", train, 1, MOST_PEOPLE)
    check_count("test", test, 1, MOST_PEOPLE)
    numbers = f"version {VERSION}, train {train}, test {test}, seed {seed}, size {size}"
    with whole_folder(Path(folder), _lists.about("MTFL", numbers)) as place:
        if place is None:
            return
        done = 0
        for split, count in (("train", train), ("test", test)):
            rows = []
            for row, face in enumerate(rendered(mtfl_jobs(split, count), seed, size)):
                name = _lists.mtfl_name(split, row)
                # Some files of the official AFLW part are grey too.
                _save(place / name, face, grey=face.shot.grey and split == "test")
                rows.append((name, face.points, face.values))
                done += 1
                if progress:
                    progress(done, train + test)
            list_name, text = _lists.mtfl_list(split, rows)
            (place / list_name).write_bytes(text)


def write_lfw(
    folder: str | Path,
    *,
    people: int = 200,
    pictures_per_person: int = 8,
    folds: int = 10,
    seed: int = 0,
    size: int = 160,
    progress: Progress | None = None,
) -> None:
    """Write rendered faces in the official layout of LFW, with the lists of both its views.

    Two fifths of the people are in `pairsDevTrain.txt`, a fifth in `pairsDevTest.txt` and the
    others in the folds of `pairs.txt`; nobody is in two lists or in two folds. (The official View
    2 shares people with View 1.) The folder appears when it is complete; see `write_mtfl`.

    Args:
        folder: Must not exist, or be empty.
        people: How many, at least 10 and five for each fold.
        pictures_per_person: Of each, 2 to 1,000.
        folds: Of `pairs.txt`.
        seed: Another seed means other people.
        size: Of the square pictures, 32 to 1024 pixels.
        progress: Called with the pictures done and their total after each.

    Raises:
        UserError: A number is out of range, or the folder holds something else.
    """
    check(seed, size)
    check_count("folds", folds, 1)
    check_count("people", people, max(10, 5 * folds), MOST_PEOPLE)
    check_count("pictures_per_person", pictures_per_person, 2, _MOST_PICTURES)
    numbers = (
        f"version {VERSION}, people {people}, pictures_per_person {pictures_per_person}, "
        f"folds {folds}, seed {seed}, size {size}"
    )
    with whole_folder(Path(folder), _lists.about("LFW", numbers)) as place:
        if place is None:
            return
        for number in range(people):
            jobs = ((FIRST["lfw"] + number, k, NEWS) for k in range(pictures_per_person))
            for picture, face in enumerate(rendered(jobs, seed, size)):
                _save(place / _lists.lfw_name(number, picture), face)
                if progress:
                    progress(
                        number * pictures_per_person + picture + 1, people * pictures_per_person
                    )
        for name, text in _lists.lfw_lists(people, pictures_per_person, folds, seed).items():
            (place / name).write_bytes(text)


def _save(path: Path, face: Face, *, grey: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(face.pixels[:, :, 0] if grey else face.pixels)
    picture.save(path, "JPEG", quality=_QUALITY)
