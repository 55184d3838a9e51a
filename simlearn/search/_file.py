"""The file of an index: a JSON header, then plain arrays; nothing in it is ever executed.

    8 bytes    magic
    4 bytes    length of the header
    4 bytes    CRC-32 of the length and the header
    header     JSON: {"about": ..., "arrays": [[name, type, shape, CRC-32], ...]}
    arrays     their bytes one after another, little-endian, and nothing behind them

What lengths the header claims is compared with the file's before any memory is taken.
"""

import json
import math
import os
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from simlearn._files import open_atomically
from simlearn.errors import UserError

_MAGIC = b"SIMLIDX1"
_FRONT = struct.Struct("<8sII")
_LONGEST_HEADER = 1 << 20
_BLOCK = 1 << 24
_TYPES = {"<f4", "<i8", "<i4", "<u4", "|u1"}


class _DamagedError(Exception):
    """The file is not what a complete index file is; the message says in what."""


def write_index_file(
    path: Path, about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> None:
    """Write a whole file or none; the arrays are not copied."""
    stored = {name: _little_endian(array) for name, array in arrays.items()}
    table = [
        [name, array.dtype.str, list(array.shape), zlib.crc32(_bytes_of(array))]
        for name, array in stored.items()
    ]
    header = json.dumps({"about": about, "arrays": table}).encode()
    if len(header) > _LONGEST_HEADER:
        raise UserError(f"{path}: expected a short model fingerprint, got {len(header)} bytes")
    check = zlib.crc32(struct.pack("<I", len(header)) + header)
    try:
        with open_atomically(path) as file:
            file.write(_FRONT.pack(_MAGIC, len(header), check))
            file.write(header)
            for array in stored.values():
                file.write(_bytes_of(array))
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error


def read_index_file(
    path: Path, check: Callable[[Mapping[str, Any]], None]
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read what `write_index_file` wrote; each array is read once, into its own memory.

    Args:
        path: of the file.
        check: called with `about` before the arrays are read; raises to refuse the file.

    Raises:
        UserError: the file cannot be read, is no index or is damaged.
    """
    try:
        with path.open("rb") as file:
            header = _header(file)
            check(header["about"])
            return header["about"], {
                name: _array(file, name, *description) for name, *description in header["arrays"]
            }
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except _DamagedError as error:
        raise UserError(f"{path}: expected a complete index file, got {error}") from None


def _header(file: IO[bytes]) -> dict[str, Any]:
    size = os.fstat(file.fileno()).st_size
    front = file.read(_FRONT.size)
    if front[: len(_MAGIC)] != _MAGIC:
        raise _DamagedError(f"one that begins with {front[:8]!r}, not {_MAGIC!r}")
    if len(front) < _FRONT.size:
        raise _DamagedError(f"only {size} bytes")
    _, length, check = _FRONT.unpack(front)
    if length > min(_LONGEST_HEADER, size - _FRONT.size):
        raise _DamagedError(f"a header of {length} bytes in a file of {size}")
    text = file.read(length)
    if zlib.crc32(struct.pack("<I", length) + text) != check:
        raise _DamagedError("a header whose checksum is wrong")
    header = _parsed(text)
    expected = (
        _FRONT.size + length + sum(_size(kind, shape) for _, kind, shape, _ in header["arrays"])
    )
    if size != expected:
        raise _DamagedError(f"{size} bytes where the header tells of {expected}")
    return header


def _parsed(text: bytes) -> dict[str, Any]:
    # A checksum keeps out accidents, not forgers: nothing in the header is taken on trust.
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        raise _DamagedError("a header that is no JSON") from None
    if not (isinstance(header, dict) and set(header) == {"about", "arrays"}):
        raise _DamagedError("a header with other entries")
    if not (isinstance(header["about"], dict) and isinstance(header["arrays"], list)):
        raise _DamagedError("a header with other entries")
    for entry in header["arrays"]:
        if not _is_description(entry):
            raise _DamagedError("an array with an unusable description")
    return header


def _is_description(entry: Any) -> bool:
    if not (isinstance(entry, list) and len(entry) == 4):
        return False
    name, kind, shape, check = entry
    return (
        isinstance(name, str)
        and isinstance(kind, str)
        and kind in _TYPES
        and isinstance(shape, list)
        and 1 <= len(shape) <= 2
        and all(type(length) is int and 0 <= length < 2**40 for length in shape)
        and type(check) is int
    )


def _size(kind: str, shape: list[int]) -> int:
    return math.prod(shape) * np.dtype(kind).itemsize


def _array(file: IO[bytes], name: str, kind: str, shape: list[int], check: int) -> NDArray[Any]:
    array = np.empty(shape, np.dtype(kind))
    view, found = _bytes_of(array), 0
    for start in range(0, len(view), _BLOCK):
        block = view[start : start + _BLOCK]
        if file.readinto(block) != len(block):  # type: ignore[attr-defined]
            raise _DamagedError(f"an end in the midst of its {name}")
        found = zlib.crc32(block, found)
    if found != check:
        raise _DamagedError(f"{name} whose checksum is wrong")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _little_endian(array: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))


def _bytes_of(array: NDArray[Any]) -> memoryview:
    return array.reshape(-1).view(np.uint8).data
