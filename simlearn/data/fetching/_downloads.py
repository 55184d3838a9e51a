"""One file from the web, under its final name only when it is whole and checked."""

import hashlib
import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from simlearn._files import write_atomically
from simlearn.data.fetching._transfer import Partial, RefusedError
from simlearn.errors import DatasetError, UserError

_RECORD: Final = re.compile(r"([0-9a-f]{64})(?:[ \t].*)?", re.ASCII)


class NotDeliveredError(DatasetError):
    """No address delivered a file.

    Args:
        target: Where it was to go.
        answers: For each address, itself and the reason.
    """

    def __init__(self, target: Path, answers: Sequence[str]) -> None:
        self.summary = f"{target}: no address delivered this file"
        self.answers = tuple(answers)
        super().__init__("; ".join([self.summary, *answers]))


class Known(NamedTuple):
    """The hash that a file must have, and what says so."""

    algorithm: str
    value: str
    source: str

    def __str__(self) -> str:
        name = {"sha256": "SHA-256", "md5": "MD5"}[self.algorithm]
        return f"the {name} {self.value}, {self.source}"


def fetch(
    urls: str | Sequence[str],
    target: str | Path,
    *,
    sha256: str | None = None,
    md5: str | None = None,
    progress: bool = True,
) -> Path:
    """Download a file, unless it is there already and whole.

    What has come is kept beside the file, as `<name>.partial`, and the next call goes on from
    there, if the server says that the file is still the same. Without a published hash, the
    SHA-256 of the first download is kept as `<name>.sha256`, and later downloads must have it. A
    file that is there is never replaced. Use one call at a time for each file.

    Args:
        urls: Its address, `http` or `https`, or several that are tried in turn.
        target: Where it goes; the folder is made when it does not exist.
        sha256: The hash that its publisher, or another source that can be named, states.
        md5: Likewise, where only that is published.
        progress: Whether to say on stderr how far it is: one line that changes on a terminal,
            else a line for each tenth.

    Returns:
        The target.

    Raises:
        DatasetError: No address delivered the file, and the message holds each one's answer; the
            file that is there has another hash; or it cannot be written.
        UserError: There is no address, or one of another kind.
    """
    target = Path(target)
    addresses = (urls,) if isinstance(urls, str) else tuple(urls)
    if not addresses or not all(url.startswith(("http://", "https://")) for url in addresses):
        raise UserError(f"expected addresses of http or https, and received {addresses}")
    known = known_hash(target, sha256=sha256, md5=md5)
    if os.path.lexists(target):
        if problem := mismatch(target, known):
            raise DatasetError(f"{problem}; move the file away to have it downloaded again")
        return target
    partial = Partial(target, progress=progress)
    answers = []
    # Where one address has begun, another could only start anew.
    for url in sorted(addresses, key=lambda url: url != partial.address()):
        try:
            _retrieve(url, partial, known)
        except RefusedError as error:
            answers.append(f"{url}: {error}")
        else:
            if known is None:
                _record(target)
            return target
    raise NotDeliveredError(target, answers)


def known_hash(target: Path, *, sha256: str | None = None, md5: str | None = None) -> Known | None:
    """The hash that a file must have: the published one, else that of the first download.

    Raises:
        DatasetError: The record of the first download is damaged.
    """
    if sha256 is not None:
        return Known("sha256", sha256.lower(), "as published")
    if md5 is not None:
        return Known("md5", md5.lower(), "as published")
    record = _record_of(target)
    try:
        content = record.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DatasetError(f"{record}: cannot be read: {error}") from error
    match = _RECORD.fullmatch(content.decode("utf-8", "replace").rstrip("\r\n"))
    if match is None:
        raise DatasetError(f"{record}: expected a SHA-256, and received {content[:80]!r}")
    return Known("sha256", match[1], f"as at its first download, in {record.name}")


def mismatch(target: Path, known: Known | None) -> str | None:
    """What is wrong with the hash of a file that is there; None where nothing is known of it.

    Raises:
        DatasetError: There is no file, or it cannot be read.
    """
    if not target.is_file():
        raise DatasetError(f"{target}: expected a file, and found something else")
    if known is None:
        return None
    found = _digest(target, known.algorithm)
    if found == known.value:
        return None
    return f"{target}: expected {known}, and found {found}"


def _retrieve(url: str, partial: Partial, known: Known | None) -> None:
    """Download from one address and check, by way of pooch."""
    import pooch  # Only a download needs it, and it is slow to import.

    def download(url: str, output: str | Path, _: object) -> None:
        partial.download(url)
        os.unlink(output)
        # A second name for what has come, which so outlives being interrupted while it is
        # checked; on file systems without such names it does not.
        try:
            os.link(partial.path, output)
        except OSError:
            os.replace(partial.path, output)

    target = partial.target
    try:
        with _quiet(pooch.get_logger()):
            pooch.retrieve(
                url,
                known_hash=known and f"{known.algorithm}:{known.value}",
                fname=target.name,
                path=target.parent,
                downloader=download,
            )
    except DatasetError:
        raise
    except OSError as error:
        raise DatasetError(f"{target}: cannot be written: {error}") from error
    except ValueError:  # A hash that does not match is all that is left.
        partial.discard()
        raise RefusedError(f"expected {known}, and received another file") from None
    partial.discard()


def _record(target: Path) -> None:
    """Keep the hash of a first download, as `sha256sum` writes it."""
    line = f"{_digest(target, 'sha256')}  {target.name}\n"
    try:
        write_atomically(_record_of(target), line.encode())
    except OSError as error:
        raise DatasetError(f"{_record_of(target)}: cannot be written: {error}") from error


def _record_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.sha256")


def _digest(path: Path, algorithm: str) -> str:
    try:
        with open(path, "rb") as stream:
            # MD5 guards against accidents here, which FIPS systems have to be told.
            return hashlib.file_digest(
                stream, lambda: hashlib.new(algorithm, usedforsecurity=False)
            ).hexdigest()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from error


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Without pooch's lines, for which there are our own."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
