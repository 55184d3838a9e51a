"""From which distance on two pictures count as the same: measured, for each data set."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simlearn.audit._hashes import BITS, bit_count, distance_blocks, perceptual_hashes
from simlearn.audit._parts import Auditable, Part, part
from simlearn.audit._scan import Scan, scan, small_grey
from simlearn.errors import UserError

# Keeps this random stream apart from others with the same seed.
_STREAM: Final = 201


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """A Hamming distance up to which pictures are listed as perhaps the same, and why that one.

    Attributes:
        distance: of 256 bits; -1 where no distance is safe.
        data: what it was measured on.
        pictures: how many were hashed, drawn with `seed`.
        different: which pairs are known to differ: of other `identities`, or of other `pictures`.
        pairs: how many those were.
        false_hits: how many of them lie within the distance.
        recall: for each change, the share of changed pictures that lie within the distance of
            their original.
        copies: how many pictures were changed.
        seed: drew the pictures.
    """

    distance: int
    data: str
    pictures: int
    different: str
    pairs: int
    false_hits: int
    recall: Mapping[str, float]
    copies: int
    seed: int

    @property
    def false_hits_per_million(self) -> float:
        """Measured false hits in a million pairs of different pictures."""
        return 1e6 * self.false_hits / self.pairs

    def as_json(self) -> dict[str, Any]:
        """Everything, for results.json."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        rate = round(self.false_hits_per_million, 4)
        return values | {"recall": dict(self.recall), "false_hits_per_million": rate}


def measure(
    data: Auditable,
    *,
    name: str | None = None,
    pictures: int = 10_000,
    copies: int = 500,
    rate: float = 1e-7,
    seed: int = 0,
) -> Threshold:
    """Measure the threshold of a data set: as large as false hits allow.

    All pairs of the drawn pictures with different identities (where there are none: all pairs) and
    different pixels are taken as different. The threshold is the largest distance within which at
    most the share `rate` of them lies. A sample of fewer than `1 / rate` pairs cannot show so small
    a share: then none of them lies within it, and it is no larger than the farthest changed copy
    needs. Some of these pairs are copies after all, under other names; they count as false hits
    here, which can make the threshold smaller, not larger.

    Where every class is in every part by design, give a `Part` without identities: other pictures
    of one class look more alike than those of two, and would come out as hits.

    Args:
        data: a record or `Part`; at least two pictures that can be read and differ.
        name: of the data set; by default the record's.
        pictures: most to hash.
        copies: most to change, to see what the threshold recognises.
        rate: largest share of false hits, [0, 1).
        seed: non-negative; draws the pictures.

    Raises:
        UserError: An argument is out of range, or there are no two different pictures.
    """
    if pictures < 2 or copies < 1 or not 0 <= rate < 1 or seed < 0:
        raise UserError(
            "expected at least 2 pictures, 1 copy, a rate in [0, 1) and a seed of at least 0, "
            f"and received {pictures}, {copies}, {rate} and {seed}"
        )
    drawn = _draw(part(data), pictures, seed)
    seen = scan(drawn.pictures)
    found = _distances_of_different(drawn, seen)
    pairs = int(found.sum())
    if not pairs:
        raise UserError("expected at least two pictures that differ, and found none")
    within = np.cumsum(found)
    distance = int(np.searchsorted(within, rate * pairs, side="right")) - 1
    changed = _changed(drawn, seen, copies)
    if rate * pairs < 1:
        distance = min(distance, max(int(far.max()) for far in changed.values()))
    return Threshold(
        distance=distance,
        data=name or str(getattr(data, "name", "")),
        pictures=int(seen.hashed.sum()),
        different="pictures" if drawn.identities is None else "identities",
        pairs=pairs,
        false_hits=int(within[distance]) if distance >= 0 else 0,
        recall={
            change: round(float(np.mean(far <= distance)), 4) for change, far in changed.items()
        },
        copies=len(next(iter(changed.values()))),
        seed=seed,
    )


def _draw(whole: Part, count: int, seed: int) -> Part:
    order = np.random.default_rng((_STREAM, seed)).permutation(len(whole))
    rows = np.sort(order[:count])
    names = whole.identities
    return Part(whole.pictures.take(rows), None if names is None else [names[r] for r in rows])


def _distances_of_different(drawn: Part, seen: Scan) -> NDArray[np.int64]:
    """How many pairs of different pictures lie at each distance, `(257,)`."""
    rows = np.flatnonzero(seen.hashed)
    hashes, pixels = seen.hashes[rows], _codes(seen.pixels[rows])
    who = rows if drawn.identities is None else _codes(np.array(drawn.identities)[rows])
    counts = np.zeros(BITS + 1, np.int64)
    for start, distances in distance_blocks(hashes, hashes):
        here = np.arange(start, start + len(distances))
        different = (who[here, np.newaxis] != who) & (pixels[here, np.newaxis] != pixels)
        different &= here[:, np.newaxis] < np.arange(len(rows))  # Each pair once.
        counts += np.bincount(distances[different], minlength=BITS + 1)
    return counts


def _codes(values: NDArray[Any]) -> NDArray[np.int64]:
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _changed(drawn: Part, seen: Scan, copies: int) -> dict[str, NDArray[np.int64]]:
    """For each change, distances from pictures to themselves changed, `(copies,)`."""
    rows = np.flatnonzero(seen.hashed)
    # Evenly from the whole sample, which is in the order of the record.
    rows = rows[np.linspace(0, len(rows) - 1, min(copies, len(rows))).astype(np.int64)]
    grey: dict[str, list[NDArray[np.uint8]]] = {change: [] for change in CHANGES}
    for row in rows:
        picture = drawn.pictures.open(int(row))
        for change, make in CHANGES.items():
            grey[change].append(small_grey(make(picture)))
    found = {}
    for change, pictures in grey.items():
        hashes, _ = perceptual_hashes(np.stack(pictures))
        found[change] = bit_count(seen.hashes[rows] ^ hashes).sum(axis=1, dtype=np.int64)
    return found


def _jpeg(quality: int) -> Callable[[Image.Image], Image.Image]:
    def encode(picture: Image.Image) -> Image.Image:
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=quality)
        return Image.open(stream)

    return encode


def _scaled(times: float) -> Callable[[Image.Image], Image.Image]:
    def scale(picture: Image.Image) -> Image.Image:
        width, height = (max(1, round(times * side)) for side in picture.size)
        return picture.resize((width, height), Image.Resampling.BICUBIC)

    return scale


CHANGES: Final[Mapping[str, Callable[[Image.Image], Image.Image]]] = MappingProxyType(
    {
        "JPEG quality 75": _jpeg(75),
        "JPEG quality 50": _jpeg(50),
        "half the size": _scaled(0.5),
        "half the size, JPEG quality 50": lambda picture: _jpeg(50)(_scaled(0.5)(picture)),
        "1.3 times the size": _scaled(1.3),
    }
)
"""What is done to a picture, to see whether it is still recognised."""
