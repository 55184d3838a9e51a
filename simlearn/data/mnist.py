"""MNIST: 70,000 handwritten digits of 28x28 pixels, from the idx files that LeCun published.

Reference:
    LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition.
    Proceedings of the IEEE 86(11), 1998.
"""

import gzip
import io
import math
import zlib
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from simlearn.data._annotations import check_split
from simlearn.data.files import Files, Root, open_files
from simlearn.data.records import LabelledImages
from simlearn.errors import DatasetError

IMAGES_MAGIC: Final = 2051
LABELS_MAGIC: Final = 2049

COUNTS: Final = MappingProxyType({"train": 60_000, "test": 10_000})
"""Pictures of each split."""

LARGEST: Final = 2**30
"""Bytes of the largest idx file that is read, unpacked, 1 GiB."""

_PREFIXES: Final = MappingProxyType({"train": "train", "test": "t10k"})
_GZIP_MAGIC: Final = b"\x1f\x8b"
_CHUNK: Final = 2**20
_HINT: Final = "python datasets/mnist/prepare.py downloads them"


def load(root: Root, split: Literal["train", "test"] = "train") -> LabelledImages:
    """Read one split of MNIST, or of a data set in the same files.

    Args:
        root: A folder or zip with the idx files, gzipped or not, up to two folders down, as in
            `raw/`; or `Files`. The files of a split lie in one folder.
        split: `"train"` (60,000 pictures) or `"test"` (10,000).

    Returns:
        Images `(n, 28, 28, 1)` with bright ink on black, labels 0 to 9. Ids count through the
        training file from 0 and through the test file from 60,000, so they never meet.

    Raises:
        DatasetError: A file is missing or cannot be read, is not an idx file of the right kind,
            is too short or too long, or the two files of the split differ in length.
    """
    check_split(split, tuple(_PREFIXES), "MNIST")
    files = open_files(root)
    images_name, labels_name = _find(files, _PREFIXES[split])
    images, labels = (
        _values(files.read(name, limit=LARGEST), files.where(name), magic)
        for name, magic in ((images_name, IMAGES_MAGIC), (labels_name, LABELS_MAGIC))
    )
    if len(images) != len(labels):
        raise DatasetError(
            f"{files.where(labels_name)}: expected {len(images)} labels, one for each picture of "
            f"{images_name}, and received {len(labels)}"
        )
    first_id = 0 if split == "train" else COUNTS["train"]
    return LabelledImages(
        images=images[..., np.newaxis],
        labels=labels.astype(np.int64),
        ids=np.arange(first_id, first_id + len(images), dtype=np.int64),
        name=f"mnist-{split}",
    )


def read_idx(path: str | Path, *, magic: int) -> NDArray[np.uint8]:
    """Read one idx file of bytes, gzipped or not.

    The file is a big-endian int32 `magic`, whose last byte is the number of axes and whose third
    byte, 8, says uint8; then one int32 for the length of each axis; then the values.

    Args:
        path: The file. Its content, not its name, tells whether it is gzipped.
        magic: The number it must start with: 2051 for pictures, 2049 for labels.

    Returns:
        uint8 of the shape that the header states: `(n, height, width)` or `(n,)`.

    Raises:
        DatasetError: The file cannot be read, starts with another number, is not exactly as
            long as it says, or is larger than 1 GiB.
    """
    try:
        with open(path, "rb") as stream:
            content = stream.read(LARGEST + 1)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from error
    return _values(content, str(path), magic)


def _find(files: Files, prefix: str) -> tuple[str, str]:
    """The files of pictures and of labels, in the nearest folder that holds both."""
    # Some unpackers turn the hyphen before "idx" into a dot.
    wanted = [
        [f"{prefix}-{kind}{joint}{form}-ubyte{gz}" for joint in "-." for gz in ("", ".gz")]
        for kind, form in (("images", "idx3"), ("labels", "idx1"))
    ]
    folders: dict[str, set[str]] = {}
    for name in files.names():
        folder, slash, base = name.rpartition("/")
        if name.count("/") <= 2 and any(base in names for names in wanted):
            folders.setdefault(folder + slash, set()).add(base)
    whole = [f for f, there in folders.items() if all(there.intersection(n) for n in wanted)]
    nearest = [f for f in whole if f.count("/") == min(f.count("/") for f in whole)]
    if len(nearest) > 1:
        raise DatasetError(
            f"{files}: expected one folder with MNIST's files, and found {len(nearest)}: "
            f"{', '.join(nearest[:3])}"
        )
    if nearest:
        images, labels = (next(n for n in names if n in folders[nearest[0]]) for names in wanted)
        return nearest[0] + images, nearest[0] + labels
    there: set[str] = set().union(*folders.values())
    absent = next((names for names in wanted if not there.intersection(names)), wanted[1])
    beside = " beside the pictures" if absent is wanted[1] else ""
    raise DatasetError(
        f"{files}: expected one of {', '.join(absent)}{beside}, there or up to two folders down, "
        f"as in raw, and found none; {_HINT}"
    )


def _values(content: bytes, where: str, magic: int) -> NDArray[np.uint8]:
    """The values of an idx file."""
    try:
        stream: Any = io.BytesIO(content)
        if content.startswith(_GZIP_MAGIC):
            stream = gzip.GzipFile(fileobj=stream)
        return _values_of(stream, where, magic)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(
            f"{where}: expected a whole idx file, gzipped or not: {error}"
        ) from error


def _values_of(stream: Any, where: str, magic: int) -> NDArray[np.uint8]:
    axes = magic % 256
    length = 4 * (1 + axes)
    header = stream.read(length)
    received = int.from_bytes(header[:4], "big")
    if len(header) >= 4 and received != magic:
        raise DatasetError(f"{where}: expected the magic number {magic}, and received {received}")
    if len(header) < length:
        raise DatasetError(
            f"{where}: expected a header of {length} bytes, and received {len(header)} bytes"
        )
    shape = tuple(np.frombuffer(header, ">u4", count=axes, offset=4).tolist())
    expected = length + math.prod(shape)
    # One byte more than is expected, and never more than the bound: a small gzip file can hold
    # more than fits into memory.
    values = bytearray()
    wanted = min(expected, LARGEST) + 1 - length
    while chunk := stream.read(min(_CHUNK, wanted - len(values))):
        values += chunk
    found = length + len(values)
    if found > LARGEST:
        raise DatasetError(f"{where}: expected at most {LARGEST} bytes unpacked, and found more")
    if found != expected:
        more = " or more" if len(values) == wanted else ""
        raise DatasetError(
            f"{where}: expected {expected} bytes for the shape {shape} in its header, "
            f"and received {found}{more}"
        )
    return np.frombuffer(values, np.uint8).reshape(shape)
