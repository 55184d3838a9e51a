"""MALF, Multi-Attribute Labelled Faces: 5,250 pictures with boxes and attributes of faces.

Not verified on real files: the form of the annotation as it was released is not known here. What is
read is a plain table that names its own columns, a few lines to write from any other form.

Reference:
    Yang, Yan, Lei, Li: Fine-grained Evaluation on Face Detection in the Wild. FG 2015.
"""

from typing import Final

import numpy as np

from simlearn.data._annotations import Line, read_lines
from simlearn.data.decode import LARGEST_SIDE
from simlearn.data.files import Root, inside, open_files
from simlearn.data.records import BoxedPictures, StoredPictures

_REQUIRED: Final = ("picture", "x", "y", "width", "height")
_IGNORED: Final = "ignored"
_LARGEST_VALUE: Final = 10**6


def load(root: Root, annotations: str = "malf.txt") -> BoxedPictures:
    """Read boxes and attributes of faces from a table.

    The first line of the table names its columns, each further line is a face; between columns
    stand spaces or tabs:

        picture   x   y   width  height  ignored  yaw
        a/1.jpg   12  7   31     33      0        2

    `picture`, relative to the folder of the table, `x` and `y` of the upper left corner, `width`
    and `height` in pixels must be there, in any order; `ignored`, 0 or 1, may be. Any other column
    holds whole numbers, such as levels of pose, and -1 where nothing is known.

    Args:
        root: A folder or zip, perhaps with the table a folder or two down; or `Files`.
        annotations: Name of the table.

    Returns:
        The pictures in the order in which they first occur, the faces of each in their order.
        `details` has int64 `(m,)` for each other column, by its name.

    Raises:
        DatasetError: The table is missing, a column is missing or named twice, or a row is not
            what is said above.
    """
    files = open_files(root).find(annotations)
    header, *lines = read_lines(files, annotations) or [Line("", files.where(annotations))]
    columns = header.tokens()
    if len(set(columns)) < len(columns) or not set(_REQUIRED) <= set(columns):
        raise header.error(f"the columns {' '.join(_REQUIRED)}, each once", header.text)
    further = [name for name in columns if name not in (*_REQUIRED, _IGNORED)]
    position: dict[str, int] = {}
    owner, boxes, ignored, values = [], [], [], []
    for line in lines:
        cells = dict(zip(columns, line.tokens(len(columns)), strict=True))
        path = inside(cells["picture"], where=line.where)
        owner.append(position.setdefault(path, len(position)))
        boxes.append(_box(line, cells))
        ignored.append(line.integer(cells.get(_IGNORED, "0"), _IGNORED, 0, 1))
        values.append([line.integer(cells[name], name, -1, _LARGEST_VALUE) for name in further])
    order = np.argsort(np.array(owner, np.int64), kind="stable")
    table = np.array(values, np.int64).reshape(len(lines), len(further))[order]
    return BoxedPictures(
        pictures=StoredPictures(files, list(position)),
        owner=np.array(owner, np.int64)[order],
        boxes=np.array(boxes, np.float32).reshape(-1, 4)[order],
        ignored=np.array(ignored, np.bool_)[order],
        name="malf",
        details=dict(zip(further, table.T, strict=True)),
    )


def _box(line: Line, cells: dict[str, str]) -> tuple[float, float, float, float]:
    """Left, top, right, bottom."""
    x, y, width, height = (line.decimal(cells[name], name) for name in _REQUIRED[1:])
    if max(abs(x), abs(y), width, height) > LARGEST_SIDE or min(width, height) < 0:
        raise line.error(
            f"a box within {LARGEST_SIDE} pixels, of a width and a height", line.text.strip()
        )
    return x, y, x + width, y + height
