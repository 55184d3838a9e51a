"""MTFL: faces with five landmarks, gender, smile, glasses and head pose.

10,000 faces from LFW and the web to train on, and 2,995 from AFLW, another domain, to test on.

Reference:
    Zhang, Luo, Loy, Tang: Facial Landmark Detection by Deep Multi-task Learning. ECCV 2014.
"""

from typing import Final, Literal

import numpy as np

from simlearn.data._annotations import Line, check_split, read_lines
from simlearn.data._landmarks import FIVE_POINTS, Outside, landmark_pictures
from simlearn.data.files import Root, inside, open_files
from simlearn.data.records import Attribute, LandmarkPictures, StoredPictures

LANDMARKS: Final = FIVE_POINTS

ATTRIBUTES: Final = (
    Attribute("gender", ("male", "female")),
    Attribute("smile", ("yes", "no")),
    Attribute("glasses", ("yes", "no")),
    Attribute(
        "pose",
        ("left profile", "left", "frontal", "right", "right profile"),
        mirrored=(4, 3, 2, 1, 0),
    ),
)

COUNTS: Final = {"train": 10_000, "test": 2_995}
"""Faces of each split in the official release."""

_LISTS: Final = {"train": "training.txt", "test": "testing.txt"}
# So far apart that the ids of the two splits never meet.
_FIRST_IDS: Final = {"train": 0, "test": 1_000_000}


def load(
    root: Root, split: Literal["train", "test"] = "train", *, outside: Outside = "refuse"
) -> LandmarkPictures:
    """Read one split of MTFL, from the folder or zip that holds `training.txt` and `testing.txt`.

    Points are the eyes, the nose and the corners of the mouth; left is the *picture's* left.
    Attributes count from 0, one less than in the file: gender 0 male, 1 female; smile and glasses
    0 yes, 1 no; pose 0 left profile to 4 right profile.

    Args:
        root: A folder or zip, perhaps with the data set a folder or two down; or `Files`.
        split: `"train"` (lfw_5590 and net_7876) or `"test"` (AFLW).
        outside: What to do with a point outside its picture: `"refuse"` the file, `"mask"` the
            point as not visible, or `"keep"` it, to look at what is wrong. Pictures that are
            missing or damaged are not checked; the pipeline skips and counts them.

    Returns:
        As many records as the list has rows, in its order; ids count on from 0 in the training
        list and from 1,000,000 in the test list.

    Raises:
        DatasetError: A file is missing, or a row is not what the format says.
    """
    check_split(split, tuple(_LISTS), "MTFL")
    files = open_files(root).find(_LISTS[split])
    lines = read_lines(files, _LISTS[split])
    rows = [_row(line) for line in lines]
    return landmark_pictures(
        StoredPictures(files, [path for path, _, _ in rows]),
        points=np.array([points for _, points, _ in rows], np.float64).reshape(-1, 5, 2),
        visible=None,
        landmarks=LANDMARKS,
        values=np.array([values for _, _, values in rows], np.int64).reshape(-1, 4),
        attributes=ATTRIBUTES,
        lines=lines,
        outside=outside,
        name=f"mtfl-{split}",
        first_id=_FIRST_IDS[split],
    )


def _row(line: Line) -> tuple[str, list[tuple[float, float]], list[int]]:
    """`path x1..x5 y1..y5 gender smile glasses pose`, all x first."""
    path, *tokens = line.tokens(15)
    numbers = [line.decimal(token, "a coordinate") for token in tokens[:10]]
    values = [
        line.integer(token, attribute.name, 1, len(attribute.values)) - 1
        for token, attribute in zip(tokens[10:], ATTRIBUTES, strict=True)
    ]
    return inside(path, where=line.where), list(zip(numbers[:5], numbers[5:], strict=True)), values
