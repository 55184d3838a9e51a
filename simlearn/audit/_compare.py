"""Compare the parts of a data set, two by two: what is in both that should be in one."""

import itertools
from collections.abc import Collection, Hashable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simlearn.audit._hashes import close_pairs
from simlearn.audit._measure import Threshold
from simlearn.audit._parts import Auditable, Part, part
from simlearn.audit._result import KINDS, SHOWN, Alike, Audit, Duplicates, Kind, PartSeen, Shared
from simlearn.audit._scan import Scan, scan
from simlearn.data.records import StoredPictures
from simlearn.errors import UserError

PICTURES: Final[tuple[Kind, ...]] = ("ids", "files", "bytes", "pixels")
"""What no two parts of one data set share, whatever the protocol."""


_CONTENT: Final[tuple[Kind, ...]] = ("bytes", "pixels")


def compare(
    parts: Mapping[str, Auditable],
    *,
    disjoint: Collection[Kind] = PICTURES,
    allow: Collection[Kind] = (),
    threshold: Threshold | int | None = None,
    unknown: Mapping[str, str] = MappingProxyType({}),
) -> Audit:
    """Look for what parts share: identities, ids, files, bytes, pixels, and pictures much alike.

    Each picture is read and decoded once, in threads; hashes are compared in blocks, so memory
    grows with the number of pictures and not with that of pairs.

    Args:
        parts: two or more records or `Part`s by name, such as `{"train": ..., "test": ...}`.
        disjoint: the kinds that the protocol says are not shared. `"identities"` where people or
            classes are held out: who is in one part is in no other; without it shared identities
            are counted and stop nothing. `"ids"` only where the parts are cut from one data set:
            numbers of two data sets meet by chance.
        allow: kinds that may be shared all the same: they are reported and stop nothing.
        threshold: largest Hamming distance of perceptual hashes, of 256 bits, to list; None to
            list none.
        unknown: what else could leak and cannot be checked, with the reason, such as
            `{"writers": "the source does not name them"}`; goes into the result as it is.

    Returns:
        What was found; `Audit.require` refuses it.

    Raises:
        UserError: Fewer than two parts, an unknown kind, or identities are in `disjoint` and a part
            has none. Other kinds that a part does not have are listed as not checked.
    """
    known = {name: part(data) for name, data in parts.items()}
    _check(known, disjoint, allow)
    scans = {name: scan(data.pictures) for name, data in known.items()}
    keys = {name: _keys(data, scans[name], disjoint) for name, data in known.items()}
    shared = [
        _shared(kind, (a, b), (known[a], known[b]), (keys[a][kind], keys[b][kind]))
        for a, b in itertools.combinations(known, 2)
        for kind in KINDS
        if kind in keys[a] and kind in keys[b]
    ]
    distance = threshold.distance if isinstance(threshold, Threshold) else threshold
    alike = [
        _alike((a, b), (known[a], known[b]), (scans[a], scans[b]), distance)
        for a, b in itertools.combinations(known, 2)
        if distance is not None
    ]
    return Audit(
        parts={name: _seen(known[name], scans[name], keys[name]) for name in known},
        disjoint=tuple(kind for kind in KINDS if kind in disjoint),
        allowed=tuple(kind for kind in KINDS if kind in allow),
        shared=tuple(shared),
        alike=tuple(alike),
        threshold=threshold,
        not_checked=_not_checked(known, keys, disjoint, distance) | dict(unknown),
    )


def check(
    parts: Mapping[str, Auditable],
    *,
    disjoint: Collection[Kind] = PICTURES,
    allow: Collection[Kind] = (),
    threshold: Threshold | int | None = None,
    unknown: Mapping[str, str] = MappingProxyType({}),
) -> Audit:
    """Compare as `compare` does, and refuse what is shared and neither expected nor allowed.

    Raises:
        UserError: Also for a leak: says what is shared by which parts, how much and what first,
            and how to allow it.

    Examples:
        >>> from simlearn.data import digits
        >>> data = digits.splits()
        >>> found = check({"train": data.train, "test": data.test}, threshold=3)
        >>> print(found)
        audit of train and test: nothing shared in ids, pixels; 0 pairs alike
        >>> check({"train": data.train, "test": data.train.take([5, 7, 11])})
        Traceback (most recent call last):
        simlearn.errors.UserError: train and test share 3 ids (5, 7, 11) and the pixels of 3...
    """
    found = compare(parts, disjoint=disjoint, allow=allow, threshold=threshold, unknown=unknown)
    found.require()
    return found


def _check(parts: Mapping[str, Part], disjoint: Collection[Kind], allow: Collection[Kind]) -> None:
    if len(parts) < 2:
        raise UserError(f"expected at least 2 parts to compare, and received {len(parts)}")
    if unknown := sorted({*disjoint, *allow} - set(KINDS)):
        raise UserError(f"expected kinds among {', '.join(KINDS)}, and received {unknown[0]!r}")
    if "identities" in disjoint:
        for name, data in parts.items():
            if data.identities is None:
                raise UserError(
                    f"{name}: expected identities, which the protocol says are disjoint, and "
                    "received none; audit.Part or audit.by_folder gives them"
                )


Keys = dict[Kind, NDArray[np.object_]]


def _keys(data: Part, seen: Scan, disjoint: Collection[Kind]) -> Keys:
    """For each kind that a part knows, what each picture has of it; None for nothing."""
    keys: Keys = {}
    if data.identities is not None:
        keys["identities"] = _column(data.identities)
    if data.ids is not None and "ids" in disjoint:
        keys["ids"] = _column(data.ids.tolist())
    if isinstance(data.pictures, StoredPictures):
        keys["files"] = _column(map(data.pictures.where, range(len(data))))
        keys["bytes"] = _column(content or None for content in seen.files.tolist())
    keys["pixels"] = _column(content or None for content in seen.pixels.tolist())
    return keys


def _column(values: Iterable[Hashable]) -> NDArray[np.object_]:
    listed = list(values)
    column = np.empty(len(listed), object)
    column[:] = listed
    return column


def _places(keys: NDArray[np.object_]) -> dict[Hashable, list[int]]:
    """Where each key occurs."""
    places: dict[Hashable, list[int]] = {}
    for row, key in enumerate(keys):
        if key is not None:
            places.setdefault(key, []).append(row)
    return places


def _shared(
    kind: Kind,
    names: tuple[str, str],
    parts: tuple[Part, Part],
    keys: tuple[NDArray[np.object_], NDArray[np.object_]],
) -> Shared:
    left, right = map(_places, keys)
    both = [key for key in right if key in left]
    if kind in ("identities", "ids"):
        examples = [str(key) for key in both[:SHOWN]]
    else:
        examples = [
            _same_picture(
                parts[0].pictures.where(left[key][0]), parts[1].pictures.where(right[key][0])
            )
            for key in both[:SHOWN]
        ]
    pictures = [sum(len(places[key]) for key in both) for places in (left, right)]
    return Shared(kind, names, len(both), (pictures[0], pictures[1]), tuple(examples))


def _same_picture(left: str, right: str) -> str:
    return left if left == right else f"{left} = {right}"


def _alike(
    names: tuple[str, str], parts: tuple[Part, Part], scans: tuple[Scan, Scan], threshold: int
) -> Alike:
    rows = [np.flatnonzero(seen.hashed) for seen in scans]
    pixels = [seen.pixels[kept] for seen, kept in zip(scans, rows, strict=True)]
    hashes = [seen.hashes[kept] for seen, kept in zip(scans, rows, strict=True)]
    found = close_pairs(
        hashes[0],
        hashes[1],
        threshold,
        # Equal pixels are counted as such.
        unless=lambda left, right: pixels[0][left] == pixels[1][right],
        limit=SHOWN,
    )
    examples = tuple(
        (parts[0].pictures.where(int(rows[0][a])), parts[1].pictures.where(int(rows[1][b])), int(d))
        for a, b, d in found.pairs
    )
    return Alike(names, found.count, examples)


def _seen(data: Part, seen: Scan, keys: Keys) -> PartSeen:
    duplicates: dict[str, Duplicates] = {}
    for kind in _CONTENT:
        if kind in keys:
            groups = [rows for rows in _places(keys[kind]).values() if len(rows) > 1]
            examples = [" = ".join(map(data.pictures.where, rows[:3])) for rows in groups[:SHOWN]]
            count = sum(len(rows) - 1 for rows in groups)
            duplicates[kind] = Duplicates(count, tuple(examples))
    return PartSeen(
        pictures=len(data),
        identities=len(_places(keys["identities"])) if "identities" in keys else None,
        unreadable=len(seen.unreadable),
        unreadable_examples=tuple(itertools.islice(seen.unreadable.values(), SHOWN)),
        without_hash=int(np.count_nonzero(~seen.hashed)) - len(seen.unreadable),
        duplicates=duplicates,
    )


def _not_checked(
    parts: Mapping[str, Part],
    keys: Mapping[str, Keys],
    disjoint: Collection[Kind],
    threshold: int | None,
) -> dict[str, str]:
    """What was not compared between all parts, and why."""
    reasons: dict[str, str] = {}
    for kind in KINDS:
        without = [name for name in parts if kind not in keys[name]]
        if kind == "ids" and "ids" not in disjoint:
            reasons[kind] = "the parts are not claimed to number their pictures alike"
        elif without:
            why = "hold no files" if kind in ("files", "bytes") else f"have no {kind}"
            reasons[kind] = f"{', '.join(without)}: {why}"
    if "identities" not in disjoint and "identities" not in reasons:
        reasons["identities"] = "counted, but the protocol does not hold them out"
    if threshold is None:
        reasons["alike"] = "no threshold"
    reasons["mirrored, turned or cropped copies"] = "perceptual hashes do not recognise them"
    return reasons
