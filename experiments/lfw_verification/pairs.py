"""The pairs of a protocol, all in one form."""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.lfw_verification.config import VerificationSettings
from simlearn.data import lfw, youtube_faces
from simlearn.data.files import inside, open_files
from simlearn.data.records import PicturePairs, StoredPictures, VideoPairs
from simlearn.errors import DatasetError, UserError

# Folds that a list is cut into which has none.
_FOLDS = 10


class Pairs(NamedTuple):
    """Pairs of things, each of which is one picture or several.

    Attributes:
        pictures: of all things.
        thing: of each picture `(pictures,)`, ascending.
        left: of each pair, a thing.
        right: likewise.
        same: whether both are of one person.
        fold: of each pair.
        people: the name of each thing's person; "" where a list does not say.
        name: of the protocol.
    """

    pictures: StoredPictures
    thing: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    same: NDArray[np.bool_]
    fold: NDArray[np.int64]
    people: NDArray[np.str_]
    name: str


def load(config: VerificationSettings) -> Pairs:
    """Read what the settings ask for.

    Raises:
        UserError: it is not there, or not in its format.
    """
    shared = Path(os.environ.get("SIMLEARN_DATA") or "data")
    folder = "youtube_faces" if config.protocol == "youtube" else "lfw"
    root = shared / folder if config.data is None else config.data
    if not root.exists():
        raise UserError(
            f"{root}: expected a folder or zip with the pictures, and found nothing; "
            f"python datasets/{folder}/prepare.py --data {shared} says how to get them"
        )
    if config.protocol == "youtube":
        return _of_videos(youtube_faces.load(root), config.frames)
    if config.pairs is not None:
        return _of_pictures(listed(config.pairs, root))
    if config.protocol == "view2":
        return _of_pictures(lfw.view2(root))
    return _of_pictures(lfw.view1(root, "test"))


def listed(path: Path, root: Path) -> PicturePairs:
    """Read a list of pairs, as those of CFP, AgeDB and their like can be written.

    Args:
        path: the list: on each row two paths below `root`, 1 (one person) or 0, and perhaps the
            number of a fold; a path has no space.
        root: folder or zip of the pictures.

    Raises:
        DatasetError: a row is of another form.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: expected text in UTF-8, got {error.reason}") from error
    position: dict[str, int] = {}
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        tokens = line.split()
        if not tokens or line.startswith("#"):
            continue
        where = f"{path}, line {number}"
        if len(tokens) not in (3, 4) or tokens[2] not in ("0", "1"):
            raise DatasetError(f"{where}: expected `left right 0-or-1 [fold]`, got {line!r:.80}")
        if len(tokens) == 4 and not tokens[3].isdecimal():
            raise DatasetError(f"{where}: expected the number of a fold, got {tokens[3]!r}")
        sides = [position.setdefault(inside(t, where=where), len(position)) for t in tokens[:2]]
        rows.append((*sides, tokens[2] == "1", int(tokens[3]) if len(tokens) == 4 else -1))
    if not rows:
        raise DatasetError(f"{path}: expected pairs, and found none")
    left, right, same, fold = (np.array(column) for column in zip(*rows, strict=True))
    if len(set((fold < 0).tolist())) > 1:
        raise DatasetError(f"{path}: expected a fold in every row or in none")
    return PicturePairs(
        pictures=StoredPictures(open_files(root), list(position)),
        left=left,
        right=right,
        same=same.astype(np.bool_),
        fold=np.maximum(fold, 0),
        name=path.stem,
    )


def folds_within(same: NDArray[np.bool_], count: int = _FOLDS) -> NDArray[np.int64]:
    """Each kind's pairs, in the order of the list, cut into as many runs: `(pairs,)`.

    Lists go by name: a person's pairs stay in one fold, but for those on a cut.
    """
    fold = np.empty(len(same), np.int64)
    for kind in (True, False):
        rows = np.flatnonzero(same == kind)
        fold[rows] = np.arange(len(rows)) * count // max(len(rows), 1)
    return fold


def _of_pictures(record: PicturePairs) -> Pairs:
    several = len(np.unique(record.fold)) > 1
    names = [path.rpartition("/")[0].rpartition("/")[2] for path in record.pictures.paths]
    # Only where the folders are people, as in LFW, do pairs of one kind say so.
    by_folder = np.array(names)
    told = np.array_equal(by_folder[record.left] == by_folder[record.right], record.same)
    return Pairs(
        pictures=record.pictures,
        thing=np.arange(len(record.pictures)),
        left=record.left,
        right=record.right,
        same=record.same,
        fold=record.fold if several else folds_within(record.same),
        people=by_folder if told else np.full(len(names), ""),
        name=record.name,
    )


def _of_videos(record: VideoPairs, frames: int) -> Pairs:
    kept = []
    for video in range(len(record.videos)):
        rows = np.flatnonzero(record.video == video)
        # A video may be missing: its pairs are dropped, and counted.
        if len(rows):
            kept.append(rows[np.unique(np.linspace(0, len(rows) - 1, frames).round().astype(int))])
    if not kept:
        raise DatasetError(f"{record.name}: expected frames of videos, found none")
    rows = np.concatenate(kept)
    people = np.array([name.split("/")[0] for name in record.videos])
    return Pairs(
        pictures=record.pictures.take(rows),
        thing=record.video[rows],
        left=record.left,
        right=record.right,
        same=record.same,
        fold=record.fold,
        people=people,
        name=record.name,
    )
