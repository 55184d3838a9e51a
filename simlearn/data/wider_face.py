"""WIDER FACE: 32,203 pictures of crowds, parades and daily life, with a box for every face.

Not verified on real files.

Reference:
    Yang, Luo, Loy, Tang: WIDER FACE: A Face Detection Benchmark. CVPR 2016.
"""

from typing import Final, Literal

import numpy as np

from simlearn.data._annotations import Line, check_split, read_lines
from simlearn.data.decode import LARGEST_SIDE
from simlearn.data.files import Root, inside, open_files
from simlearn.data.records import BoxedPictures, StoredPictures

DETAILS: Final = {
    "blur": ("clear", "normal", "heavy"),
    "expression": ("typical", "exaggerated"),
    "illumination": ("normal", "extreme"),
    "invalid": ("no", "yes"),
    "occlusion": ("none", "partial", "heavy"),
    "pose": ("typical", "atypical"),
}
"""What is known of each face, in the order of the file, and what each value from 0 means."""

_FOLDER: Final = "wider_face_split"
_LISTS: Final = {
    "train": ("wider_face_train_bbx_gt.txt", "WIDER_train/images"),
    "validation": ("wider_face_val_bbx_gt.txt", "WIDER_val/images"),
    "test": ("wider_face_test_filelist.txt", "WIDER_test/images"),
}
_LARGEST_COUNT: Final = 10_000
_NO_FACE: Final = ["0"] * 10


def load(root: Root, split: Literal["train", "validation", "test"] = "train") -> BoxedPictures:
    """Read one split, from the folder that holds `wider_face_split/` and `WIDER_train/`.

    Args:
        root: A folder, perhaps with the data set a folder or two down, or with the official zips
            in it; or one zip; or `Files`. Without pictures the lists can still be read.
        split: `"train"`, `"validation"`, or `"test"`, whose list names pictures and no faces.

    Returns:
        The pictures in the order of the list. Faces that are marked invalid, and boxes without
        width or height, are ignored. `details` has int64 `(m,)` for each name in `DETAILS`.

    Raises:
        DatasetError: The list is missing, a row is not what the format says, or a picture is
            listed twice.
    """
    check_split(split, tuple(_LISTS), "WIDER FACE")
    name, folder = _LISTS[split]
    files = open_files(root).find(f"{_FOLDER}/{name}")
    lines = read_lines(files, f"{_FOLDER}/{name}")
    paths: dict[str, None] = {}
    owner: list[int] = []
    rows: list[list[int]] = []
    at = 0
    while at < len(lines):
        path = _path(lines[at])
        if path in paths:
            raise lines[at].error("each picture once", path)
        paths[path] = None
        faces, at = ([], at + 1) if split == "test" else _faces(lines, at + 1)
        owner += [len(paths) - 1] * len(faces)
        rows += faces
    table = np.array(rows, np.int64).reshape(-1, 10)
    corner, size = table[:, :2], table[:, 2:4]
    details = dict(zip(DETAILS, table[:, 4:].T, strict=True))
    return BoxedPictures(
        pictures=StoredPictures(files, [f"{folder}/{path}" for path in paths]),
        owner=np.array(owner, np.int64),
        boxes=np.concatenate([corner, corner + size], axis=1).astype(np.float32),
        ignored=(details["invalid"] == 1) | np.any(size == 0, axis=1),
        name=f"wider-face-{split}",
        details=details,
    )


def _path(line: Line) -> str:
    path = inside(line.text.strip(" \t"), where=line.where)
    if not path.endswith(".jpg"):
        raise line.error("the name of a picture", path)
    return path


def _faces(lines: list[Line], at: int) -> tuple[list[list[int]], int]:
    """The faces from the line of their count, and the line behind them.

    A picture without faces has a row of zeros all the same.
    """
    if at == len(lines):
        raise lines[at - 1].error("a count of faces behind the name", lines[at - 1].text)
    line = lines[at]
    count = line.integer(line.text.strip(" \t"), "a count of faces", 0, _LARGEST_COUNT)
    first, last = at + 1, at + 1 + count
    if last > len(lines):
        raise line.error(f"{count} rows of faces", len(lines) - first)
    if count == 0 and first < len(lines) and lines[first].tokens() == _NO_FACE:
        last += 1
    return [_face(row) for row in lines[first : first + count]], last


def _face(line: Line) -> list[int]:
    """`x y width height blur expression illumination invalid occlusion pose`."""
    tokens = line.tokens(10)
    low = [-LARGEST_SIDE, -LARGEST_SIDE, 0, 0]
    box = [
        line.integer(token, name, bound, LARGEST_SIDE)
        for token, name, bound in zip(tokens, ("x", "y", "width", "height"), low, strict=False)
    ]
    return box + [
        line.integer(token, name, 0, len(values) - 1)
        for token, (name, values) in zip(tokens[4:], DETAILS.items(), strict=True)
    ]
