"""A data set's files as they were downloaded: a folder, a zip, or a folder with zips in it.

A zip is read in place, as though it had been unpacked into the folder where it lies. Nothing is
written, no name leaves the root, and nothing larger than a stated bound is brought into memory.
"""

import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias

from simlearn.data._zips import Zip, is_junk, is_zip, open_zip
from simlearn.data._zips import inside as inside
from simlearn.errors import DatasetError

LARGEST_FILE: Final = 2**30
"""Bytes of the largest file that a reader takes, 1 GiB."""

LARGEST_ANNOTATION: Final = 2**28
"""Bytes of the largest list or JSON that a reader takes, 256 MiB; lines take many times as much."""

LARGEST_PICTURE: Final = 2**28
"""Bytes of the largest picture file that a reader takes, 256 MiB."""

_FEW: Final = 50


class Files:
    """The files below a folder, those in its zips included; or the files in one zip.

    Names are relative, with slashes: `AFLW/0001.jpg`. Where a zip and the folder hold the same
    name, the folder's counts; of two zips, that whose name sorts first. What macOS and Windows
    leave behind (`__MACOSX`, `.DS_Store`) is not there. Zips one folder down count as unpacked into
    that folder, where the root has at most 50 folders. Zips inside a zip are opened too, one level
    deep and up to 256 MiB. Links to folders are followed, except back to a folder above.

    Args:
        root: A folder or a zip.

    Raises:
        DatasetError: There is no such folder or zip, it cannot be read, or a zip is damaged or
            holds zips of more than 1 GiB together.

    Examples:
        >>> import tempfile, pathlib
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "notes.txt").write_bytes(b"hello")
        >>> files = Files(folder)
        >>> files.names(), files.read("notes.txt")
        (['notes.txt'], b'hello')
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        self._folder: Path | None = None
        self._zips: list[Zip] = []
        self._below = ""
        try:
            if self.root.is_dir():
                self._folder = self.root
                for folder in ("", *_few_folders(self.root)):
                    for path in sorted((self.root / folder).iterdir()):
                        if is_zip(path.name) and path.is_file():
                            self._zips += open_zip(path, folder)
            elif self.root.is_file():
                self._zips = open_zip(self.root)
            else:
                raise DatasetError(f"{self.root}: expected a folder or a zip, and found neither")
        except OSError as error:
            raise DatasetError(f"{self.root}: expected a folder or zip to read: {error}") from error

    def __contains__(self, name: str) -> bool:
        try:
            full = self._full(name)
        except DatasetError:
            return False
        return bool(self._status(full)) or any(full in members for members in self._zips)

    def __str__(self) -> str:
        return str(self.root / self._below) if self._below else str(self.root)

    def where(self, name: str) -> str:
        """How to call the file in a message: the path on disk, or the zip's and the name in it."""
        full = self._full(name)
        for members in self._zips:
            if full in members and not self._status(full):
                return members.where(full)
        return str((self._folder or self.root) / full)

    def below(self, folder: str) -> "Files":
        """The same files seen from one of the folders: names become relative to it."""
        view = object.__new__(Files)
        view.__dict__.update(self.__dict__)
        view._below = self._full(folder) + "/" if folder else self._below
        return view

    def find(self, *names: str, hint: str = "") -> "Files":
        """The nearest folder, at most two levels down, that holds a file or folder of every name.

        Args:
            names: Relative names of files or folders that lie in one folder.
            hint: What else the message should say where there is none.

        Raises:
            DatasetError: No folder holds them all, or two that lie equally deep do.
        """
        for depth in range(3):
            found = [f for f in self._folders(depth) if all(self._exists(f, n) for n in names)]
            if len(found) > 1:
                shown = ", ".join(f or "." for f in found[:3])
                raise DatasetError(
                    f"{self}: expected {' and '.join(names)} in one folder, "
                    f"and found them in {len(found)}: {shown}"
                )
            if found:
                return self.below(found[0])
        missing = next((n for n in names if not self._anywhere(n)), names[0])
        raise DatasetError(
            f"{self}: expected {' and '.join(names)} there or up to two folders down, and found "
            f"no {missing}{'; ' + hint if hint else ''}"
        )

    def names(self, suffixes: tuple[str, ...] = ()) -> list[str]:
        """Every file below, sorted.

        Args:
            suffixes: Take only names that end so, in upper or lower case, as `(".jpg", ".png")`.

        Raises:
            DatasetError: A folder cannot be read.
        """
        found: set[str] = set()
        if self._folder is not None:
            found.update(filter(_is_inside, _files_on_disk(self._folder, self._below)))
        for members in self._zips:
            found.update(n for n in members.names if n.startswith(self._below))
        cut = len(self._below)
        relative = (name[cut:] for name in found)
        return sorted(n for n in relative if not suffixes or n.lower().endswith(suffixes))

    def size(self, name: str) -> int:
        """Bytes of the file."""
        return self._stat(name)[0]

    def stamp(self, name: str) -> str:
        """Changes when the file does: its size with its checksum (zip) or its time (folder)."""
        return "{}-{}".format(*self._stat(name))

    def checksum(self, name: str) -> int:
        """CRC-32 of the content: the same for a file in a folder and in a zip."""
        return zlib.crc32(self.read(name, limit=LARGEST_FILE))

    def read(self, name: str, *, limit: int = LARGEST_PICTURE) -> bytes:
        """The content of one file.

        Args:
            name: Of the file.
            limit: Most bytes to take.

        Raises:
            DatasetError: There is no such file, it cannot be read or is larger than `limit`, or
                the name leaves the root.
        """
        full = self._full(name)
        status = self._status(full)
        size = status.st_size if status else self._member(full).stat(full)[0]
        if size > limit:
            raise DatasetError(
                f"{self.where(name)}: expected at most {limit} bytes, and found {size}"
            )
        if status is None:
            return self._member(full).read(full)
        try:
            with open(f"{self._folder}/{full}", "rb") as stream:
                content = stream.read(size + 1)
        except OSError as error:
            raise DatasetError(f"{self.where(name)}: cannot be read: {error}") from error
        if len(content) > size:
            raise DatasetError(f"{self.where(name)}: has grown from {size} bytes while it was read")
        return content

    def _stat(self, name: str) -> tuple[int, int]:
        full = self._full(name)
        if status := self._status(full):
            return status.st_size, status.st_mtime_ns
        return self._member(full).stat(full)

    def _member(self, full: str) -> Zip:
        """The zip that holds the file."""
        for members in self._zips:
            if full in members:
                return members
        path = (self._folder or self.root) / full
        raise DatasetError(f"{path}: expected a file, and found none")

    def _status(self, full: str) -> os.stat_result | None:
        """What the disk says of a file in the folder itself; none where it is no file."""
        if self._folder is None:
            return None
        try:
            status = os.stat(f"{self._folder}/{full}")
        except (OSError, ValueError):
            return None
        return status if stat.S_ISREG(status.st_mode) else None

    def _full(self, name: str) -> str:
        return self._below + inside(name, where=str(self))

    def _exists(self, folder: str, name: str) -> bool:
        full = self._full(f"{folder}/{name}" if folder else name)
        if self._folder is not None and os.path.exists(self._folder / full):
            return True
        return any(full in members or full + "/" in members.folders for members in self._zips)

    def _anywhere(self, name: str) -> bool:
        return any(self._exists(f, name) for depth in range(3) for f in self._folders(depth))

    def _folders(self, depth: int) -> list[str]:
        """Relative names of the folders `depth` levels down."""
        if depth == 0:
            return [""]
        found = set()
        for members in self._zips:
            for folder in members.folders:
                relative = folder[len(self._below) : -1]
                if folder.startswith(self._below) and relative.count("/") == depth - 1:
                    found.add(relative)
        if self._folder is not None:
            found.update(filter(_is_inside, _folders_on_disk(self._folder / self._below, depth)))
        return sorted(found)


Root: TypeAlias = str | Path | Files
"""Where a reader finds a data set."""


def open_files(root: Root) -> Files:
    """The files at a folder or zip, or the same `Files`, which is quicker for several readers."""
    return root if isinstance(root, Files) else Files(root)


def _few_folders(root: Path) -> list[str]:
    """The folders in a folder, each with a slash; none where there are too many to look into."""
    found = sorted(f"{entry.name}/" for entry in _entries(root) if _is_folder(entry))
    return found if len(found) <= _FEW else []


def _folders_on_disk(root: Path, depth: int) -> list[str]:
    level = [""]
    for _ in range(depth):
        level = [
            f"{folder}/{entry.name}" if folder else entry.name
            for folder in level
            for entry in _entries(root / folder)
            if _is_folder(entry)
        ]
    return level


def _files_on_disk(root: Path, prefix: str) -> Iterator[str]:
    """Names of the files below a folder, links back to a folder above not followed."""
    waiting: list[tuple[str, tuple[tuple[int, int], ...]]] = [(prefix, ())]
    while waiting:
        prefix, above = waiting.pop()
        entries = _entries(root / prefix)
        if not entries:
            continue
        status = os.stat(root / prefix)
        here = (status.st_dev, status.st_ino)
        for entry in entries if here not in above else ():
            if _is_folder(entry):
                waiting.append((f"{prefix}{entry.name}/", (*above, here)))
            else:
                yield prefix + entry.name


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What lies in a folder, but for junk; nothing where there is no folder."""
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not is_junk(entry.name)]
    except (FileNotFoundError, NotADirectoryError):  # Perhaps it is only in a zip.
        return []
    except OSError as error:
        raise DatasetError(f"{folder}: expected a folder to read: {error}") from error


def _is_inside(name: str) -> bool:
    """Whether `inside` takes a name as it is; not one with a backslash."""
    try:
        return inside(name, where="") == name
    except DatasetError:
        return False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # A link to itself.
        return False
