"""MATLAB's file format of level 5, as far as it is needed: numbers, and cells of text.

A small reader of its own, because a damaged file can make a general one take any memory and raise
any error.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simlearn.errors import DatasetError

LARGEST: Final = 2**26
"""Bytes of the largest file, and of the largest variable when unpacked, 64 MiB."""

_Order: TypeAlias = Literal["<", ">"]
_ORDERS: Final[dict[bytes, _Order]] = {b"IM": "<", b"MI": ">"}
_MATRIX, _COMPRESSED = 14, 15
_CELL, _CHAR = 1, 4
_NUMERIC: Final = range(6, 16)
_COMPLEX: Final = 0x0800
_INT8, _INT32, _UINT32 = 1, 5, 6
_STORED: Final = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
    16: "u1", 17: "u2", 18: "u4",
}  # fmt: skip


def read_mat(
    content: bytes, where: str, names: tuple[str, ...]
) -> dict[str, list[str] | NDArray[Any]]:
    """Read some variables of a MATLAB file of level 5 (`save -v6` or `-v7`).

    Args:
        content: Of the file.
        where: Its name, for messages.
        names: Of the variables.

    Returns:
        Each variable: an array for numbers, a list for a cell array of text in ASCII.

    Raises:
        DatasetError: The file is damaged, of another version, or lacks a variable; or one is of
            another kind, or unpacks to more than 64 MiB.
    """
    order = _ORDERS.get(content[126:128])
    if order is None or struct.unpack(order + "H", content[124:126]) != (0x0100,):
        raise DatasetError(
            f"{where}: expected a MATLAB file of level 5, as `save -v7` writes, and received "
            f"one that starts with {content[:20]!r}"
        )
    found: dict[str, list[str] | NDArray[Any]] = {}
    for kind, data in _Elements(content[128:], order, where):
        if kind == _COMPRESSED:
            kind, data = next(_Elements(_unpacked(data, where), order, where), (0, b""))
        matrix = _matrix(kind, data, order, where)
        if matrix.name in names:
            if matrix.name in found:
                raise DatasetError(f"{where}: expected {matrix.name} once, and received it twice")
            found[matrix.name] = _texts(matrix) if matrix.kind == _CELL else _numbers(matrix)
    for name in names:
        if name not in found:
            raise DatasetError(f"{where}: expected a variable {name}, and received none")
    return found


class _Elements(Iterator[tuple[int, bytes]]):
    """The elements of a file or matrix, one behind the other: each a type and its bytes."""

    def __init__(self, content: bytes, order: _Order, where: str) -> None:
        self.content, self.order, self.where = content, order, where
        self.at = 0

    def __next__(self) -> tuple[int, bytes]:
        if self.at == len(self.content):
            raise StopIteration
        kind, size = struct.unpack(self.order + "II", self._taken(8))
        if kind >> 16:  # A short element: its size, and up to four bytes, lie in the tag itself.
            kind, size = kind & 0xFFFF, kind >> 16
            if size > 4:
                raise DatasetError(f"{self.where}: expected up to 4 bytes, and received {size}")
            return kind, self.content[self.at - 4 : self.at - 4 + size]
        data = self._taken(size)
        if kind != _COMPRESSED:
            self.at = min(self.at + -size % 8, len(self.content))
        return kind, data

    def _taken(self, size: int) -> bytes:
        taken = self.content[self.at : self.at + size]
        if len(taken) < size:
            raise DatasetError(f"{self.where}: expected {size} bytes, and received {len(taken)}")
        self.at += size
        return taken

    def expect(self, kind: int) -> bytes:
        """The bytes of the next element, which must be of a type."""
        received, data = next(self, (0, b""))
        if received != kind:
            raise DatasetError(
                f"{self.where}: expected an element of type {kind}, and received {received}"
            )
        return data


class _Matrix(NamedTuple):
    """A variable or cell: its name, kind and shape, and the elements of its values."""

    name: str
    kind: int
    shape: tuple[int, ...]
    values: _Elements


def _matrix(kind: int, data: bytes, order: _Order, where: str) -> _Matrix:
    elements = _Elements(data, order, where)
    if kind != _MATRIX:
        raise DatasetError(f"{where}: expected a matrix, and received an element of type {kind}")
    if not data:  # An empty cell.
        return _Matrix("", _CHAR, (0, 0), elements)
    flags = elements.expect(_UINT32)
    shape = elements.expect(_INT32)
    name = elements.expect(_INT8)
    if len(flags) != 8 or len(shape) % 4 or not 2 <= len(shape) // 4 <= 8:
        raise DatasetError(f"{where}: expected flags and a shape, and received other bytes")
    (flag,) = struct.unpack(order + "I", flags[:4])
    sides = struct.unpack(f"{order}{len(shape) // 4}i", shape)
    if min(sides) < 0 or flag & _COMPLEX:
        raise DatasetError(f"{where}: expected real values of a shape, and received {sides}")
    return _Matrix(name.decode("latin-1"), flag & 0xFF, sides, elements)


def _numbers(matrix: _Matrix) -> NDArray[Any]:
    if matrix.kind not in (*_NUMERIC, _CHAR):
        raise DatasetError(
            f"{matrix.values.where}: expected {matrix.name or 'a cell'} as numbers or text, and "
            f"received the class {matrix.kind}"
        )
    kind, data = next(matrix.values, (_INT8, b""))
    dtype = np.dtype(_STORED.get(kind, "V1")).newbyteorder(matrix.values.order)
    if dtype.kind == "V" or len(data) != math.prod(matrix.shape) * dtype.itemsize:
        raise DatasetError(
            f"{matrix.values.where}: expected {matrix.shape} numbers in "
            f"{matrix.name or 'a cell'}, and received {len(data)} bytes of type {kind}"
        )
    return np.frombuffer(data, dtype).reshape(matrix.shape, order="F")


def _texts(matrix: _Matrix) -> list[str]:
    where = matrix.values.where
    texts: list[str] = []
    for kind, data in matrix.values:
        cell = _matrix(kind, data, matrix.values.order, where)
        codes = _numbers(cell).ravel()
        row = cell.kind == _CHAR and cell.shape[:-1] == (1,) and codes.dtype.kind in "iu"
        if not row or not np.all((codes > 32) & (codes < 127)):
            raise DatasetError(
                f"{where}: expected {matrix.name} as names in ASCII, and received another "
                f"value as number {len(texts) + 1}"
            )
        texts.append("".join(map(chr, codes.tolist())))
    if len(texts) != math.prod(matrix.shape):
        raise DatasetError(
            f"{where}: expected {matrix.shape} cells in {matrix.name}, and received {len(texts)}"
        )
    return texts


def _unpacked(data: bytes, where: str) -> bytes:
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(data, LARGEST)
    except zlib.error as error:
        raise DatasetError(f"{where}: expected whole compressed values: {error}") from None
    if not stream.eof or stream.unused_data:
        raise DatasetError(f"{where}: expected whole compressed values of up to {LARGEST} bytes")
    return content
