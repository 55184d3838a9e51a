"""Official lists of pairs to verify: of pictures, and of videos."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simlearn.data.records._columns import integer_column, shaped
from simlearn.data.records._pictures import StoredPictures
from simlearn.errors import UserError


@dataclass(frozen=True, eq=False, repr=False)
class PicturePairs:
    """Pairs of pictures, each of one person or of two, in the folds of a published protocol.

    Args:
        pictures: Every picture that occurs in a pair, once.
        left: integers `(m,)`, positions in `pictures`; kept as int64.
        right: integers `(m,)`, likewise.
        same: booleans `(m,)`, whether both show one person.
        fold: integers `(m,)`, from 0; kept as int64.
        name: what to call the list in results and reports.

    Raises:
        UserError: A column has the wrong type or length, or a position has no picture.
    """

    pictures: StoredPictures
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    same: NDArray[np.bool_]
    fold: NDArray[np.int64]
    name: str

    def __post_init__(self) -> None:
        check_pairs(self, len(self.pictures))

    def __len__(self) -> int:
        return len(self.same)

    def __repr__(self) -> str:
        return f"<PicturePairs {self}>"

    def __str__(self) -> str:
        return f"{pairs_text(self)} among {len(self.pictures)} pictures"


@dataclass(frozen=True, eq=False, repr=False)
class VideoPairs:
    """Pairs of videos, each of one person or of two, in the folds of a published protocol.

    Args:
        pictures: The frames of every video.
        video: integers `(n,)`, for each frame the position of its video; kept as int64.
        videos: the name of each video.
        left: integers `(m,)`, positions in `videos`; kept as int64.
        right: integers `(m,)`, likewise.
        same: booleans `(m,)`, whether both show one person.
        fold: integers `(m,)`, from 0; kept as int64.
        name: what to call the list in results and reports.

    Raises:
        UserError: A column has the wrong type or length, or a position has no video.
    """

    pictures: StoredPictures
    video: NDArray[np.int64]
    videos: tuple[str, ...]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    same: NDArray[np.bool_]
    fold: NDArray[np.int64]
    name: str

    def __post_init__(self) -> None:
        video = integer_column(self.video, len(self.pictures), f"{self.name}: video")
        object.__setattr__(self, "video", video)
        _require_below(len(self.videos), video, f"{self.name}: video")
        check_pairs(self, len(self.videos))

    def __len__(self) -> int:
        return len(self.same)

    def __repr__(self) -> str:
        return f"<VideoPairs {self}>"

    def __str__(self) -> str:
        frames = f"{len(self.videos)} videos with {len(self.pictures)} frames"
        return f"{pairs_text(self)} among {frames}"


def check_pairs(record: PicturePairs | VideoPairs, count: int) -> None:
    """Check and freeze the columns of a list of pairs among `count` things."""
    length = len(record.same)
    same = shaped(record.same, np.bool_, (length,), f"{record.name}: same")
    object.__setattr__(record, "same", same)
    for field in ("left", "right", "fold"):
        column = integer_column(getattr(record, field), length, f"{record.name}: {field}")
        object.__setattr__(record, field, column)
        _require_below(np.inf if field == "fold" else count, column, f"{record.name}: {field}")


def _require_below(limit: float, column: NDArray[np.int64], name: str) -> None:
    if len(column) and not 0 <= column.min() <= column.max() < limit:
        raise UserError(
            f"{name} must lie in [0, {limit}), and came as {column.min()} to {column.max()}"
        )


def pairs_text(record: PicturePairs | VideoPairs) -> str:
    """For example `lfw-view2: 6000 pairs in 10 folds, 3000 of one person`."""
    folds = len(np.unique(record.fold))
    same = int(np.count_nonzero(record.same))
    text = f"{record.name}: {len(record)} pairs"
    return f"{text}{f' in {folds} folds' if folds > 1 else ''}, {same} of one person,"
