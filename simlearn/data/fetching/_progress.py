"""How far a download is."""

import sys
import time


class Meter:
    """A line on stderr that changes on a terminal; elsewhere a line for each tenth.

    Args:
        name: Of the file.
        begin: Bytes that are there already.
        total: Bytes of the whole file, if the server says so.
    """

    def __init__(self, name: str, begin: int, total: int | None) -> None:
        self._name, self._come, self._total = name, begin, total
        self._changes = sys.stderr.isatty()
        self._tenth = self._tenths()
        self._shown = -1.0

    def add(self, count: int) -> None:
        self._come += count
        now = time.monotonic()
        if self._changes and now - self._shown > 0.2:
            self._shown = now
            self._write(f"\r{self._text()}\x1b[K")
        elif not self._changes and self._tenths() > self._tenth:
            self._tenth = self._tenths()
            self._write(f"{self._text()}\n")

    def close(self) -> None:
        if self._changes or self._total is None:
            self._write(f"{chr(13) if self._changes else ''}{self._text()}\n")

    def _tenths(self) -> int:
        return 10 * self._come // self._total if self._total else 0

    def _text(self) -> str:
        if not self._total:
            return f"{self._name}: {self._come / 1e6:.1f} MB"
        share = 100 * self._come // self._total
        return f"{self._name}: {self._come / 1e6:.1f} of {self._total / 1e6:.1f} MB, {share} %"

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
