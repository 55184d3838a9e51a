"""Zips and tars, unpacked whole or not at all, and never beyond the folder.

A tar is read with a bound on each piece, because its own headers say how much memory they need;
what an archive says of its sizes is not believed, but counted while it is written.
"""

import bz2
import gzip
import hashlib
import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from simlearn.data._zips import inside, is_junk
from simlearn.errors import DatasetError

_CHUNK: Final = 2**18
_LARGEST_PIECE: Final = 2**20
_BLOCK: Final = 512
_MARK: Final = ".extracted"
_OPENERS: Final[dict[bytes, Callable[[IO[bytes]], Any]]] = {
    b"\x1f\x8b": lambda stream: gzip.GzipFile(fileobj=stream),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}
# What the unpackers raise where an archive is damaged, encrypted or packed in a strange way.
_BROKEN: Final = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
)


class _Member(NamedTuple):
    """A file to write, or a folder, which has no content."""

    name: str
    content: IO[bytes] | None


def extract(archive: str | Path, folder: str | Path, *, limit: int, members: int = 10**6) -> Path:
    """Unpack a zip or a tar (plain, gz, bz2 or xz) into a new folder.

    Where all of it lies in one folder, as in most, that folder's content goes into `folder`. Links
    and devices are refused, and permissions not taken over. A file `.extracted` says what the
    folder was unpacked from; where it names the same archive already, nothing is done.

    Args:
        archive: Its content, not its name, tells the kind.
        folder: Where to; it must not exist, unless it was unpacked from the same archive or is
            empty.
        limit: Most bytes to write.
        members: Most files and folders to take.

    Returns:
        The folder.

    Raises:
        DatasetError: The archive is missing, damaged or too large, or has a member that is no
            plain file or folder, occurs twice or would leave the folder; or the folder holds
            something else, or cannot be written. What was there is as it was then.

    Examples:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> with zipfile.ZipFile(root / "pets.zip", "w") as out:
        ...     out.writestr("pets/cat/1.txt", "a cat")
        >>> folder = extract(root / "pets.zip", root / "unpacked", limit=100)
        >>> (folder / "cat" / "1.txt").read_text()
        'a cat'
    """
    archive, folder = Path(archive), Path(folder)
    try:
        mark = f"{_sha256(archive)}  {archive.name}\n".encode()
        if os.path.lexists(folder) and not (folder.is_dir() and not os.listdir(folder)):
            if (folder / _MARK).is_file() and (folder / _MARK).read_bytes() == mark:
                return folder
            raise DatasetError(
                f"{folder}: expected no such folder, or one unpacked from {archive}, "
                "and found another"
            )
        # One name, not a random one: what a kill leaves behind, the next call takes over.
        temporary = folder.with_name(f".{folder.name}.partial")
        folder.parent.mkdir(parents=True, exist_ok=True)
        if temporary.exists():
            shutil.rmtree(temporary)
        temporary.mkdir()
        try:
            _write_all(archive, temporary, limit, members)
            top = _top(temporary)
            (top / _MARK).write_bytes(mark)
            if folder.is_dir():  # Windows renames onto no folder, not even an empty one.
                folder.rmdir()
            os.rename(top, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except DatasetError:
        raise
    except OSError as error:
        raise DatasetError(f"{archive}: cannot be unpacked into {folder}: {error}") from error
    return folder


def _write_all(archive: Path, folder: Path, limit: int, members: int) -> None:
    """Write every member below a folder that is empty."""
    left = limit
    for name, content in _members(archive, limit, members):
        path = folder / name
        if content is None:
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(path):
            raise DatasetError(f"{archive}: expected each member once, and found {name} again")
        with open(path, "xb") as stream:
            for chunk in _chunks(content, archive):
                left -= len(chunk)
                if left < 0:
                    raise DatasetError(
                        f"{archive}: expected at most {limit} bytes in it, and found more"
                    )
                stream.write(chunk)


def _chunks(content: IO[bytes], archive: Path) -> Iterator[bytes]:
    while True:
        with _reading(archive):
            chunk = content.read(_CHUNK)
        if not chunk:
            return
        yield chunk


def _members(archive: Path, limit: int, members: int) -> Iterator[_Member]:
    """Every file and folder, each file open until the next is asked for."""
    with _reading(archive):
        with open(archive, "rb") as stream:
            is_zip = stream.read(2) == b"PK"
        found = 0
        for member in _zip_members(archive) if is_zip else _tar_members(archive, limit, members):
            found += 1
            if found > members:
                raise DatasetError(
                    f"{archive}: expected at most {members} files and folders, and found more"
                )
            name = _name(member.name, archive)
            if name is not None:
                yield _Member(name, member.content)
        if not found:
            raise DatasetError(f"{archive}: expected files in it, and found none")


def _zip_members(archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as whole:
        infos = whole.infolist()
        # zipfile takes the last zip in a file, which in one that is cut off may be an inner one.
        if infos and min(info.header_offset for info in infos) > 4:
            raise DatasetError(f"{archive}: expected a whole zip, and found part of one")
        for info in infos:
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _not_plain(archive, info.filename)
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                # The others unpack in one go, whatever the size.
                raise NotImplementedError(f"{info.filename} is neither stored nor deflated")
            if kind == stat.S_IFDIR or info.filename.endswith(("/", "\\")):
                yield _Member(info.filename, None)
            else:
                with whole.open(info) as content:
                    yield _Member(info.filename, content)


def _tar_members(archive: Path, limit: int, members: int) -> Iterator[_Member]:
    with open(archive, "rb") as packed:
        start = packed.read(6)
        packed.seek(0)
        kinds = [kind for magic, kind in _OPENERS.items() if start.startswith(magic)]
        unpacked = kinds[0](packed) if kinds else packed
        # Each member has a header, perhaps one more for a long name, and is rounded up.
        stream: Any = _Bounded(unpacked, archive, most=limit + 8 * _BLOCK * members + 2**20)
        whole: Any = tarfile.TarFile(fileobj=stream)
        while (info := whole.next()) is not None:
            whole.members = []  # Else it would keep them all.
            if info.isdir():
                yield _Member(info.name, None)
            elif info.isreg() and not info.issparse():
                yield _Member(info.name, whole.extractfile(info))
            else:
                raise _not_plain(archive, info.name)
        # tarfile takes a header that is damaged, or missing, for the end.
        stream.seek(whole.offset)
        if stream.read(_BLOCK) != bytes(_BLOCK):
            raise tarfile.ReadError("a header is damaged, or the end is missing")
        while stream.read(_CHUNK):  # The checksum of a gzip file comes last.
            pass


class _Bounded:
    """A stream that refuses to be read far, or much at a time."""

    def __init__(self, stream: IO[bytes], archive: Path, *, most: int) -> None:
        self._stream, self._archive, self._most = stream, archive, most

    def read(self, size: int) -> bytes:
        if not 0 <= size <= _LARGEST_PIECE:
            raise tarfile.ReadError(f"a header of {size} bytes")
        content = self._stream.read(size)
        self._check(self._stream.tell())
        return content

    def seek(self, place: int) -> int:
        self._check(place)
        return self._stream.seek(place)

    def tell(self) -> int:
        return self._stream.tell()

    def _check(self, place: int) -> None:
        if place > self._most:
            raise DatasetError(
                f"{self._archive}: expected at most {self._most} bytes once unpacked, "
                "and found more"
            )


def _name(raw: str, archive: Path) -> str | None:
    """Where a member goes; None for the folder itself and what macOS and Windows leave behind."""
    plain = raw.replace("\\", "/").rstrip("/")
    while plain.startswith("./"):
        plain = plain[2:]
    if plain in ("", ".") or any(map(is_junk, plain.split("/"))):
        return None
    return inside(plain, where=str(archive))


def _top(folder: Path) -> Path:
    """The folder that everything lies in, or else the folder itself."""
    paths = list(folder.iterdir())
    return paths[0] if len(paths) == 1 and paths[0].is_dir() else folder


def _not_plain(archive: Path, name: str) -> DatasetError:
    return DatasetError(
        f"{archive}: expected files and folders alone, and found a link or device, {name!r}"
    )


@contextmanager
def _reading(archive: Path) -> Iterator[None]:
    """What goes wrong inside is the archive's fault."""
    try:
        yield
    except DatasetError:
        raise
    except (OSError, *_BROKEN) as error:
        reason = str(error) or type(error).__name__
        raise DatasetError(f"{archive}: expected a whole zip or tar: {reason}") from error


def _sha256(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
