"""From pictures in files to the faces in them, and from faces to embeddings."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simlearn.data.frames import Frame
from simlearn.data.loading import Loader, Skipped
from simlearn.data.records import Pictures, StoredPictures
from simlearn.errors import DatasetError
from simlearn.faces._cache import VectorCache, digest_of
from simlearn.faces._detect import Detector
from simlearn.faces._embedder import FaceEmbedder
from simlearn.faces._found import FoundFaces
from simlearn.faces._paths import PathPictures
from simlearn.faces._placing import matrix_key

_BATCH: Final = 64
# Pixels of pictures that wait to be looked at together: memory does not grow with their number.
_PIXELS: Final = 2**24
# Of a picture that has more, each side comes at a half, a quarter or an eighth.
_LARGEST: Final = 2**22


def find_faces(
    pictures: Pictures,
    detector: Detector,
    *,
    skipped: Skipped | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> FoundFaces:
    """The faces in pictures, batch by batch; memory does not depend on how many there are.

    A picture of more than 4 million pixels is looked at smaller; its boxes and points are of the
    whole.

    Args:
        pictures: as a record's `pictures`: of any sizes, grey or colour, turned upright by EXIF.
        detector: finds faces in pixels.
        skipped: where pictures that cannot be read are listed; by default more than 1 % are an
            error. They have no faces.
        cache: a folder to keep what was found in, by the pictures' content.

    Returns:
        `FoundFaces` of all pictures.

    Raises:
        DatasetError: too many pictures cannot be read.
    """
    skipped = Skipped() if skipped is None else skipped
    store = None
    if cache is not None:
        name = digest_of(detector.fingerprint.encode()).hex()[:32]
        store = VectorCache(Path(cache) / f"found-{name}.bin", 15)
    found: list[NDArray[np.float32]] = [np.empty((0, 15), np.float32)] * len(pictures)
    for rows, pixels, times, keys in _batches(pictures, skipped, store, found):
        faces = detector.find(pixels)
        fresh = {}
        for place, row in enumerate(rows):
            found[row] = _enlarged(faces.of(place), times[place])
            fresh[keys[place]] = found[row]
        if store is not None:
            store.put(fresh)
    return FoundFaces.gathered(found)


def embed_faces(
    pictures: Pictures,
    frame: Frame,
    embedder: FaceEmbedder,
    *,
    rows: NDArray[Any] | None = None,
    skipped: Skipped | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The embedding of a face a row.

    Args:
        pictures: one a face: `pictures.take(faces.owner)` where a picture may have several.
        frame: of the embedder's size, as its `placing.frame` makes it, or `FixedBox`.
        embedder: sees the faces.
        rows: positions of the pictures to embed; by default all.
        skipped: where pictures that cannot be read are listed; by default more than 1 % are an
            error.
        cache: a folder to keep embeddings in, by content, place and the embedder's fingerprint.

    Returns:
        float32 `(rows, dim)` of unit length, 0 for a picture that cannot be read; and booleans
        `(rows,)`, whether it could.

    Raises:
        DatasetError: too many pictures cannot be read.
    """
    wanted = np.arange(len(pictures)) if rows is None else np.asarray(rows, np.int64)
    vectors = np.zeros((len(wanted), embedder.dim), np.float32)
    good = np.zeros(len(wanted), np.bool_)
    store, keys = None, [b""] * len(wanted)
    if cache is not None:
        store = VectorCache(Path(cache) / f"vectors-{embedder.fingerprint[:32]}.bin", embedder.dim)
        keys = [_place_key(pictures, frame, int(row)) for row in wanted]
        for place, key in enumerate(keys):
            if (known := store.get(key) if key else None) is not None:
                vectors[place], good[place] = known[0], True
    loader = Loader(pictures, frame=frame, channels=embedder.channels, skipped=skipped)
    todo = np.flatnonzero(~good)
    parts = [todo[i : i + _BATCH] for i in range(0, len(todo), _BATCH)]
    loads = loader.stream((wanted[part], None) for part in parts)
    for part, loaded in zip(parts, loads, strict=True):
        seen = part[loaded.good]
        vectors[seen] = embedder.embed(loaded.images[loaded.good])
        good[seen] = True
        if store is not None:
            store.put({keys[place]: vectors[place : place + 1] for place in seen if keys[place]})
    return vectors, good


def _batches(
    pictures: Pictures,
    skipped: Skipped,
    store: VectorCache | None,
    found: list[NDArray[np.float32]],
) -> Iterator[tuple[list[int], list[NDArray[np.uint8]], list[int], list[bytes]]]:
    """Rows that are not known yet, their pixels, how many times smaller, and their keys."""
    rows: list[int] = []
    pixels: list[NDArray[np.uint8]] = []
    times: list[int] = []
    keys: list[bytes] = []
    for row in range(len(pictures)):
        try:
            key = b"" if store is None else digest_of(_content(pictures, row))
            known = None if store is None else store.get(key)
            if known is not None:
                found[row] = known
                continue
            picture, smaller = _opened(pictures, row)
        except DatasetError as error:
            where = pictures.where(row)
            skipped.add(where, str(error).removeprefix(f"{where}: "), total=len(pictures))
            continue
        rows.append(row)
        pixels.append(picture)
        times.append(smaller)
        keys.append(key)
        if sum(one.size for one in pixels) >= 3 * _PIXELS:
            yield rows, pixels, times, keys
            rows, pixels, times, keys = [], [], [], []
    if rows:
        yield rows, pixels, times, keys


def _opened(pictures: Pictures, row: int) -> tuple[NDArray[np.uint8], int]:
    times = 1

    def shrink(width: int, height: int) -> int:
        nonlocal times
        times = next((k for k in (1, 2, 4) if width * height <= _LARGEST * k * k), 8)
        return times

    return np.asarray(pictures.open(row, channels=3, shrink=shrink)), times


def _enlarged(faces: FoundFaces, times: int) -> NDArray[np.float32]:
    """Rows of 15 numbers, in pixels of the whole picture."""
    points = (faces.points + 0.5) * times - 0.5
    columns = [faces.boxes * times, faces.scores[:, np.newaxis], points.reshape(-1, 10)]
    return np.concatenate(columns, axis=1).astype(np.float32)


def _content(pictures: Pictures, row: int) -> bytes:
    if isinstance(pictures, PathPictures):
        return pictures.content(row)
    if isinstance(pictures, StoredPictures):
        return pictures.files.read(pictures.paths[row])
    picture = pictures.open(row)
    return f"pixels {picture.mode} {picture.size} ".encode() + picture.tobytes()


def _place_key(pictures: Pictures, frame: Frame, row: int) -> bytes:
    """What an embedding depends on beside the model; empty where the picture cannot be read."""
    try:
        width, height = pictures.size(row)
        return digest_of(_content(pictures, row), matrix_key(frame, width, height, row))
    except DatasetError:
        return b""
