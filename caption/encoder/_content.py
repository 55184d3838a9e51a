"""What a picture is, whatever it is called."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from caption.encoder._progress import Progress
from simlearn.data.loading import Skipped
from simlearn.data.records import Pictures, StoredPictures
from simlearn.errors import DatasetError

# Pictures that one thread takes at a time, and batches of them between two signs of progress.
_PIECE: Final = 64


def digest(pictures: Pictures, row: int) -> bytes:
    """SHA-256 of the file's bytes, or of the pixels where there is no file; 32 bytes.

    Raises:
        DatasetError: The file is missing or cannot be read.
    """
    if isinstance(pictures, StoredPictures):
        return hashlib.sha256(pictures.files.read(pictures.paths[row])).digest()
    picture = pictures.open(row)
    head = f"pixels {picture.mode} {picture.size} ".encode()
    return hashlib.sha256(head + picture.tobytes()).digest()


def digests(pictures: Pictures, skipped: Skipped, progress: Progress) -> list[bytes | None]:
    """The digest of each picture, read in threads; None where it cannot be read.

    Raises:
        DatasetError: More pictures than the limit cannot be read.
    """
    total = len(pictures)

    def one(row: int) -> bytes | None:
        try:
            return digest(pictures, row)
        except DatasetError as error:
            where = pictures.where(row)
            skipped.add(where, str(error).removeprefix(f"{where}: "), total=total)
            return None

    found: list[bytes | None] = []
    with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="digests") as pool:
        pieces = (range(i, min(i + _PIECE, total)) for i in range(0, total, _PIECE))
        try:
            for piece in pool.map(lambda rows: [one(row) for row in rows], pieces):
                found += piece
                progress(len(found), total)
        finally:
            pool.shutdown(cancel_futures=True)
    return found
