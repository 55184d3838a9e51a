"""Ids of the items in an index: integers from 0 on, or strings, never both."""

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simlearn.errors import UserError

Id: TypeAlias = int | str
Ids: TypeAlias = Iterable[Id] | NDArray[Any]
"""Integers of at least 0, or strings, one dimension."""

_LARGEST = 2**63 - 1


def as_ids(values: Ids, name: str) -> list[Id]:
    """Return `values` as a list of Python integers or of strings; `name` is for the error."""
    ids = _listed(values, name)
    kinds = {str if isinstance(one, str) else int for one in ids}
    if len(kinds) > 1:
        raise UserError(f"{name}: expected integers or strings, got both")
    for place, one in enumerate(ids):
        if not (_is_usable_text(one) if isinstance(one, str) else 0 <= one <= _LARGEST):
            raise UserError(
                f"{name}: expected integers from 0 to 2^63 - 1, or strings of Unicode text that "
                f"are not empty and have no NUL, got {one!r} in place {place}"
            )
    return ids


def as_array(ids: list[Id]) -> NDArray[Any]:
    """Integers as int64, strings as numpy's strings; without any, int64."""
    if ids and isinstance(ids[0], str):
        return np.array(ids, dtype=np.str_)
    return np.array(ids, dtype=np.int64)


def storage(ids: list[Id]) -> NDArray[Any]:
    """As `as_array`, but strings as objects, each as long as it is."""
    if ids and isinstance(ids[0], str):
        stored = np.empty(len(ids), dtype=object)
        stored[:] = ids
        return stored
    return np.array(ids, dtype=np.int64)


def refuse_repeated(ids: list[Id], name: str) -> None:
    """Raise UserError, naming the id, where one stands there twice."""
    seen: set[Id] = set()
    for one in ids:
        if one in seen:
            raise UserError(f"{name}: expected each id once, got {one!r} twice")
        seen.add(one)


def to_file(ids: list[Id]) -> tuple[str, dict[str, NDArray[Any]]]:
    """The kind of the ids, and numeric arrays that hold them: strings as their UTF-8 bytes."""
    if not (ids and isinstance(ids[0], str)):
        return "integers", {"ids": as_array(ids)}
    texts = [str(one).encode() for one in ids]
    return "strings", {
        "id_lengths": np.array([len(text) for text in texts], dtype=np.uint32),
        "id_bytes": np.frombuffer(b"".join(texts), dtype=np.uint8),
    }


def from_file(kind: str, arrays: dict[str, NDArray[Any]]) -> list[Id]:
    """Take out of `arrays` what `to_file` made, and check it as `as_ids` does."""
    if kind == "integers":
        return as_ids(arrays.pop("ids").tolist(), "ids")
    if kind != "strings":
        raise UserError(f"ids: expected integers or strings, got {kind!r}")
    lengths, text = arrays.pop("id_lengths"), arrays.pop("id_bytes").tobytes()
    ends = np.cumsum(lengths, dtype=np.int64)
    if (ends[-1] if len(ends) else 0) != len(text):
        raise UserError(f"ids: expected {len(text)} bytes, got lengths that differ")
    ends, starts = ends.tolist(), (ends - lengths).tolist()
    pieces = (text[start:end] for start, end in zip(starts, ends, strict=True))
    return as_ids([piece.decode() for piece in pieces], "ids")


def _listed(values: Ids, name: str) -> list[Id]:
    if isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in "iuU":
        return values.tolist()
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise UserError(f"{name}: expected a sequence of ids, got {values!r}")
    # Not through numpy, which would turn 1 beside "1" into text and 2^63 into a float.
    return [_one(value, name) for value in values]


def _one(value: Any, name: str) -> Id:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(value)
    raise UserError(f"{name}: expected integers or strings, got {value!r}")


def _is_usable_text(text: str) -> bool:
    # numpy's strings end at their last character that is not NUL; a lone surrogate is no UTF-8.
    if not text or "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
