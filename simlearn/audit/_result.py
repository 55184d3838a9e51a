"""What an audit found, for results.json and for a person; and the step that refuses it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

from simlearn.audit._measure import Threshold
from simlearn.errors import UserError

Kind: TypeAlias = Literal["identities", "ids", "files", "bytes", "pixels"]
"""What parts can share: who or what is shown, the number of a picture in its data set, the file
itself, a file's content under any name, or the decoded pixels in any file."""

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

SHOWN: Final = 12
"""Examples that are kept of each kind; everything is counted."""

_IN_MESSAGE: Final = 3

_NOUNS: Final[Mapping[Kind, tuple[str, str]]] = {
    "identities": ("{} identity", "{} identities"),
    "ids": ("{} id", "{} ids"),
    "files": ("{} file", "{} files"),
    "bytes": ("the bytes of {} file", "the bytes of {} files"),
    "pixels": ("the pixels of {} picture", "the pixels of {} pictures"),
}


@dataclass(frozen=True)
class Shared:
    """One kind, in one pair of parts.

    Attributes:
        kind: see `Kind`.
        parts: their names.
        count: different things that both have.
        pictures: how many pictures of each part have them.
        examples: the first few.
    """

    kind: Kind
    parts: tuple[str, str]
    count: int
    pictures: tuple[int, int]
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Alike:
    """Pictures of two parts with different pixels that look alike.

    Attributes:
        parts: their names.
        count: pairs within the threshold.
        examples: the closest: path, path, Hamming distance.
    """

    parts: tuple[str, str]
    count: int
    examples: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Duplicates:
    """Pictures of a part that an earlier one of the same part equals."""

    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PartSeen:
    """What was seen of one part.

    Attributes:
        pictures: in the part.
        identities: different ones; None where they are not known.
        unreadable: pictures that are missing or damaged, whose pixels were not compared.
        unreadable_examples: what is wrong with the first few.
        without_hash: readable pictures of one tone, which have no perceptual hash.
        duplicates: inside the part, by kind; they stop nothing.
    """

    pictures: int
    identities: int | None
    unreadable: int
    unreadable_examples: tuple[str, ...]
    without_hash: int
    duplicates: Mapping[str, Duplicates]


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What parts of data share.

    Attributes:
        parts: what was seen of each, by name.
        disjoint: kinds that must not be shared.
        allowed: kinds that may be all the same.
        shared: for each pair of parts, each kind that was compared.
        alike: for each pair of parts, pictures that look alike.
        threshold: of perceptual hashes.
        not_checked: what was not compared, and why.
    """

    parts: Mapping[str, PartSeen]
    disjoint: tuple[Kind, ...]
    allowed: tuple[Kind, ...]
    shared: tuple[Shared, ...]
    alike: tuple[Alike, ...]
    threshold: Threshold | int | None
    not_checked: Mapping[str, str]

    @property
    def leaks(self) -> tuple[Shared, ...]:
        """What is shared, must not be, and is not allowed."""
        refused = set(self.disjoint) - set(self.allowed)
        return tuple(found for found in self.shared if found.count and found.kind in refused)

    def require(self) -> None:
        """Refuse leaks.

        Raises:
            UserError: Says which parts share what, and how to allow it.
        """
        if not self.leaks:
            return
        texts = []
        for parts in dict.fromkeys(found.parts for found in self.leaks):
            kinds = [_told(found) for found in self.leaks if found.parts == parts]
            texts.append(f"{' and '.join(parts)} share {' and '.join(kinds)}")
        names = " ".join(dict.fromkeys(found.kind for found in self.leaks))
        raise UserError(
            f"{'; '.join(texts)}: a score would count what was learned by heart; mend the split, "
            f"or allow it by name: --allow-leakage {names} on a command line, allow= in Python"
        )

    def as_json(self) -> dict[str, Any]:
        """Everything with at most a dozen examples of each kind, as JSON can hold it."""
        whole = {
            "parts": {name: asdict(seen) for name, seen in self.parts.items()},
            "disjoint": self.disjoint,
            "allowed": self.allowed,
            "shared": [asdict(found) for found in self.shared],
            "alike": [asdict(found) for found in self.alike],
            "threshold": self.threshold,
            "not_checked": dict(self.not_checked),
        }
        if isinstance(self.threshold, Threshold):
            whole["threshold"] = self.threshold.as_json()
        # As it will be read again: lists, not tuples.
        plain: dict[str, Any] = json.loads(json.dumps(whole))
        return plain

    def __str__(self) -> str:
        names = list(self.parts)
        text = f"audit of {', '.join(names[:-1])} and {names[-1]}: "
        texts = [
            f"{' and '.join(found.parts)} share {_told(found)}"
            for found in self.shared
            if found.count and found.kind in self.disjoint
        ]
        if not texts:
            kinds = [k for k in self.disjoint if any(found.kind == k for found in self.shared)]
            texts = [f"nothing shared in {', '.join(kinds)}" if kinds else "nothing compared"]
        if self.threshold is not None:
            texts.append(f"{sum(found.count for found in self.alike)} pairs alike")
        if bad := sum(seen.unreadable for seen in self.parts.values()):
            texts.append(f"{bad} pictures unreadable")
        return text + "; ".join(texts)


def _told(found: Shared) -> str:
    shown = ", ".join(found.examples[:_IN_MESSAGE])
    more = ", ..." if found.count > _IN_MESSAGE else ""
    number = f"{found.count:,}"
    one, many = _NOUNS[found.kind]
    return f"{(one if found.count == 1 else many).format(number)} ({shown}{more})"
