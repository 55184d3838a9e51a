"""Two 64-bit keys for each piece of a text, all pieces at once."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

UInt64s = NDArray[np.uint64]
Int64s = NDArray[np.int64]

BLOCK: Final = 1 << 20
"""About how many bytes of text are hashed at once."""


class PieceHash:
    """Polynomial hashes, modulo 2^64, of pieces of a text.

    The key of bytes b_0 ... b_{n-1} is the sum of t(b_k) p^k, with a random odd p and a random
    table t. Sums over the whole text give every piece's key by one subtraction and one product, as
    p has an inverse modulo 2^64. Two independent keys together name a piece: 2 million pieces share
    both by chance with a probability below 1e-25. They withstand chance, not somebody who seeks a
    clash.

    Args:
        seed: Chooses p and t.
    """

    def __init__(self, seed: int) -> None:
        draw = np.random.Generator(np.random.PCG64(seed))
        self._tables = draw.integers(1, 2**64, (2, 256), dtype=np.uint64, endpoint=False)
        self._bases = [int(base) | 1 for base in draw.integers(2**32, 2**64, 2, dtype=np.uint64)]
        self._powers: list[tuple[UInt64s, UInt64s]] = []

    def sums(self, text: bytes) -> tuple[UInt64s, UInt64s]:
        """Return the two sums up to each byte of a text, which make the keys of its pieces."""
        if not self._powers or len(self._powers[0][0]) < len(text):
            self._grow(max(4096, 2 * len(text)))
        letters = np.frombuffer(text, np.uint8)
        first, second = (
            _sums(table[letters] * powers[: len(letters)])
            for table, (powers, _) in zip(self._tables, self._powers, strict=True)
        )
        return first, second

    def key(
        self, sums: tuple[UInt64s, UInt64s], which: int, starts: Int64s, ends: Int64s
    ) -> UInt64s:
        """Return one of the two keys of the pieces from `starts` to before `ends`.

        Args:
            sums: Of the text.
            which: 0 or 1.
            starts: `(n,)` first bytes.
            ends: `(n,)` bytes behind the last.
        """
        return (sums[which][ends] - sums[which][starts]) * self._powers[which][1][starts]

    def _grow(self, length: int) -> None:
        self._powers = [
            (_powers_of(base, length), _powers_of(pow(base, -1, 2**64), length + 1))
            for base in self._bases
        ]


def _sums(terms: UInt64s) -> UInt64s:
    sums = np.zeros(len(terms) + 1, np.uint64)
    np.cumsum(terms, out=sums[1:])
    return sums


def _powers_of(base: int, length: int) -> UInt64s:
    factors = np.full(length, base, np.uint64)
    factors[0] = 1
    return np.multiply.accumulate(factors)
