"""MNIST: 70,000 handwritten digits of 28x28 pixels, from the idx files that LeCun published.

Reference:
    LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition.
    Proceedings of the IEEE 86(11), 1998.
"""

import gzip
import math
import zlib
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from simlearn.data.records import LabelledImages
from simlearn.errors import DatasetError

IMAGES_MAGIC: Final = 2051
LABELS_MAGIC: Final = 2049
COUNTS: Final = MappingProxyType({"train": 60_000, "test": 10_000})

# As in pytorch/vision, torchvision/datasets/mnist.py, `MNIST.resources`.
MD5: Final = MappingProxyType(
    {
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    }
)
MIRRORS: Final = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    # The original address; it has been refusing anonymous downloads for years.
    "http://yann.lecun.com/exdb/mnist/",
)

_GZIP_MAGIC = b"\x1f\x8b"
_PREFIXES = MappingProxyType({"train": "train", "test": "t10k"})


def load(root: str | Path, split: Literal["train", "test"] = "train") -> LabelledImages:
    """Read one split of MNIST, or of a data set in the same files, from a folder.

    Args:
        root: The folder with the idx files, gzipped or not, at its top or in `raw/`.
        split: `"train"` (60,000 pictures) or `"test"` (10,000).

    Returns:
        Images `(n, 28, 28, 1)` with bright ink on black, labels 0 to 9. Ids count through the
        training file from 0 and through the test file from 60,000, so they never meet.

    Raises:
        DatasetError: A file is missing or cannot be read, is not an idx file of the right kind,
            is too short or too long, or the two files of the split differ in length.
    """
    if split not in _PREFIXES:
        raise DatasetError(f"MNIST has the splits 'train' and 'test', and not {split!r}")
    prefix = _PREFIXES[split]
    images_file = _find(Path(root), f"{prefix}-images", "idx3-ubyte")
    labels_file = _find(Path(root), f"{prefix}-labels", "idx1-ubyte")
    images = read_idx(images_file, magic=IMAGES_MAGIC)
    labels = read_idx(labels_file, magic=LABELS_MAGIC)
    if len(images) != len(labels):
        raise DatasetError(
            f"{labels_file}: expected {len(images)} labels, one for each picture of "
            f"{images_file.name}, and received {len(labels)}"
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
        DatasetError: The file cannot be read, starts with another number or is not exactly as
            long as it says.
    """
    path = Path(path)
    content = _content(path)
    received = int.from_bytes(content[:4], "big")
    if len(content) >= 4 and received != magic:
        raise DatasetError(f"{path}: expected the magic number {magic}, and received {received}")
    axes = magic % 256
    header = 4 * (1 + axes)
    if len(content) < header:
        raise DatasetError(
            f"{path}: expected a header of {header} bytes, and received {len(content)} bytes"
        )
    shape = tuple(np.frombuffer(content, ">u4", count=axes, offset=4).tolist())
    expected = header + math.prod(shape)
    if len(content) != expected:
        raise DatasetError(
            f"{path}: expected {expected} bytes for the shape {shape} in its header, "
            f"and received {len(content)}"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def download(root: str | Path, *, mirrors: Sequence[str] = MIRRORS) -> None:
    """Download the four files of MNIST, 11.6 MB, into a folder and check their MD5 sums.

    Files that are already there and whole are left alone.

    Args:
        root: The folder, made when it does not exist.
        mirrors: Addresses, each ending in a slash, tried in this order for each file.

    Raises:
        DatasetError: No mirror delivered a file; the message holds each mirror's answer.
    """
    for name, md5 in MD5.items():
        _retrieve(Path(root), name, md5, mirrors)


def _retrieve(root: Path, name: str, md5: str, mirrors: Sequence[str]) -> None:
    import pooch  # Only a download needs it, and it is slow to import.

    answers = []
    for mirror in mirrors:
        try:
            pooch.retrieve(mirror + name, known_hash=f"md5:{md5}", fname=name, path=root)
        # OSError: what requests raises, and a disk that is full. ValueError: a wrong checksum.
        except (OSError, ValueError) as error:
            answers.append(f"{mirror + name}: {error}")
        else:
            return
    raise DatasetError(f"{root / name}: no mirror delivered this file; {'; '.join(answers)}")


def _find(root: Path, stem: str, kind: str) -> Path:
    # Some unpackers turn the hyphen before "idx" into a dot.
    names = [f"{stem}{joint}{kind}{gz}" for joint in "-." for gz in ("", ".gz")]
    candidates = [folder / name for folder in (root, root / "raw") for name in names]
    for candidate in candidates:
        if _is_file(candidate):
            return candidate
    raise DatasetError(
        f"{root}: expected one of {', '.join(names)} there or in its folder raw, and found none; "
        "simlearn.data.mnist.download fetches them"
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:  # Its folder may not be searched.
        raise DatasetError(f"{path}: expected a file that can be read: {error}") from error


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(_GZIP_MAGIC) else content
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path}: expected a whole idx file, gzipped or not: {error}") from error
