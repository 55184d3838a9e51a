"""The compiled paraphrase table: which phrases stand for which, in one memory-mapped file."""

import json
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caption.metrics.meteor._hashing import Int64s, PieceHash
from simlearn._files import open_atomically
from simlearn.errors import UserError

_MAGIC: Final = b"simlearn METEOR paraphrases 2\n"
_ARRAYS: Final = {"keys": "<u8", "checks": "<u8", "offsets": "<u4", "targets": "<u4"}
_ALIGNMENT: Final = 64
_SEEN_BITS: Final = 24
_SEEN_SHIFT: Final = 64 - _SEEN_BITS


class ParaphraseTable:
    """Phrases by number, each with the numbers of its paraphrases.

    Args:
        about: The header: `seed` of the keys, `longest` phrase in words, `source` that it was made
            of.
        arrays: `keys` `(n,)`, sorted, and `checks` `(n,)` name a phrase; `offsets` `(n + 1,)` say
            where its paraphrases start in `targets`, which keep the order of METEOR's file.
    """

    def __init__(self, about: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
        self.about = about
        self.longest: int = about["longest"]
        self.hash = PieceHash(about["seed"])
        self._keys = arrays["keys"]
        self._checks = arrays["checks"]
        self._offsets = arrays["offsets"]
        self._targets = arrays["targets"]
        self._seen = np.zeros(1 << _SEEN_BITS, bool)
        self._seen[(self._keys >> np.uint64(_SEEN_SHIFT)).astype(np.intp)] = True

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, text: bytes, starts: Int64s, ends: Int64s) -> tuple[Int64s, Int64s]:
        """Look up pieces of a text.

        Args:
            text: With its words joined by spaces.
            starts: `(n,)` first bytes of the pieces.
            ends: `(m, n)` or more rows of bytes behind the last; 0 for a piece that is none.

        Returns:
            For the pieces that are phrases of the table: their places `(2, k)` in `ends`, and their
            numbers `(k,)`.
        """
        sums = self.hash.sums(text)
        rows, columns = np.nonzero(ends)
        firsts, lasts = starts[columns], ends[rows, columns]
        keys = self.hash.key(sums, 0, firsts, lasts)
        # Most pieces are no phrases: a look at a small part of the key spares the search.
        maybe = self._seen[(keys >> np.uint64(_SEEN_SHIFT)).astype(np.intp)]
        rows, columns, keys = rows[maybe], columns[maybe], keys[maybe]
        # In order, so that the search walks through the file and not to and fro.
        distinct, back = np.unique(keys, return_inverse=True)
        numbers = np.searchsorted(self._keys, distinct)[back]
        numbers = np.minimum(numbers, max(len(self._keys) - 1, 0))
        checks = self.hash.key(sums, 1, starts[columns], ends[rows, columns])
        known = (self._keys[numbers] == keys) & (self._checks[numbers] == checks)
        return np.stack((rows[known], columns[known])), numbers[known]

    def among(self, phrases: Int64s) -> tuple[Int64s, Int64s, Int64s]:
        """Return the pairs of phrase and paraphrase that lie within some phrases.

        Args:
            phrases: `(m,)` numbers, sorted and distinct.

        Returns:
            Numbers of the phrases, of their paraphrases, and the paraphrases' places in the whole
            table, `(pairs,)` each; by place.
        """
        wanted = np.zeros(len(self), bool)
        wanted[phrases] = True
        starts = self._offsets[phrases].astype(np.int64)
        counts = self._offsets[phrases + 1].astype(np.int64) - starts
        if not counts.sum():
            return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64)
        firsts = np.cumsum(counts) - counts
        rows = np.repeat(starts - firsts, counts) + np.arange(counts.sum())
        targets = self._targets[rows].astype(np.int64)
        kept = wanted[targets]
        return np.repeat(phrases, counts)[kept], targets[kept], rows[kept]


def write_table(path: Path, about: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
    """Write a table, whole or not at all; its header has sizes and checksums of the arrays."""
    stored = {name: np.ascontiguousarray(arrays[name], kind) for name, kind in _ARRAYS.items()}
    header = dict(about)
    header["sizes"] = {name: len(array) for name, array in stored.items()}
    header["checksums"] = {name: zlib.crc32(array.data) for name, array in stored.items()}
    line = json.dumps(header, sort_keys=True).encode() + b"\n"
    with open_atomically(path) as file:
        file.write(_MAGIC + line)
        for array in stored.values():
            file.write(b"\0" * (-file.tell() % _ALIGNMENT))
            file.write(array.data)


def read_table(path: Path) -> ParaphraseTable:
    """Map a table.

    Raises:
        UserError: The file is damaged or something else; the message names it.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
            header = json.loads(file.readline(1 << 16)) if magic == _MAGIC else None
            place = file.tell()
        if header is None:
            raise ValueError("no such header")
        arrays = {}
        for name, kind in _ARRAYS.items():
            place += -place % _ALIGNMENT
            arrays[name] = _mapped(path, place, header["sizes"][name], kind)
            place += arrays[name].nbytes
            if zlib.crc32(arrays[name].data) != header["checksums"][name]:
                raise ValueError(f"another checksum of its {name}")
        return ParaphraseTable(header, arrays)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path}: expected a whole compiled paraphrase table, got {error}; delete the file, "
            "and it is made anew"
        ) from error


def _mapped(path: Path, place: int, size: int, kind: str) -> NDArray[Any]:
    if not size:
        return np.zeros(0, kind)
    return np.asarray(np.memmap(path, kind, "r", offset=place, shape=(size,)))
