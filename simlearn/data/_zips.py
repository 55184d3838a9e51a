"""Zips, read in place: one member at a time, each within a bound, from several threads."""

import contextlib
import io
import os
import threading
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Any, Final

from simlearn.errors import DatasetError

_LARGEST_INNER_ZIP: Final = 2**28
_LARGEST_INNER_ZIPS: Final = 2**30
# Further methods unpack in one go, whatever the size, so a small file could fill the memory.
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_JUNK = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")
# What zipfile and zlib raise where an archive is damaged, encrypted or packed in a strange way.
_BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OverflowError,
    RuntimeError,
    ValueError,
)


class _Forked:
    """A lock that no thread of the parent holds in a forked process."""

    def __init__(self) -> None:
        self.renew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.renew)

    def renew(self) -> None:
        self.lock = threading.Lock()


_FORKED: Final = _Forked()


class Zip:
    """The members of one zip, by name, as though it had been unpacked where it lies.

    Args:
        path: What to call it in messages.
        source: Where its bytes are.
        folder: What stands before the names, empty or ending in a slash.
    """

    def __init__(self, path: Path | str, source: Path | io.BytesIO, folder: str = "") -> None:
        self.path = path
        self._source = source
        self._folder = folder
        self._lock = threading.Lock()
        self._process = os.getpid()
        try:
            self._archive = zipfile.ZipFile(source)
        except (OSError, *_BROKEN_ZIP) as error:
            raise DatasetError(f"{path}: expected a whole zip: {error}") from error
        members = self._archive.infolist()
        # zipfile takes the last zip in a file, which in a larger one that is cut off is an inner
        # zip. (Those in several volumes begin with a mark of 4 bytes.)
        if members and min(member.header_offset for member in members) > 4:
            raise DatasetError(f"{path}: expected a whole zip, and found part of one")
        self._infos = {}
        for info in members:
            name = info.filename.replace("\\", "/").removeprefix("./")
            if not any(map(is_junk, name.split("/"))):
                with contextlib.suppress(DatasetError):  # A folder, or what leaves the root.
                    self._infos[folder + inside(name, where=str(path))] = info
        self.names = self._infos.keys()
        self.folders = {
            f"{parent}/" for name in self._infos for parent in PurePosixPath(name).parents[:-1]
        }

    def __contains__(self, name: str) -> bool:
        return name in self._infos

    def __reduce__(self) -> tuple[Any, ...]:
        # An open file and a lock stay in their process.
        return Zip, (self.path, self._source, self._folder)

    def where(self, name: str) -> str:
        """How to call a member in a message."""
        return f"{self.path}/{name.removeprefix(self._folder)}"

    def stat(self, name: str) -> tuple[int, int]:
        return self._infos[name].file_size, self._infos[name].CRC

    def read(self, name: str) -> bytes:
        """The content, for which no more memory is taken than the zip's directory says."""
        try:
            return self._content(self._infos[name])
        except (OSError, *_BROKEN_ZIP) as error:
            raise DatasetError(f"{self.where(name)}: cannot be read: {error}") from error

    def _content(self, info: zipfile.ZipInfo) -> bytes:
        if info.compress_type not in _METHODS:
            raise NotImplementedError("expected it stored or deflated; pack the zip anew")
        self._reopen_after_fork()
        with self._lock:
            member = self._archive.open(info)
        try:
            content = member.read(info.file_size + 1)
        finally:
            with self._lock:  # The archive counts its open members, and does so without a lock.
                member.close()
        if len(content) != info.file_size:
            raise EOFError(f"expected {info.file_size} bytes, and found {len(content)}")
        return content

    def _reopen_after_fork(self) -> None:
        """A forked process shares its parent's place in the file: it needs a file of its own."""
        if self._process != os.getpid():
            with _FORKED.lock:
                if self._process != os.getpid():
                    self._archive = zipfile.ZipFile(self._source)
                    self._lock = threading.Lock()
                    self._process = os.getpid()

    def inner(self) -> "list[Zip]":
        """The zips in this zip."""
        found, total = [], 0
        for name, info in self._infos.items():
            if not is_zip(name) or info.file_size > _LARGEST_INNER_ZIP:
                continue
            total += info.file_size
            if total > _LARGEST_INNER_ZIPS:
                raise DatasetError(
                    f"{self.path}: expected zips of at most {_LARGEST_INNER_ZIPS} bytes together "
                    "in it, and found more; unpack it"
                )
            folder = name[: name.rfind("/") + 1]
            found.append(Zip(self.where(name), io.BytesIO(self.read(name)), folder))
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


def open_zip(path: Path, folder: str = "") -> list[Zip]:
    """A zip, and those in it; `folder` stands before their names."""
    outer = Zip(path, path, folder)
    return [outer, *outer.inner()]


def is_zip(name: str) -> bool:
    return name.lower().endswith(".zip") and not is_junk(name)


def is_junk(name: str) -> bool:
    return name in _JUNK or name.startswith("._")
