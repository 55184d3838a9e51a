"""The features of a data set's pictures, on disk."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caption.encoder._store import Reader
from simlearn.errors import UserError


class Features:
    """Features of pictures, read when they are asked for; made by `FeatureCache.of`.

    Attributes:
        shape: (pictures, locations, channels).
        dtype: float16.
        good: booleans `(pictures,)`: False where the picture could not be read, which has no
            features.
        fingerprint: SHA-256, in hexadecimal, of the encoder and the content of the pictures in
            their order: with the same one, the features are the same.

    Args:
        reader: Where the entries are; None where there are none.
        places: integers `(pictures,)`, the place of each picture's entry; -1 where there is none.
        shape: Of the features of one picture.
        identity: What the features are of, to be hashed.
    """

    dtype = np.dtype(np.float16)

    def __init__(
        self,
        reader: Reader | None,
        places: NDArray[np.int64],
        shape: tuple[int, int],
        identity: bytes,
    ) -> None:
        self._reader = reader
        self._places = places
        self.shape = (len(places), *shape)
        self.good: NDArray[np.bool_] = places >= 0
        self.fingerprint = hashlib.sha256(identity).hexdigest()

    def __len__(self) -> int:
        return len(self._places)

    def __repr__(self) -> str:
        return f"<Features {'x'.join(map(str, self.shape))} {self.fingerprint[:8]}>"

    def __getitem__(self, rows: Any) -> NDArray[np.float16]:
        """Features of some pictures, `(n, locations, channels)`, or of one.

        Args:
            rows: Positions, a slice or booleans, as for an array; or one position.

        Raises:
            IndexError: A position lies outside.
            UserError: A picture has no features because it could not be read, or the file was cut
                off since it was opened.
        """
        chosen = np.asarray(rows) if isinstance(rows, (list, tuple)) else rows
        if isinstance(chosen, np.ndarray) and not chosen.size:
            chosen = chosen.astype(np.int64)  # numpy takes an empty list for floats.
        places = self._places[chosen]
        if (places < 0).any():
            bad = np.ravel(np.arange(len(self))[chosen])[np.ravel(places) < 0]
            raise UserError(
                "expected rows of pictures that could be read (`good`), and received "
                f"{bad[:5].tolist()} of pictures that could not"
            )
        out = np.empty((*np.shape(places), *self.shape[1:]), np.float16)
        flat, order = out.reshape(-1, *self.shape[1:]), np.ravel(places)
        # In the order of the file, which a disk reads fastest.
        for row in np.argsort(order, kind="stable"):
            self._read(int(order[row]), flat[row])
        return out

    def _read(self, place: int, out: NDArray[np.float16]) -> None:
        if self._reader is None or not self._reader.read(place, out):
            raise UserError(
                f"{self._reader and self._reader.path}: expected {place + 1} entries, and it was "
                "cut off since it was opened; ask the cache again"
            )
