"""CASIA-WebFace: faces of 10,575 people from the web, to train on.

Reference:
    Yi, Lei, Liao, Li: Learning Face Representation from Scratch. arXiv:1411.7923, 2014.
"""

import dataclasses
import re
from typing import Final

import numpy as np

from simlearn.data.files import Root, open_files
from simlearn.data.folders import class_folders, named
from simlearn.data.records import LabelledFiles
from simlearn.data.records._files import labelled_files

PEOPLE: Final = 10_575
"""People in the official set."""

OVERLAPS_LFW: Final = ("0166921", "1056413", "1193098")
"""People who are in LFW too; there may be more."""

_PICTURE: Final = re.compile(r"([0-9]{7})/[^/]+\.(?:jpe?g|png|bmp)", re.IGNORECASE)


def load(root: Root, *, without_lfw: bool = True) -> LabelledFiles:
    """Read CASIA-WebFace, or a copy of it cut otherwise, from a folder for each person.

    Args:
        root: A folder or zip with folders named by seven digits, as `0000045/001.jpg`, at its top
            or up to two folders down; or `Files`.
        without_lfw: Whether to leave out those who are known to be in LFW too (`OVERLAPS_LFW`). A
            model that has seen them must not be tested there.

    Returns:
        The pictures in the order of their paths. Ids count through all of them, so they are the
        same with and without LFW's people.

    Raises:
        DatasetError: There is no picture, or a file has another name.
    """
    files, _ = class_folders(open_files(root))
    ids, paths, people = [], [], []
    for row, picture in enumerate(named(files, _PICTURE, "0000045/001.jpg")):
        if not (without_lfw and picture[1] in OVERLAPS_LFW):
            ids.append(row)
            paths.append(picture.string)
            people.append(picture[1])
    record = labelled_files(files, paths, people, name="casia-webface")
    return dataclasses.replace(record, ids=np.array(ids, np.int64))
