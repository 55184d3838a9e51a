"""The bytes of one file over HTTP, going on where an earlier try broke off.

A server tells by `ETag` or `Last-Modified` whether a file has changed. Sent back as `If-Range`, it
makes the server answer with the rest (206) or, where the file is another one by now, with all of it
(200). So the halves of two files are never put together.
"""

import http.client
import json
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from email.message import Message
from pathlib import Path
from typing import Any, Final

from simlearn._files import write_atomically
from simlearn.data.fetching._progress import Meter
from simlearn.errors import DatasetError

_CHUNK: Final = 2**16
_SECONDS: Final = 60.0  # Without a byte, until a connection counts as lost.
_TRIES: Final = 5
_LONGEST_REASON: Final = 120
_RANGE: Final = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})", re.ASCII)
_HTML: Final = re.compile(rb"\s*(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)\b", re.I | re.S)
_STARTS: Final = {
    ".zip": (b"PK", "a zip"),
    ".gz": (b"\x1f\x8b", "a gzip file"),
    ".tgz": (b"\x1f\x8b", "a gzip file"),
    ".bz2": (b"BZh", "a bzip2 file"),
    ".xz": (b"\xfd7zXZ", "an xz file"),
}


class RefusedError(Exception):
    """An address did not deliver the file; another one may."""


class _LostError(Exception):
    """The connection broke off; what has come can be gone on with."""


class _ChangedError(Exception):
    """What has come is of no use, for the server has another file now; begin anew."""


class Partial:
    """What has come of a file, and the note that says where it came from.

    Args:
        target: The final name of the file. `<name>.partial` beside it grows, `<name>.partial.json`
            is the note.
        progress: Whether to say on stderr how far it is.
    """

    def __init__(self, target: Path, *, progress: bool) -> None:
        self.target = target
        self.path = target.with_name(f"{target.name}.partial")
        self._note = target.with_name(f"{target.name}.partial.json")
        self._progress = progress

    def address(self) -> str | None:
        """Where what is there came from."""
        url = self._noted().get("url")
        return url if isinstance(url, str) else None

    def discard(self) -> None:
        """Remove what has come."""
        for path in (self.path, self._note):
            with suppress(FileNotFoundError):
                path.unlink()

    def download(self, url: str) -> None:
        """Go on, or begin, until all of the file is there.

        Raises:
            RefusedError: The address does not deliver the file.
            DatasetError: It cannot be written.
        """
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            for _ in range(_TRIES):
                before = self._come(url)
                try:
                    return self._transfer(url)
                except _ChangedError as error:
                    self.discard()
                    answer = str(error)
                except _LostError as error:
                    answer = self._broken_off(url, error)
                    if self._come(url) <= before:  # Else a server could be asked forever.
                        break
                except RefusedError:
                    if self.path.exists() and not self.path.stat().st_size:
                        self.discard()
                    raise
        except OSError as error:
            raise DatasetError(f"{self.path}: cannot be written: {error}") from error
        raise RefusedError(answer)

    def _transfer(self, url: str) -> None:
        """Ask once for what is missing, and write what comes."""
        begin, note = self._come(url), self._noted()
        if begin and begin == note.get("total"):
            return
        headers = {"Accept-Encoding": "identity", "User-Agent": "simlearn"}
        if begin:
            headers |= {"Range": f"bytes={begin}-", "If-Range": note["validator"]}
        with self._opened(url, headers) as response:
            total: int | None
            if response.status == 206:
                total = _total_of_range(response.headers, begin, note)
            else:
                begin, total = 0, _length(response.headers)
            self._check(response.headers, begin, total)
            if not begin:
                self.path.write_bytes(b"")
                self._write_note(url, response.headers, total)
            meter = Meter(self.target.name, begin, total) if self._progress else None
            with open(self.path, "ab") as stream:
                for chunk in self._chunks(response, begin):
                    stream.write(chunk)
                    if meter:
                        meter.add(len(chunk))
            if meter:
                meter.close()
        come = self.path.stat().st_size
        if total is not None and come != total:
            raise _LostError(f"{total - come} bytes are missing")
        if not come:
            raise RefusedError("expected a file, and received nothing")

    def _opened(self, url: str, headers: dict[str, str]) -> Any:
        try:
            request = urllib.request.Request(url, headers=headers)
            return urllib.request.urlopen(request, timeout=_SECONDS)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416:  # There is more of it here than there.
                raise _ChangedError("the file is shorter now") from None
            raise RefusedError(f"{error.code} {error.reason}") from None
        except urllib.error.URLError as error:
            raise RefusedError(_reason(error.reason)) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise RefusedError(_reason(error)) from None

    def _check(self, headers: Message, begin: int, total: int | None) -> None:
        """Refuse a page instead of a file, and a file that the disk cannot hold."""
        if headers.get_content_type() == "text/html" and self.target.suffix != ".html":
            raise RefusedError("expected a file, and received a page of HTML")
        packed = headers.get("Content-Encoding", "identity")
        if packed != "identity" and self.target.suffix not in (".gz", ".tgz"):
            raise RefusedError(f"expected the file as it is, and received it packed as {packed}")
        free = shutil.disk_usage(self.target.parent).free
        if total is not None and total - begin > free:
            raise DatasetError(
                f"{self.target}: expected room for {total - begin} bytes, and found {free} free"
            )

    def _chunks(self, response: Any, begin: int) -> Iterator[bytes]:
        """What comes, piece by piece."""
        while True:
            try:
                chunk = response.read(_CHUNK)
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise _LostError(_reason(error)) from None
            if not chunk:
                return
            if begin == 0:
                self._check_start(chunk)
            begin += len(chunk)
            yield chunk

    def _check_start(self, start: bytes) -> None:
        suffix = self.target.suffix.lower()
        magic, kind = _STARTS.get(suffix, (b"", f"a {suffix or 'plain'} file"))
        if suffix != ".html" and _HTML.match(start[:1024]):
            raise RefusedError(f"expected {kind}, and received a page of HTML")
        if not start.startswith(magic):
            raise RefusedError(f"expected {kind}, and received one that starts with {start[:8]!r}")

    def _come(self, url: str) -> int:
        """Bytes that are there of the file at an address and can be gone on with."""
        note = self._noted()
        if note.get("url") != url or not isinstance(note.get("validator"), str):
            return 0
        try:
            come = self.path.stat().st_size
        except FileNotFoundError:
            return 0
        total = note.get("total")
        return come if total is None or (isinstance(total, int) and come <= total) else 0

    def _noted(self) -> dict[str, Any]:
        try:
            note = json.loads(self._note.read_bytes())
        except (OSError, ValueError, RecursionError):  # None, or damaged: begin anew.
            return {}
        return note if isinstance(note, dict) else {}

    def _write_note(self, url: str, headers: Message, total: int | None) -> None:
        note = {"url": url, "validator": _validator(headers), "total": total}
        write_atomically(self._note, json.dumps(note).encode())

    def _broken_off(self, url: str, error: Exception) -> str:
        come, total = self._come(url), self._noted().get("total")
        if not come:
            return f"the connection broke off: {error}"
        return (
            f"the connection broke off after {come} of {total or 'unknown'} bytes: {error}; they "
            f"are kept in {self.path.name}, and another call goes on from there"
        )


def _reason(error: str | BaseException) -> str:
    """What went wrong in a few words, such as `Connection refused`, without a number."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    text = " ".join(str(text).split())
    return text if len(text) <= _LONGEST_REASON else f"{text[: _LONGEST_REASON - 3]}..."


def _validator(headers: Message) -> str | None:
    """What tells one state of the file from another; a weak tag says too little."""
    tag = headers.get("ETag")
    if tag and not tag.startswith("W/"):
        return str(tag)
    modified = headers.get("Last-Modified")
    return str(modified) if modified else None


def _total_of_range(headers: Message, begin: int, note: dict[str, Any]) -> int:
    """Bytes of the whole file, where the answer is all that is missing of what has come."""
    match = _RANGE.fullmatch(headers.get("Content-Range", ""))
    first, last, total = map(int, match.groups()) if match else (-1, -1, -1)
    same = _validator(headers) in (None, note.get("validator"))
    if (first, last + 1) != (begin, total) or not same or note.get("total") not in (None, total):
        raise _ChangedError("the server went on with another part or file")
    return total


def _length(headers: Message) -> int | None:
    text = headers.get("Content-Length", "")
    return int(text) if re.fullmatch("[0-9]{1,18}", text, re.ASCII) else None
