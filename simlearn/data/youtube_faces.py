"""YouTube Faces: 3,425 videos of 1,595 people as folders of frames, and pairs of videos to verify.

Not verified on real files: that a video's name is the path of its folder, as in `Name/0`. Videos
are counted from 1, as public code that reads the official file does, unless a pair names video 0.

Reference:
    Wolf, Hassner, Maoz: Face Recognition in Unconstrained Videos with Matched Background
    Similarity. CVPR 2011.
"""

import re
from collections import Counter
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlearn.data._matlab import LARGEST, read_mat
from simlearn.data.files import Files, Root, inside, open_files
from simlearn.data.records import StoredPictures, VideoPairs
from simlearn.errors import DatasetError

FOLDERS: Final = ("frame_images_DB", "aligned_images_DB")
"""Names of the folder of frames: as they were, or with the face aligned."""

_META: Final = "meta_and_splits.mat"
_FRAME: Final = re.compile(rf"((?:.*/)?(?:{'|'.join(FOLDERS)})/)(.+)/[^/]+")
_NUMBER: Final = re.compile(r"([0-9]{1,18})\.[^.]*\Z", re.ASCII)


def load(root: Root, *, folder: str | None = None) -> VideoPairs:
    """Read the pairs of videos in their ten folds, and where the frames of each video lie.

    Args:
        root: A folder or zip with `meta_and_splits.mat` at its top or up to two folders down, and
            a folder of frames, `frame_images_DB/` or `aligned_images_DB/`, at any depth; or
            `Files`. Without frames the pairs can still be read.
        folder: Which folder of frames, such as `"aligned_images_DB"`, where there are several.

    Returns:
        The pairs, fold by fold, in the order of the file; officially 500 in each of ten. Frames
        come video by video, in the order of the number at the end of their names. A video that is
        missing has no frames and stays in its pairs.

    Raises:
        DatasetError: The file is missing, damaged or of another version of MATLAB; its pairs name
            videos that are not there; or there are several folders of frames and `folder` names
            none.
    """
    files = open_files(root)
    found = files.find(_META)
    where = found.where(_META)
    variables = read_mat(found.read(_META, limit=LARGEST), where, ("video_names", "Splits"))
    videos = _videos(variables["video_names"], where)
    left, right, same, fold = _pairs(variables["Splits"], len(videos), where)
    paths, video = _frames(files, videos, folder)
    return VideoPairs(
        pictures=StoredPictures(files, paths),
        video=np.array(video, np.int64),
        videos=tuple(videos),
        left=left,
        right=right,
        same=same,
        fold=fold,
        name="youtube-faces",
    )


def _videos(names: Any, where: str) -> list[str]:
    if not isinstance(names, list):
        raise DatasetError(f"{where}: expected video_names as a cell array, and received numbers")
    videos = [inside(name, where=f"{where}: video_names") for name in names]
    for name, count in Counter(videos).items():
        if count > 1:
            raise DatasetError(f"{where}: expected each video once, and received {name!r} twice")
    return videos


class _Pairs(NamedTuple):
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    same: NDArray[np.bool_]
    fold: NDArray[np.int64]


def _pairs(splits: Any, videos: int, where: str) -> _Pairs:
    """From `(rows, 3, folds)`: two videos and whether one person is on both."""
    if isinstance(splits, list) or splits.ndim != 3 or splits.shape[1] != 3 or not splits.size:
        shape = "cells" if isinstance(splits, list) else splits.shape
        raise DatasetError(
            f"{where}: expected Splits of shape (rows, 3, folds), and received {shape}"
        )
    rows, _, folds = splits.shape
    table = splits.transpose(2, 0, 1).reshape(-1, 3)
    whole = np.isin(table[:, 2], (0, 1)) & np.all(
        (table >= 0) & (table <= videos) & (table == np.floor(table)), axis=1
    )
    whole &= table[:, 0] != table[:, 1]
    if not whole.all():
        row = int(np.argmin(whole))
        raise DatasetError(
            f"{where}: Splits, row {row % rows} of fold {row // rows}: expected two of {videos} "
            f"videos and 0 or 1, and received {table[row].tolist()}"
        )
    first = _first(table[:, :2], videos, where)
    table = table.astype(np.int64)
    fold = np.repeat(np.arange(folds, dtype=np.int64), rows)
    return _Pairs(table[:, 0] - first, table[:, 1] - first, table[:, 2] == 1, fold)


def _first(numbers: NDArray[Any], videos: int, where: str) -> int:
    """The number of the first video, 0 or 1."""
    low, high = int(numbers.min()), int(numbers.max())
    if low == 0 and high == videos:
        raise DatasetError(
            f"{where}: expected Splits to count {videos} videos from 0 or from 1, and received "
            f"{low} to {high}"
        )
    return min(low, 1)


def _frames(files: Files, videos: list[str], folder: str | None) -> tuple[list[str], list[int]]:
    """The frames of every video in order, and the position of the video of each."""
    matches = [m for name in files.names((".jpg",)) if (m := _FRAME.fullmatch(name))]
    prefixes = {match[1] for match in matches}
    wanted = prefixes if folder is None else {f"{folder.rstrip('/')}/"}
    if len(wanted) > 1 or not wanted <= prefixes:
        shown = ", ".join(sorted(prefix.rstrip("/") for prefix in prefixes)) or "none"
        raise DatasetError(
            f"{files}: expected {folder or 'one folder of frames'}, and found {shown}; say which "
            "with folder="
        )
    position = {video: row for row, video in enumerate(videos)}
    rows = sorted(
        (position[match[2]], _number(match[0]), match[0])
        for match in matches
        if match[1] in wanted and match[2] in position
    )
    return [name for _, _, name in rows], [video for video, _, _ in rows]


def _number(name: str) -> int:
    """The number before the suffix; -1 where there is none."""
    match = _NUMBER.search(name.rpartition("/")[2])
    return int(match[1]) if match else -1
