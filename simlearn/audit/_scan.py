"""One look at every picture of a part: what its bytes are, its pixels, and its perceptual hash."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simlearn.audit._hashes import SIDE, Hashes, perceptual_hashes
from simlearn.data.decode import open_picture
from simlearn.data.records import Pictures, StoredPictures
from simlearn.errors import DatasetError

_DIGEST: Final = 16
_PIECE: Final = 128


class Scan(NamedTuple):
    """What was seen of `n` pictures.

    Attributes:
        files: the first 16 bytes of the SHA-256 of each file, `(n,)`; empty where it cannot be
            read, and where pictures are in memory.
        pixels: likewise of the decoded pixels and their size. A grey picture has the same in one
            channel and in three.
        hashes: `(n, 4)`, perceptual.
        hashed: booleans `(n,)`, False where there is no hash: not readable, or of one tone.
        unreadable: what is wrong with pictures that cannot be read, by position.
    """

    files: NDArray[np.bytes_]
    pixels: NDArray[np.bytes_]
    hashes: Hashes
    hashed: NDArray[np.bool_]
    unreadable: dict[int, str]


def scan(pictures: Pictures, *, workers: int | None = None) -> Scan:
    """Read and decode every picture once, in threads.

    A picture that cannot be read is noted and does not stop the audit: a missing or damaged file
    is the pipeline's to refuse.

    Args:
        pictures: A record's.
        workers: threads; by default one for each core.
    """
    pieces = [
        range(start, min(start + _PIECE, len(pictures)))
        for start in range(0, len(pictures), _PIECE)
    ]
    with ThreadPoolExecutor(workers or os.cpu_count()) as threads:
        scans = list(threads.map(lambda rows: _scan_piece(pictures, rows), pieces))
    if not scans:
        return _scan_piece(pictures, range(0))
    return Scan(
        files=np.concatenate([found.files for found in scans]),
        pixels=np.concatenate([found.pixels for found in scans]),
        hashes=np.concatenate([found.hashes for found in scans]),
        hashed=np.concatenate([found.hashed for found in scans]),
        unreadable={row: why for found in scans for row, why in found.unreadable.items()},
    )


def small_grey(picture: Image.Image) -> NDArray[np.uint8]:
    """What is hashed of a picture: `(64, 64)`, each pixel the mean of the area that it covers."""
    grey = picture if picture.mode == "L" else picture.convert("L")
    return np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BOX))


def _scan_piece(pictures: Pictures, rows: range) -> Scan:
    files = np.zeros(len(rows), f"S{_DIGEST}")
    pixels = np.zeros(len(rows), f"S{_DIGEST}")
    grey = np.zeros((len(rows), SIDE, SIDE), np.uint8)
    unreadable = {}
    for place, row in enumerate(rows):
        try:
            if isinstance(pictures, StoredPictures):
                content = pictures.files.read(pictures.paths[row])
                files[place] = _digest(content)
                picture = open_picture(content)
            else:
                picture = pictures.open(row)
        except DatasetError as error:
            where, why = pictures.where(row), str(error)
            unreadable[row] = why if where in why else f"{where}: {why}"
            continue
        pixels[place] = _digest_of_pixels(picture)
        grey[place] = small_grey(picture)
    hashes, hashed = perceptual_hashes(grey)
    return Scan(files, pixels, hashes, hashed, unreadable)


def _digest_of_pixels(picture: Image.Image) -> bytes:
    pixels = np.asarray(picture)
    if pixels.ndim == 3 and (pixels == pixels[:, :, :1]).all():
        pixels = pixels[:, :, 0]
    return _digest(f"{pixels.shape};".encode() + pixels.tobytes())


def _digest(content: bytes) -> bytes:
    digest = hashlib.sha256(content).digest()[:_DIGEST]
    # A numpy text drops zeros at its end, and a digest of zeros would read as none at all.
    return digest[:-1] + bytes([digest[-1] | 1])
