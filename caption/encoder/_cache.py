"""Features kept on disk: computed once for each picture, found by what they depend on."""

import contextlib
import json
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import filelock
import numpy as np
from numpy.typing import NDArray

from caption.encoder._content import digest, digests
from caption.encoder._encoder import Encoder, Strict
from caption.encoder._features import Features
from caption.encoder._progress import Meter, Progress
from caption.encoder._store import Store
from simlearn._files import write_atomically
from simlearn.data.loading import Skipped
from simlearn.data.records import Pictures
from simlearn.errors import DatasetError, UserError

_LOG = logging.getLogger(__name__)


class FeatureCache:
    """A folder of features, which any number of data sets, encoders and processes may share.

    An entry is found by the encoder's fingerprint (weights, preprocessing, frame) and the bytes of
    the picture's file, never by a name or a time: it cannot be stale, and a picture under two names
    is encoded once. A kill at any moment loses the batch being encoded. Each entry asked for is
    compared with its checksum when a data set is opened; a damaged one is encoded again. Two
    processes that need the same encoder's features take turns; nothing is encoded twice.

    A folder below it that is no longer needed, one for each encoder, may be removed.

    Args:
        folder: Made when first needed.

    Examples:
        >>> import tempfile
        >>> from simlearn import backbones
        >>> from simlearn.data.records import PictureArray
        >>> pictures = PictureArray(np.zeros((3, 40, 50, 3), np.uint8))
        >>> encoder = Encoder(backbones.conv4((32, 32, 3), pooling=None))
        >>> cache = FeatureCache(tempfile.mkdtemp())
        >>> features = cache.of(pictures, encoder, progress=lambda done, total: None)
        >>> features.shape, features[[2, 0]].dtype.name
        ((3, 4, 64), 'float16')
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)

    def __repr__(self) -> str:
        return f"<FeatureCache {self.folder}>"

    def of(
        self,
        pictures: Pictures,
        encoder: Encoder,
        *,
        batch: int = 32,
        skipped: Skipped | None = None,
        progress: Progress | None = None,
    ) -> Features:
        """The features of pictures; those that are not there yet are computed and kept.

        Every picture's file is read, to know what it holds. The memory taken does not depend on
        how many there are.

        Args:
            pictures: As a record's `pictures`.
            encoder: What sees them.
            batch: How many pass through the model at once, at least 1.
            skipped: Where pictures that cannot be read are listed; their rows are not `good`. By
                default the first of them is an error.
            progress: Called with the pictures done and how many there are to encode, where any are;
                by default a line on stderr.

        Returns:
            Features in the order of `pictures`.

        Raises:
            DatasetError: A picture cannot be read; the message begins with its name. Or, with
                `skipped`, more of them than its limit.
            UserError: The folder cannot be written to, a feature is too large for half precision,
                or an argument is out of range.
        """
        skipped = Strict() if skipped is None else skipped
        keys = digests(pictures, skipped, Meter("reading", quiet=2.0))
        identity = encoder.fingerprint()
        store = Store(self.folder / identity[:32], encoder.shape)
        work = _Work(store, pictures, encoder, keys, skipped)
        try:
            known = work.known(progress or Meter("encoding"), batch)
            reader = store.reader() if known else None
        except OSError as error:
            raise UserError(f"{store.folder}: the cache cannot be used: {error}") from error
        places = [-1 if key is None else known.get(key, -1) for key in keys]
        content = b"".join(key or bytes(32) for key in keys)
        return Features(
            reader, np.array(places, np.int64), encoder.shape, identity.encode() + content
        )


class _Work:
    """What is to be done for one data set."""

    def __init__(
        self,
        store: Store,
        pictures: Pictures,
        encoder: Encoder,
        keys: list[bytes | None],
        skipped: Skipped,
    ) -> None:
        self._store = store
        self._pictures = pictures
        self._encoder = encoder
        self._keys = keys
        self._skipped = skipped
        self._rows: dict[bytes, list[int]] = {}
        for row, key in enumerate(keys):
            if key is not None:
                self._rows.setdefault(key, []).append(row)

    def known(self, progress: Progress, batch: int) -> dict[bytes, int]:
        """The place of every entry, once all are there that can be."""
        known = self._store.find(self._rows)
        if len(known) == len(self._rows):
            return known
        with self._turn():
            # What another process has done meanwhile.
            known |= self._store.find(self._rows.keys() - known.keys())
            missing = [key for key in self._rows if key not in known]
            self._describe()
            self._encode(missing, progress, batch)
            return known | self._store.find(missing)

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        lock = self._store.lock()
        try:
            lock.acquire(blocking=False)
        except filelock.Timeout:
            _LOG.warning("%s: another process encodes; waiting for it", self._store.folder)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _describe(self) -> None:
        """For whoever wonders what the folder is."""
        about = {
            "encoder": self._encoder.fingerprint(),
            "grid": self._encoder.grid,
            "features": self._encoder.shape,
            "frame": repr(self._encoder.frame),
        }
        text = json.dumps(about, indent=2) + "\n"
        write_atomically(self._store.folder / "encoder.json", text.encode())

    def _encode(self, missing: list[bytes], progress: Progress, batch: int) -> None:
        rows = np.array([self._rows[key][0] for key in missing], np.int64)
        done = 0
        for good, values in self._encoder.batches(
            self._pictures, rows, batch=batch, skipped=self._skipped
        ):
            self._store.append(self._unchanged(good), values)
            done += len(good)
            progress(done, len(missing))
        if done < len(missing):
            progress(len(missing), len(missing))  # The others cannot be read.
        self._list_twins(self._rows[key] for key in missing)

    def _unchanged(self, rows: NDArray[np.int64]) -> list[bytes]:
        """The keys of pictures just decoded, if these are still what the keys say."""
        for row in rows.tolist():
            if digest(self._pictures, row) != self._keys[row]:
                raise DatasetError(
                    f"{self._pictures.where(row)}: changed while it was encoded; run it again"
                )
        return [key for row in rows.tolist() if (key := self._keys[row]) is not None]

    def _list_twins(self, groups: Iterable[list[int]]) -> None:
        """Pictures of the same content as one that cannot be decoded cannot be either."""
        reasons = self._skipped.reasons
        for first, *others in groups:
            if (where := self._pictures.where(first)) in reasons:
                for row in others:
                    twin = self._pictures.where(row)
                    self._skipped.add(twin, reasons[where], total=len(self._pictures))
