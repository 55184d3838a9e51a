"""Pictures with labels from a table in CSV.

A cell may stand in double quotes, in which a double quote is written twice, and must not hold the
end of a line. Spaces around the names of the columns are passed over; in the rows below, a space
belongs to its cell. The file is UTF-8; a byte order mark, as Excel writes it, is passed over.
"""

import os
import re
from pathlib import Path
from typing import Final

from simlearn.data._annotations import Line, lines_of
from simlearn.data.files import LARGEST_ANNOTATION, Root, inside, open_files
from simlearn.data.folders import SUFFIXES
from simlearn.data.records import LabelledFiles
from simlearn.data.records._files import labelled_files
from simlearn.errors import DatasetError

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_CELL: Final = re.compile(r'"((?:[^"]|"")*)"|([^",]*)')


def load(
    path: str | Path,
    *,
    root: Root | None = None,
    path_column: str = "path",
    label_column: str = "label",
    name: str | None = None,
) -> LabelledFiles:
    r"""Read a table with the path and the label of a picture in each row.

    The first row holds the names of the columns, two of which are those asked for; the others may
    hold anything. A table of exactly two columns, path and label, may do without names: then its
    first row begins with the name of a picture.

    Args:
        path: The table, a file on disk.
        root: Where paths start: a folder or zip, or `Files`; by default the folder of the table.
        path_column: Name of the column of paths. They have slashes or backslashes; `./` in front
            is dropped, and so is the root in front of an absolute path, as `glob` writes it.
        label_column: Name of the column of labels, which are taken as text.
        name: What to call the data set; by default as the table, without its suffix.

    Returns:
        A picture for each path, in the order of the table; one that occurs again with the same
        label counts once. Classes are in the order of their names, as texts.

    Raises:
        DatasetError: The table is missing or not as said, a path leaves the root, or a path has
            two labels.

    Examples:
        >>> import tempfile, pathlib
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "pets.csv"
        >>> _ = file.write_text('path,label\n1.jpg,cat\n"2, or 3.jpg",dog\n')
        >>> record = load(file)
        >>> record.pictures.paths, record.classes
        (('1.jpg', '2, or 3.jpg'), ('cat', 'dog'))
    """
    path = Path(path)
    rows = _rows(_content(path), str(path), path_column, label_column)
    files = open_files(path.parent if root is None else root)
    top = f"{Path(os.path.abspath(str(files))).as_posix().rstrip('/')}/"
    found: dict[str, tuple[str, Line]] = {}
    for line, picture, label in rows:
        picture = _relative(picture, top, line)
        first, where = found.setdefault(picture, (label, line))
        if first != label:
            raise line.error(f"the label {first} for {picture}, as in {where.where}", label)
    labels = [label for label, _ in found.values()]
    return labelled_files(files, list(found), labels, name=path.stem if name is None else name)


def _relative(path: str, top: str, line: Line) -> str:
    """A path as it is called in the root, whose own path is `top`."""
    plain = path.replace("\\", "/")
    if plain.startswith(top):
        return inside(plain.removeprefix(top), where=line.where)
    return inside(path.removeprefix("./"), where=line.where)


def _rows(
    content: bytes, where: str, path_column: str, label_column: str
) -> list[tuple[Line, str, str]]:
    """The line, path and label of each row."""
    lines = list(lines_of(content.removeprefix(_BYTE_ORDER_MARK), where))
    if not lines:
        raise DatasetError(f"{where}: expected rows, and found none")
    if "," not in lines[0].text and ";" in lines[0].text:
        raise DatasetError(f"{lines[0].where}: expected commas, and found semicolons")
    names = [name.strip(" ") for name in _cells(lines[0])]
    places = _places(lines[0], names, path_column, label_column)
    rows = []
    for line in lines[1:] if places else lines:
        cells = _cells(line)
        if len(cells) != len(names):
            expected = f"{len(names)} cells as in the first row"
            raise line.error(expected, f"{len(cells)}: {line.text}")
        if places and [cell.strip(" ") for cell in cells] == names:
            raise line.error("the names of the columns in the first row alone", line.text)
        path, label = (cells[place] for place in places or (0, 1))
        for cell in (path, label):
            if not cell or cell != cell.strip():
                raise line.error("a path and a label without space around them", line.text)
        rows.append((line, path, label))
    return rows


def _places(
    line: Line, names: list[str], path_column: str, label_column: str
) -> tuple[int, int] | None:
    """Where the columns of paths and labels are; none where the first row is already a picture."""
    columns = (path_column, label_column)
    for column in columns:
        if names.count(column) > 1:
            raise line.error(f"one column {column}", line.text)
    if all(column in names for column in columns):
        return names.index(path_column), names.index(label_column)
    if len(names) == 2 and names[0].lower().endswith(SUFFIXES):
        return None
    raise line.error(
        f"names of columns with {path_column} and {label_column} among them (path_column= and "
        f"label_column= take others), or a path ({', '.join(SUFFIXES)}) and a label",
        line.text,
    )


def _cells(line: Line) -> list[str]:
    cells, start = [], 0
    while True:
        match = _CELL.match(line.text, start)
        quoted, plain = match.groups() if match else (None, "")
        cells.append(plain if quoted is None else quoted.replace('""', '"'))
        start = match.end() if match else start
        if start == len(line.text):
            return cells
        if line.text[start] != ",":
            raise line.error("a comma after each cell, and quotes around all of it", line.text)
        start += 1


def _content(path: Path) -> bytes:
    if not os.path.isfile(path):
        raise DatasetError(f"{path}: expected a file, and found none")
    try:
        with open(path, "rb") as stream:
            content = stream.read(LARGEST_ANNOTATION + 1)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from error
    if len(content) > LARGEST_ANNOTATION:
        raise DatasetError(f"{path}: expected at most {LARGEST_ANNOTATION} bytes, found more")
    return content
