"""Perceptual hashes: 256 bits that survive a re-encoding, and the pairs of them that are close."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simlearn.errors import UserError

SIDE: Final = 64
"""Pixels along a side of the small grey picture that is hashed."""

BITS: Final = 256
"""Length of a hash; distances are even numbers up to it, as half of its bits are set."""

Hashes = NDArray[np.uint64]
"""`(n, 4)`."""

_COEFFICIENTS: Final = 16
_SCALE: Final = 2**14
_WORDS: Final = BITS // 64
# Contrast, in grey levels, below which only noise would be hashed.
_FLATTEST: Final = 1.0
# Pairs that are looked at together: a few MB, which stay in the processor's cache.
_BLOCK: Final = 2**17


def perceptual_hashes(grey: NDArray[np.uint8]) -> tuple[Hashes, NDArray[np.bool_]]:
    r"""Hash small grey pictures by the signs of their coarse structure.

    Of the two-dimensional cosine transform (DCT-II) `C g C^T`, whose rows are
    `C[k, i] = cos(pi k (2 i + 1) / 128)`, the 16 x 16 coefficients of the lowest frequencies from
    1 to 16 along each axis are kept; a bit is set where a coefficient lies above their median.
    Light or contrast that is added changes no bit, rounding apart. The cosines are rounded to
    integers over 2^14, so that the transform is exact: every machine hashes alike.

    Args:
        grey: uint8 `(n, 64, 64)`.

    Returns:
        The hashes `(n, 4)`, and booleans `(n,)`: False for a picture of one tone, which has no
        structure to hash.

    Raises:
        UserError: Another type or shape.

    Examples:
        >>> ramp = np.tile(np.arange(64, dtype=np.uint8), (2, 64, 1))
        >>> ramp[1] = ramp[1].T
        >>> hashes, hashed = perceptual_hashes(ramp)
        >>> hashes.shape, hashed.tolist()
        ((2, 4), [True, True])

    Reference:
        Zauner: Implementation and Benchmarking of Perceptual Image Hash Functions. Master's
        thesis, University of Applied Sciences Upper Austria, Hagenberg, 2010, the DCT based hash.
        Deviations: 256 bits instead of 64 and from 64 x 64 pixels instead of 32 x 32, without a
        mean filter before, as the picture was shrunk by averaging.
    """
    grey = np.asarray(grey)
    if grey.dtype != np.uint8 or grey.ndim != 3 or grey.shape[1:] != (SIDE, SIDE):
        raise UserError(
            f"expected grey pictures as uint8 (n, {SIDE}, {SIDE}), "
            f"and received {grey.dtype} of shape {grey.shape}"
        )
    # Doubles hold all sums of such integers exactly, below 64^2 * 255 * 2^28 < 2^53.
    pixels = grey.astype(np.float64)
    basis = _cosines()
    coefficients = (basis @ pixels @ basis.T).reshape(len(grey), BITS)
    above = coefficients > np.median(coefficients, axis=1, keepdims=True)
    hashes = np.packbits(above, axis=1).view(np.uint64)
    return hashes, pixels.reshape(len(grey), -1).std(axis=1) >= _FLATTEST


@dataclass(frozen=True)
class Close:
    """Pairs of hashes that are close.

    Attributes:
        count: of all such pairs.
        pairs: the closest of them, `(k, 3)`: position left, position right, distance.
    """

    count: int
    pairs: NDArray[np.int64]


def close_pairs(
    left: Hashes,
    right: Hashes,
    threshold: int,
    *,
    unless: Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_]],
    limit: int,
) -> Close:
    """The pairs with at most `threshold` different bits, the closest first; in blocks.

    Args:
        left: `(n, 4)`.
        right: `(m, 4)`.
        threshold: Hamming distance.
        unless: says of positions left and right, `(k,)` each, which pairs do not count.
        limit: most pairs to return; all are counted.
    """
    count = 0
    best = np.empty((0, 3), np.int64)
    for start, distances in distance_blocks(left, right):
        rows, columns = np.nonzero(distances <= threshold)
        if not len(rows):
            continue
        counted = ~unless(rows + start, columns)
        rows, columns = rows[counted], columns[counted]
        found = np.stack([rows + start, columns, distances[rows, columns]], axis=1)
        count += len(found)
        best = np.concatenate([best, found.astype(np.int64)])
        best = best[np.lexsort((best[:, 1], best[:, 0], best[:, 2]))[:limit]]
    return Close(count, best)


def distance_blocks(left: Hashes, right: Hashes) -> Iterator[tuple[int, NDArray[np.uint16]]]:
    """Yields a first row and the distances, uint16 `(rows, m)`, of some rows of `left`."""
    step = max(1, _BLOCK // max(1, len(right)))
    words = np.ascontiguousarray(right.T)
    for start in range(0, len(left), step):
        block = left[start : start + step]
        distances = np.zeros((len(block), len(right)), np.uint16)
        for word in range(_WORDS):
            distances += bit_count(block[:, word, np.newaxis] ^ words[word])
        yield start, distances


def _counted_by_table(words: NDArray[np.uint64]) -> NDArray[np.uint8]:
    quarters = np.ascontiguousarray(words)[..., np.newaxis].view(np.uint16)
    return _TABLE[quarters].sum(axis=-1, dtype=np.uint8)


_TABLE: Final = np.array([number.bit_count() for number in range(2**16)], np.uint8)
# NumPy has had its own since 2.0.
bit_count: Final[Callable[[NDArray[np.uint64]], NDArray[np.uint8]]] = getattr(
    np, "bitwise_count", _counted_by_table
)


def _cosines() -> NDArray[np.float64]:
    """The rows 1 to 16 of the DCT-II's matrix in integers, `(16, 64)`; row 0 is the mean."""
    places = 2 * np.arange(SIDE) + 1
    frequencies = np.arange(1, _COEFFICIENTS + 1)
    return np.rint(_SCALE * np.cos(np.pi / (2 * SIDE) * np.outer(frequencies, places)))
