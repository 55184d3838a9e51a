"""A data set's files as they were downloaded: a folder, a zip, or a folder with zips in it.

A zip is read in place, as though it had been unpacked into the folder where it lies. Nothing is
written, no name leaves the root, and nothing larger than a stated bound is brought into memory.
"""

import contextlib
import io
import os
import threading
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final, TypeAlias

from simlearn.errors import DatasetError

LARGEST_ANNOTATION: Final = 2**30
"""Bytes of the largest file of text that a reader takes, 1 GiB."""

LARGEST_PICTURE: Final = 2**28
"""Bytes of the largest picture file that a reader takes, 256 MiB."""

_LARGEST_INNER_ZIP: Final = 2**28
_JUNK = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")
# What zipfile and zlib raise where an archive is damaged, encrypted or packed in a strange way.
_BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    UnicodeError,
    ValueError,
)


class Files:
    """The files below a folder, those in its zips included; or the files in one zip.

    Names are relative, with slashes: `AFLW/0001.jpg`. Where a zip and the folder hold the same
    name, the folder's counts. What macOS and Windows leave behind (`__MACOSX`, `.DS_Store`) is not
    there. Zips inside a zip are opened too, one level deep and up to 256 MiB.

    Args:
        root: A folder or a zip.

    Raises:
        DatasetError: There is no such folder or zip, or a zip is damaged.

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
        self._zips: list[_Zip] = []
        self._below = ""
        try:
            if self.root.is_dir():
                self._folder = self.root
                found = sorted(p for p in self.root.iterdir() if p.suffix.lower() == ".zip")
                self._zips = [z for path in found if path.is_file() for z in _opened(path)]
            elif self.root.is_file():
                self._zips = _opened(self.root)
            else:
                raise DatasetError(f"{self.root}: expected a folder or a zip, and found neither")
        except OSError as error:
            raise DatasetError(f"{self.root}: expected a folder or zip to read: {error}") from error

    def __contains__(self, name: str) -> bool:
        try:
            full = self._full(name)
        except DatasetError:
            return False
        on_disk = self._folder is not None and os.path.isfile(self._folder / full)
        return on_disk or any(full in members for members in self._zips)

    def __str__(self) -> str:
        return str(self.root / self._below) if self._below else str(self.root)

    def where(self, name: str) -> str:
        """How to call the file in a message: the path on disk, or the zip's and the name in it."""
        full = self._full(name)
        for members in self._zips:
            if full in members and not (self._folder and (self._folder / full).exists()):
                return f"{members.path}/{full}"
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
        """
        found = set(self._walk())
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
        return zlib.crc32(self.read(name, limit=LARGEST_ANNOTATION))

    def read(self, name: str, *, limit: int = LARGEST_PICTURE) -> bytes:
        """The content of one file.

        Args:
            name: Of the file.
            limit: Most bytes to take.

        Raises:
            DatasetError: There is no such file, it cannot be read or is larger than `limit`, or
                the name leaves the root.
        """
        size = self.size(name)
        if size > limit:
            raise DatasetError(
                f"{self.where(name)}: expected at most {limit} bytes, and found {size}"
            )
        try:
            with self._open(name) as stream:
                content = stream.read(limit + 1)
        except (OSError, *_BROKEN_ZIP) as error:
            raise DatasetError(f"{self.where(name)}: cannot be read: {error}") from error
        if len(content) > limit:
            raise DatasetError(f"{self.where(name)}: expected at most {limit} bytes, found more")
        return content

    def _open(self, name: str) -> io.BufferedIOBase:
        full = self._full(name)
        if self._folder is not None and os.path.isfile(self._folder / full):
            return open(self._folder / full, "rb")
        for members in self._zips:
            if full in members:
                return members.open(full)
        raise DatasetError(f"{self.where(name)}: expected a file, and found none")

    def _stat(self, name: str) -> tuple[int, int]:
        full = self._full(name)
        if self._folder is not None:
            try:
                status = os.stat(self._folder / full)
                return status.st_size, status.st_mtime_ns
            except (OSError, ValueError):
                pass
        for members in self._zips:
            if full in members:
                return members.stat(full)
        raise DatasetError(f"{self.where(name)}: expected a file, and found none")

    def _full(self, name: str) -> str:
        return self._below + inside(name, where=str(self))

    def _exists(self, folder: str, name: str) -> bool:
        full = self._full(f"{folder}/{name}" if folder else name)
        if self._folder is not None and (self._folder / full).exists():
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
                if folder.startswith(self._below) and relative.count("/") == depth - 1 and relative:
                    found.add(relative)
        if self._folder is not None:
            found.update(_folders_on_disk(self._folder / self._below, depth))
        return sorted(found)

    def _walk(self) -> Iterator[str]:
        if self._folder is None:
            return
        seen = set()  # A folder that links back to one above it would be walked for ever.
        for folder, subfolders, files in os.walk(self._folder / self._below, followlinks=True):
            status = os.stat(folder)
            if (status.st_dev, status.st_ino) in seen:
                subfolders.clear()
                continue
            seen.add((status.st_dev, status.st_ino))
            subfolders[:] = sorted(s for s in subfolders if not _is_junk(s))
            prefix = os.path.relpath(folder, self._folder).replace(os.sep, "/")
            for file in files:
                if not _is_junk(file):
                    yield file if prefix == "." else f"{prefix}/{file}"


Root: TypeAlias = str | Path | Files
"""Where a reader finds a data set."""


def open_files(root: Root) -> Files:
    """The files at a folder or zip, or the same `Files`, which is quicker for several readers."""
    return root if isinstance(root, Files) else Files(root)


class _Zip:
    """The members of one zip, by name."""

    def __init__(self, path: Path | str, source: Path | io.BytesIO) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            self._archive = zipfile.ZipFile(source)
        except (OSError, *_BROKEN_ZIP) as error:
            raise DatasetError(f"{path}: expected a whole zip: {error}") from error
        self._infos = {}
        for info in self._archive.infolist():
            name = info.filename.replace("\\", "/").removeprefix("./")
            if not info.is_dir() and not any(map(_is_junk, name.split("/"))):
                with contextlib.suppress(DatasetError):  # What leaves the root is not there.
                    self._infos[inside(name, where=str(path))] = info
        self.names = self._infos.keys()
        self.folders = {
            f"{parent}/" for name in self._infos for parent in PurePosixPath(name).parents[:-1]
        }

    def __contains__(self, name: str) -> bool:
        return name in self._infos

    def stat(self, name: str) -> tuple[int, int]:
        return self._infos[name].file_size, self._infos[name].CRC

    def open(self, name: str) -> io.BufferedIOBase:
        with self._lock:
            return self._archive.open(self._infos[name])  # type: ignore[return-value]

    def inner(self) -> "list[_Zip]":
        """The zips in this zip."""
        found = []
        for name, info in self._infos.items():
            if name.lower().endswith(".zip") and info.file_size <= _LARGEST_INNER_ZIP:
                try:
                    content = self._archive.read(info)
                except (OSError, *_BROKEN_ZIP) as error:
                    raise DatasetError(f"{self.path}/{name}: cannot be read: {error}") from error
                found.append(_Zip(f"{self.path}/{name}", io.BytesIO(content)))
        return found


def inside(name: str, *, where: str) -> str:
    r"""A relative name with slashes, refused where it would leave the root.

    Args:
        name: With slashes, or backslashes as some Windows-made lists have them.
        where: What the name was read from, for the message; with its line if it has one.

    Returns:
        The name with slashes.

    Raises:
        DatasetError: The name is empty or absolute, or holds `.`, `..` or an empty part, a drive
            or a NUL.

    Examples:
        >>> inside("lfw_5590\\Aaron_Eckhart_0001.jpg", where="training.txt")
        'lfw_5590/Aaron_Eckhart_0001.jpg'
    """
    plain = name.replace("\\", "/")
    drive = len(plain) > 1 and plain[1] == ":" and plain[0].isalpha()
    if drive or "\0" in plain or any(part in ("", ".", "..") for part in plain.split("/")):
        raise DatasetError(f"{where}: expected a path inside the data set, and received {name!r}")
    return plain


def _opened(path: Path) -> list[_Zip]:
    outer = _Zip(path, path)
    return [outer, *outer.inner()]


def _folders_on_disk(root: Path, depth: int) -> list[str]:
    level = [""]
    for _ in range(depth):
        level = [
            f"{folder}/{entry.name}" if folder else entry.name
            for folder in level
            for entry in _scanned(root / folder)
        ]
    return level


def _scanned(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if entry.is_dir() and not _is_junk(entry.name)]
    except OSError:
        return []


def _is_junk(name: str) -> bool:
    return name in _JUNK or name.startswith("._")
