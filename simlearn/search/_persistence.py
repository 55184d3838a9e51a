"""From an index to its file and back, everything checked on the way."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from numpy.typing import NDArray

from simlearn.errors import UserError
from simlearn.search._distances import Distance, cosine, dot, euclidean, squared_euclidean
from simlearn.search._file import read_index_file, write_index_file
from simlearn.search._gallery import Gallery, as_float32
from simlearn.search._ids import from_file, to_file

if TYPE_CHECKING:
    from simlearn.search._index import Index

DISTANCES: dict[str, Distance] = {
    "cosine": cosine,
    "dot": dot,
    "euclidean": euclidean,
    "squared_euclidean": squared_euclidean,
}
"""Those that an index knows: a file can name them, and faiss can search by them."""

_ABOUT = {
    "kind": str,
    "distance": str,
    "dim": int,
    "count": int,
    "ids": str,
    "model": str,
    "settings": dict,
}

AnyIndex = TypeVar("AnyIndex", bound="Index")


def as_model(model: str) -> str:
    """Return a model's fingerprint."""
    if not isinstance(model, str):
        raise UserError(f"model: expected a fingerprint as text, got {model!r}")
    return model


def save_index(index: "Index", path: Path) -> None:
    """Write `index` as `Index.save` says."""
    settings, more = index.state()
    id_kind, ids = to_file(index.ids.tolist())
    about = {
        "kind": index.kind,
        "distance": next(name for name, known in DISTANCES.items() if known is index.distance),
        "dim": index.dim,
        "count": len(index),
        "ids": id_kind,
        "model": index.model,
        "settings": settings,
    }
    write_index_file(path, about, {"vectors": index.gallery.vectors, **ids, **more})


def load_index(wanted: type[AnyIndex], path: Path, model: str) -> AnyIndex:
    """Read an index of class `wanted`, or below it, as `Index.load` says."""

    def check(about: Mapping[str, Any]) -> None:
        if not (set(about) == set(_ABOUT) and all(type(about[n]) is t for n, t in _ABOUT.items())):
            raise UserError(f"{path}: expected a complete index file, got other entries in it")
        if about["model"] != model:
            raise UserError(
                f"{path}: expected vectors of model {model!r}, got those of {about['model']!r}"
            )
        if about["kind"] not in ("exact", "approximate"):
            raise UserError(f"{path}: expected a known kind of index, got {about['kind']!r}")
        if not issubclass(_class_of(about["kind"]), wanted):
            kind = getattr(wanted, "kind", "?")
            raise UserError(f"{path}: expected an index of kind {kind!r}, got {about['kind']!r}")
        _class_of(about["kind"]).require()

    about, arrays = read_index_file(path, check)
    try:
        return _restored(about, arrays)
    # What a forged header can hold is endless; whichever way it fails, the file is at fault.
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise UserError(f"{path}: expected a complete index file, got {error}") from error


def _class_of(kind: str) -> "type[Index]":
    # Here, because the classes stand on this file.
    from simlearn.search._approximate import ApproximateIndex
    from simlearn.search._exact_index import ExactIndex

    classes: dict[str, type[Index]] = {"exact": ExactIndex, "approximate": ApproximateIndex}
    return classes[kind]


def _restored(about: Mapping[str, Any], arrays: dict[str, NDArray[Any]]) -> Any:
    index = _class_of(about["kind"])(
        about["dim"],
        distance=DISTANCES[about["distance"]],
        model=about["model"],
        **about["settings"],
    )
    ids, vectors = from_file(about["ids"], arrays), arrays.pop("vectors")
    if vectors.shape != (about["count"], index.dim) or len(ids) != about["count"]:
        raise UserError(f"{len(ids)} ids and vectors of shape {vectors.shape}")
    index.gallery = Gallery(as_float32(vectors, index.dim, "vectors"), ids)
    index.restore(arrays)
    return index
