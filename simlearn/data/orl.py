"""AT&T faces, formerly ORL: 40 people with 10 grey pictures each, and sets in the same layout.

Reference:
    Samaria, Harter: Parameterisation of a stochastic model for human face identification. IEEE
    Workshop on Applications of Computer Vision, 1994.
"""

import re
from typing import Final

import numpy as np

from simlearn.data.files import Root, open_files
from simlearn.data.folders import class_folders, named
from simlearn.data.records import LabelledFiles, StoredPictures

COUNTS: Final = (40, 10)
"""People in the official set, and pictures of each."""

_PICTURE: Final = re.compile(r"s([1-9][0-9]{0,8})/([1-9][0-9]{0,8})\.pgm")


def load(root: Root) -> LabelledFiles:
    """Read the AT&T faces, `s1/1.pgm` to `s40/10.pgm`; or others of any number in that layout.

    Args:
        root: A folder or zip with the people's folders at its top or up to two folders down; or
            `Files`.

    Returns:
        People, as `s2` before `s10`, and the pictures of each in the order of their numbers.

    Raises:
        DatasetError: There is no picture, or a file beside the README has another name.
    """
    files, _ = class_folders(open_files(root))
    pictures = list(named(files, _PICTURE, "s1/10.pgm"))
    numbers = np.array([[int(number) for number in picture.groups()] for picture in pictures])
    order = np.lexsort((numbers[:, 1], numbers[:, 0]))
    people, labels = np.unique(numbers[order, 0], return_inverse=True)
    return LabelledFiles(
        pictures=StoredPictures(files, [pictures[row].string for row in order]),
        labels=labels,
        classes=tuple(f"s{person}" for person in people),
        ids=np.arange(len(order)),
        name="orl",
    )
