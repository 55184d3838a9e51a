r"""A whole data set decoded once: into memory, or into a folder that later runs map instead.

The folder is named after everything that its pixels depend on: names, sizes and times (in a zip:
checksums) of the picture files, the frame, the channels and Pillow's version. When any of them
changes, another folder is made; none is ever taken for another. A damaged one is made anew, and so
is one that lacks a picture which can be read by now.
"""

import hashlib
import json
import os
import shutil
import zlib
from pathlib import Path
from typing import NamedTuple

import filelock
import numpy as np
import PIL
from numpy.typing import NDArray

from simlearn.data.decode import Channels
from simlearn.data.frames import Frame, move
from simlearn.data.loading import Loader, Skipped
from simlearn.data.records import (
    LabelledFiles,
    LabelledImages,
    LandmarkPictures,
    PictureArray,
    Pictures,
)
from simlearn.errors import DatasetError, UserError

_BATCH = 256
_FILES = ("images.npy", "matrices.npy", "good.npy", "skipped.json")


def labelled_images(
    data: LabelledFiles,
    *,
    frame: Frame,
    channels: Channels = 3,
    fill: int = 0,
    skipped: Skipped | None = None,
    cache: str | Path | None = None,
) -> LabelledImages:
    r"""Labelled pictures in files as labelled pictures in memory.

    Args:
        data: The record.
        frame: Brings each picture to one size.
        channels: 1 for grey, 3 for RGB.
        fill: Value where there is no picture, 0 to 255.
        skipped: Where pictures that cannot be read are listed; they are left out, with their label
            and id. By default more than 1 % of them are an error.
        cache: A folder to keep the pixels in, made where there is none; the result then maps them
            from disk, and is there at once the next time. By default nothing is kept.

    Returns:
        Labels and ids as in `data`, less the bad pictures.

    Raises:
        DatasetError: Too many pictures cannot be read.

    Examples:
        >>> import io, pathlib, tempfile
        >>> from simlearn.data import folders
        >>> from simlearn.data.frames import Stretch
        >>> folder = pathlib.Path(tempfile.mkdtemp()) / "ann"
        >>> folder.mkdir()
        >>> _ = (folder / "1.pgm").write_bytes(b"P5 2 1 255 \x00\xff")
        >>> record = folders.load(folder.parent, name="people")
        >>> print(labelled_images(record, frame=Stretch((1, 2)), channels=1))
        people: 1 picture of 1x2x1, 1 class with 1 picture
    """
    loader = Loader(data.pictures, frame=frame, channels=channels, fill=fill, skipped=skipped)
    pixels = _decoded(loader, cache)
    good = pixels.good
    return LabelledImages(
        images=pixels.images, labels=data.labels[good], ids=data.ids[good], name=data.name
    )


def landmark_pictures(
    data: LandmarkPictures,
    *,
    frame: Frame,
    channels: Channels = 3,
    fill: int = 0,
    skipped: Skipped | None = None,
    cache: str | Path | None = None,
) -> LandmarkPictures:
    """Pictures with landmarks in files as such in memory, the landmarks moved with the pixels.

    Args:
        data: The record.
        frame: As in `labelled_images`.
        channels: Likewise.
        fill: Likewise.
        skipped: Likewise.
        cache: Likewise.

    Returns:
        The record with pixels in an array and points in pixels of the frame.

    Raises:
        DatasetError: Too many pictures cannot be read.
    """
    loader = Loader(data.pictures, frame=frame, channels=channels, fill=fill, skipped=skipped)
    pixels = _decoded(loader, cache)
    kept = data.take(pixels.good)
    points = move(kept.points, pixels.matrices)
    return LandmarkPictures(
        pictures=PictureArray(
            pixels.images, [data.pictures.where(int(row)) for row in np.flatnonzero(pixels.good)]
        ),
        points=np.where(kept.visible[..., np.newaxis], points, 0.0).astype(np.float32),
        visible=kept.visible,
        landmarks=kept.landmarks,
        values=kept.values,
        attributes=kept.attributes,
        ids=kept.ids,
        name=kept.name,
    )


class _Pixels(NamedTuple):
    """Every picture that could be read: its pixels and matrix, and which they are of all."""

    images: NDArray[np.uint8]
    matrices: NDArray[np.float64]
    good: NDArray[np.bool_]


def _decoded(loader: Loader, cache: str | Path | None) -> _Pixels:
    if cache is None:
        shape = (len(loader.pictures), *loader.size, loader.channels)
        return _fill(loader, np.empty(shape, np.uint8))
    folder = Path(cache) / _key(loader)
    found = _read(folder, loader)
    if found is not None:
        return found
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Whoever comes second waits, and reads what the first has written.
        with filelock.FileLock(folder.with_name(f".{folder.name}.lock")):
            found = _read(folder, loader)
            if found is None:
                _write(folder, loader)
                found = _read(folder, loader)
    except OSError as error:
        raise UserError(f"{folder}: the cache cannot be written: {error}") from error
    if found is None:
        raise UserError(f"{folder}: the pixels just written there cannot be read")
    return found


def _fill(loader: Loader, images: NDArray[np.uint8]) -> _Pixels:
    """Decode everything into `images`, the good pictures first."""
    total = len(loader.pictures)
    good = np.zeros(total, np.bool_)
    matrices = np.empty((total, 3, 3))
    requests = [np.arange(i, min(i + _BATCH, total)) for i in range(0, total, _BATCH)]
    done = 0
    for rows, loaded in zip(requests, loader.stream((r, None) for r in requests), strict=True):
        good[rows] = loaded.good
        end = done + int(np.count_nonzero(loaded.good))
        images[done:end] = loaded.images[loaded.good]
        matrices[done:end] = loaded.matrices[loaded.good]
        done = end
    return _Pixels(images[:done], matrices[:done], good)


def _write(folder: Path, loader: Loader) -> None:
    """Decode everything into a folder that is whole or not there."""
    # One name, not a random one: what a kill leaves behind, the next write takes over.
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        pixels = _fill(loader, _room(partial / "images.npy", loader))
        np.save(partial / "matrices.npy", pixels.matrices)
        np.save(partial / "good.npy", pixels.good)
        (partial / "skipped.json").write_text(json.dumps(loader.skipped.reasons))
        (partial / "sums.json").write_text(json.dumps(_sums(partial)))
        if _key(loader) != folder.name:
            raise UserError(f"{folder}: pictures changed while they were decoded; run it again")
        if folder.exists():  # What is there is damaged.
            shutil.rmtree(folder)
        os.replace(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _room(path: Path, loader: Loader) -> NDArray[np.uint8]:
    """An array in a file, all of whose bytes the disk has."""
    shape = (len(loader.pictures), *loader.size, loader.channels)
    images = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    if hasattr(os, "posix_fallocate"):
        # A mapped file is made with holes; a full disk found out on filling them ends the process.
        with open(path, "r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return images


def _read(folder: Path, loader: Loader) -> _Pixels | None:
    """What a folder holds; None where it holds nothing whole, or no longer all there is."""
    if not folder.is_dir():
        return None
    try:
        if json.loads((folder / "sums.json").read_text()) != _sums(folder):
            return None
        images = np.load(folder / "images.npy", mmap_mode="r")
        matrices, good = np.load(folder / "matrices.npy"), np.load(folder / "good.npy")
        reasons = json.loads((folder / "skipped.json").read_text())
    # A damaged file can make numpy raise nearly anything.
    except Exception:
        return None
    if any(_can_be_read(loader.pictures, int(row)) for row in np.flatnonzero(~good)):
        return None  # What was wrong then, such as a disk that was not there, is mended.
    for where, reason in reasons.items():
        loader.skipped.add(where, reason, total=len(loader.pictures))
    return _Pixels(images[: len(matrices)], matrices, good)


def _can_be_read(pictures: Pictures, row: int) -> bool:
    try:
        pictures.open(row)
    except DatasetError:
        return False
    return True


def _sums(folder: Path) -> dict[str, int]:
    """CRC-32 of each file that a cache holds."""
    sums = {}
    for name in _FILES:
        with open(folder / name, "rb") as file:
            total = 0
            while piece := file.read(2**20):
                total = zlib.crc32(piece, total)
        sums[name] = total
    return sums


def _key(loader: Loader) -> str:
    total = hashlib.sha256()
    settings = [repr(loader.frame), repr(loader.size), int(loader.channels), loader.fill]
    total.update(json.dumps([PIL.__version__, *settings]).encode())
    for row in range(len(loader.pictures)):
        total.update(_stamp(loader.pictures, row))
    return total.hexdigest()[:32]


def _stamp(pictures: Pictures, row: int) -> bytes:
    return pictures.stamp(row).encode("utf-8", "surrogateescape") + b"\n"
