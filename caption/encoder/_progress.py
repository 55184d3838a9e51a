"""How far the encoder is."""

import sys
import time
from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the pictures done and their total."""


class Meter:
    """A line on stderr that changes on a terminal; elsewhere a line for each tenth.

    Args:
        doing: What is done, such as `encoding`.
        quiet: Seconds before anything is shown: what is done by then needs no line.
    """

    def __init__(self, doing: str, *, quiet: float = 0.0) -> None:
        self._doing = doing
        self._begin = time.monotonic()
        self._next = self._begin + quiet
        self._tenth = 0
        self._shown = False

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now < self._next and not (self._shown and done == total):
            return
        if sys.stderr.isatty():
            self._next = now + 0.2
            self._write(f"\r{self._text(done, total, now)}\x1b[K" + "\n" * (done == total))
        elif 10 * done // total > self._tenth:
            self._tenth = 10 * done // total
            self._write(self._text(done, total, now) + "\n")

    def _text(self, done: int, total: int, now: float) -> str:
        rate = done / max(now - self._begin, 1e-3)
        left = f", {(total - done) / rate:.0f} s left" if 0 < done < total else ""
        return f"{self._doing}: {done} of {total} pictures, {rate:.0f} a second{left}"

    def _write(self, text: str) -> None:
        self._shown = True
        sys.stderr.write(text)
        sys.stderr.flush()
