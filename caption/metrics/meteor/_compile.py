"""From METEOR's paraphrase file, millions of lines of text, to a compiled table."""

import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from caption.metrics.meteor._hashing import BLOCK, Int64s, PieceHash, UInt64s
from caption.metrics.meteor._table import write_table
from simlearn.errors import UserError

_NEWLINE: Final = 10
_SEEDS: Final = range(4)
_MERGE_AT: Final = 1 << 21

Progress = Callable[[float], None]


class _ClashError(Exception):
    """Two phrases share a key under this seed."""


def compile_table(source: Path, path: Path, fingerprint: str, progress: Progress) -> None:
    """Compile a paraphrase file (gzip; three lines an entry: probability, phrase, paraphrase).

    Memory is bounded by some 40 bytes an entry, never the text.

    Args:
        source: METEOR's file, such as `paraphrase-en.gz`.
        path: Where the compiled table goes.
        fingerprint: Of the source, kept in the header.
        progress: Called with the share that is done, from 0 to 1.

    Raises:
        UserError: The source cannot be read or is not such a file.
    """
    for seed in _SEEDS:
        try:
            about, arrays = _compiled(source, seed, progress)
        except _ClashError:
            continue
        write_table(path, {**about, "source": fingerprint}, arrays)
        progress(1.0)
        return
    raise UserError(f"{source}: expected phrases of distinct keys, got clashes under every seed")


def _compiled(source: Path, seed: int, progress: Progress) -> tuple[dict[str, Any], dict[str, Any]]:
    hash_pieces = PieceHash(seed)
    phrases = _Phrases()
    sources: list[UInt64s] = []
    targets: list[UInt64s] = []
    longest = 1
    for block, starts, ends in _blocks(source, progress):
        sums = hash_pieces.sums(block)
        keys, checks = (hash_pieces.key(sums, which, starts, ends) for which in (0, 1))
        phrases.add(keys, checks)
        sources.append(keys[0::2])
        targets.append(keys[1::2])
        longest = max(longest, _most_words(block, starts, ends))
    keys, checks = phrases.merged()
    source_numbers = _numbers(sources, keys)
    target_numbers = _numbers(targets, keys)
    # Stable: METEOR tries a phrase's paraphrases in the order of the file.
    order = np.argsort(source_numbers, kind="stable")
    counts = np.bincount(source_numbers, minlength=len(keys))
    arrays = {
        "keys": keys,
        "checks": checks,
        "offsets": np.concatenate(([0], np.cumsum(counts))),
        "targets": target_numbers[order],
    }
    return {"seed": seed, "longest": longest}, arrays


def _numbers(parts: list[UInt64s], keys: UInt64s) -> NDArray[np.uint32]:
    """Return each key's place among all keys; empties `parts` as it goes."""
    numbers = np.empty(sum(map(len, parts)), np.uint32)
    end = len(numbers)
    while parts:
        part = parts.pop()
        numbers[end - len(part) : end] = np.searchsorted(keys, part)
        end -= len(part)
    return numbers


class _Phrases:
    """Distinct phrases, met block by block."""

    def __init__(self) -> None:
        self._parts: list[tuple[UInt64s, UInt64s]] = []
        self._waiting = 0

    def add(self, keys: UInt64s, checks: UInt64s) -> None:
        part = _distinct(keys, checks)
        self._parts.append(part)
        self._waiting += len(part[0])
        if self._waiting > _MERGE_AT:
            self._parts = [self.merged()]
            self._waiting = 0

    def merged(self) -> tuple[UInt64s, UInt64s]:
        if not self._parts:
            return np.zeros(0, np.uint64), np.zeros(0, np.uint64)
        return _distinct(
            np.concatenate([keys for keys, _ in self._parts]),
            np.concatenate([checks for _, checks in self._parts]),
        )


def _distinct(keys: UInt64s, checks: UInt64s) -> tuple[UInt64s, UInt64s]:
    order = np.argsort(keys)
    keys, checks = keys[order], checks[order]
    same = keys[1:] == keys[:-1]
    if (checks[1:][same] != checks[:-1][same]).any():
        raise _ClashError
    first = np.concatenate(([True], ~same))[: len(keys)]
    return keys[first], checks[first]


def _blocks(source: Path, progress: Progress) -> Iterator[tuple[bytes, Int64s, Int64s]]:
    """Yield whole entries' text and where the phrases lie, phrase and paraphrase in turn."""
    done = 0
    for block in _texts(source, progress):
        ends = np.flatnonzero(np.frombuffer(block, np.uint8) == _NEWLINE)
        starts = np.concatenate(([0], ends[:-1] + 1))
        probability = np.frombuffer(block, np.uint8)[starts[0::3]]
        wrong = (probability < ord("0")) | (probability > ord("9"))
        if len(ends) % 3 or wrong.any():
            line = done + (3 * int(np.argmax(wrong)) if wrong.any() else len(ends) // 3 * 3) + 1
            raise UserError(
                f"{source}: line {line}: expected a probability, a phrase and a paraphrase, "
                "a line each, got something else"
            )
        done += len(ends)
        kept = np.arange(len(ends)) % 3 != 0
        yield block, starts[kept], ends[kept]


def _texts(source: Path, progress: Progress) -> Iterator[bytes]:
    """Yield the text in pieces that end with an entry."""
    size = max(source.stat().st_size, 1)
    rest = b""
    try:
        with source.open("rb") as raw, gzip.open(raw) as file:
            while piece := file.read(BLOCK):
                progress(min(raw.tell() / size, 0.99))
                text = rest + piece
                cut = _last_entry(text)
                rest = text[cut:]
                if len(rest) > BLOCK:
                    raise UserError(f"{source}: expected short lines, got one of {len(rest)} bytes")
                if cut:
                    yield text[:cut]
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{source}: expected a whole gzip file to read: {error}") from error
    if rest:
        yield rest if rest.endswith(b"\n") else rest + b"\n"


def _last_entry(text: bytes) -> int:
    """Where the last whole entry ends."""
    ends = np.flatnonzero(np.frombuffer(text, np.uint8) == _NEWLINE)
    whole = len(ends) // 3 * 3
    return int(ends[whole - 1]) + 1 if whole else 0


def _most_words(block: bytes, starts: Int64s, ends: Int64s) -> int:
    spaces = np.concatenate(([0], np.cumsum(np.frombuffer(block, np.uint8) == ord(" "))))
    return int((spaces[ends] - spaces[starts]).max(initial=0)) + 1


def show_progress(file: IO[str] | None = None) -> Progress:
    """Return a progress that writes whole per cents to stderr, on one line of a terminal."""
    shown = -1

    def progress(share: float) -> None:
        nonlocal shown
        stream = sys.stderr if file is None else file
        percent = int(100 * share)
        if percent == shown or (not stream.isatty() and percent % 25 and percent != 100):
            return
        shown = percent
        end = "\r" if stream.isatty() and percent < 100 else "\n"
        stream.write(f"METEOR: compiling the paraphrase table, once: {percent:3d} %{end}")
        stream.flush()

    return progress
