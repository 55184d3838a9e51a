"""Any pictures in a folder for each class, and what readers of such trees share."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from simlearn.data.files import Files, Root, open_files
from simlearn.data.records import LabelledFiles
from simlearn.data.records._files import labelled_files
from simlearn.errors import DatasetError

SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".pgm", ".ppm", ".bmp")
"""How the name of a picture ends, in upper or lower case."""

_SPLITS: Final = {"train", "training", "val", "valid", "validation", "test", "testing"}
_NOT_DATA: Final = re.compile(
    r"(?i)(readme|licen[cs]e)[^/]*|[^/]*\.(txt|md|html?|pdf|zip|tar|gz|tgz|sha256|partial|json)"
)


def load(root: Root, *, name: str | None = None) -> LabelledFiles:
    """Read the pictures in a folder for each class, such as `ann/1.jpg` and `bob/2021/2.png`.

    The class is the name of the first folder, however deep the picture lies in it. Where a single
    folder holds everything, and no picture by itself, as in most zips, its folders are the classes;
    so too where that is one more folder down. Other files, and names that start with a dot, are
    passed over.

    Args:
        root: A folder or zip, or `Files`; `Files(root).below("train")` is one part of it.
        name: What to call the data set; by default as the folder, or the zip without its suffix.

    Returns:
        The pictures in the order of their paths; classes in the order of their names.

    Raises:
        DatasetError: There is no picture, one lies in no folder, or the folders are those of
            splits, such as `train` and `test`, rather than of classes.

    Examples:
        >>> import tempfile, pathlib
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> for path in ("pets/cat/1.png", "pets/dog/1.png", "pets/dog/2.png"):
        ...     (folder / path).parent.mkdir(parents=True, exist_ok=True)
        ...     _ = (folder / path).write_bytes(b"")
        >>> record = load(folder, name="pets")
        >>> print(record)
        pets: 3 pictures, 2 classes with 1 to 2 pictures
        >>> record.classes, record.labels.tolist()
        (('cat', 'dog'), [0, 1, 1])
    """
    files = open_files(root)
    name = _name_of(files) if name is None else name
    files, paths = class_folders(files)
    for path in paths:
        if "/" not in path:
            raise DatasetError(
                f"{files.where(path)}: expected every picture in the folder of its class, "
                "and found this one in none"
            )
    tops = sorted({path.split("/")[0] for path in paths})
    _check_strays(files, paths, tops)
    splits = _splits(tops)
    if splits and _all_deep([path for path in paths if path.split("/")[0] in splits]):
        raise DatasetError(
            f"{files}: expected the folders of classes, and found those of splits: "
            f'{", ".join(splits)}; load each by itself, as folders.load(Files(root).below("train"))'
        )
    return labelled_files(files, paths, [path.split("/")[0] for path in paths], name=name)


def _check_strays(files: Files, paths: list[str], tops: list[str]) -> None:
    """Refuse a stray picture that makes one class of many, or classes of splits."""
    nested = {tuple(path.split("/")[:2]) for path in paths if path.count("/") >= 2}
    doubtful = tops if len(tops) == 1 else _splits(tops)
    strays = [p for p in paths if p.count("/") == 1 and p.split("/")[0] in doubtful]
    if len(nested) > 1 and strays:
        raise DatasetError(
            f"{files.where(strays[0])}: expected every picture in the folder of its class, and "
            f"found this one beside such folders"
        )


def _splits(tops: list[str]) -> list[str]:
    """The folders that are named as splits, where several are or there are no others."""
    splits = [top for top in tops if top.lower() in _SPLITS]
    return splits if len(splits) > 1 or splits == tops else []


def class_folders(files: Files) -> tuple[Files, list[str]]:
    """The folder whose folders are the classes, and the pictures in it; see `load`.

    Raises:
        DatasetError: There is no picture.
    """
    paths = [path for path in files.names(SUFFIXES) if not _is_hidden(path)]
    if not paths:
        raise DatasetError(
            f"{files}: expected pictures ({', '.join(SUFFIXES)}) in a folder for each class, "
            "and found none"
        )
    for _ in range(2):
        top = paths[0].split("/")[0] + "/"
        if not _all_deep(paths) or not all(path.startswith(top) for path in paths):
            break
        files = files.below(top[:-1])
        paths = [path[len(top) :] for path in paths]
    return files, paths


def named(files: Files, pattern: re.Pattern[str], form: str) -> Iterator[re.Match[str]]:
    """Every file below, each of which must have a name of one form.

    What is plainly no data (README, licence, .txt, .md, .html, .pdf, archives, and names that start
    with a dot) is passed over.

    Args:
        files: Where they lie.
        pattern: What the whole of each path must match.
        form: An example of it, for the message.

    Yields:
        The match of each path, in the order of the paths.

    Raises:
        DatasetError: A file has another name, or there is none.
    """
    found = False
    for path in files.names():
        if match := pattern.fullmatch(path):
            found = True
            yield match
        elif not _is_hidden(path) and not _NOT_DATA.fullmatch(path.split("/")[-1]):
            raise DatasetError(f"{files.where(path)}: expected only files named as {form}")
    if not found:
        raise DatasetError(f"{files}: expected files named as {form}, and found none")


def _all_deep(paths: list[str]) -> bool:
    """Whether each path has a folder in a folder."""
    return all(path.count("/") >= 2 for path in paths)


def _is_hidden(path: str) -> bool:
    return path.startswith(".") or "/." in path


def _name_of(files: Files) -> str:
    path = Path(os.path.abspath(str(files)))
    return (path.stem if path.suffix.lower() == ".zip" else path.name) or "folders"
