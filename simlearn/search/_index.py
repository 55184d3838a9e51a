"""A gallery that people keep: items come, go, are searched, and lie in a file."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simlearn._typing import BoolArray, FloatArray, IntArray
from simlearn.errors import UserError
from simlearn.search._arguments import as_count
from simlearn.search._distances import Distance, euclidean
from simlearn.search._gallery import Gallery, as_float32
from simlearn.search._ids import Id, Ids
from simlearn.search._persistence import DISTANCES, as_model, load_index, save_index
from simlearn.search._scan import Neighbours

_MOST_DIMENSIONS = 2**20


class Found(NamedTuple):
    """Distances ``(queries, k)`` and ids ``(queries, k)``, int64 or strings, best first.

    Where fewer than k items qualify, the distance is infinite and the id -1 or the empty string,
    which no item has.
    """

    distances: FloatArray
    ids: NDArray[Any]


class Index(ABC):
    """A gallery of vectors with unique ids; `ExactIndex` and `ApproximateIndex` are the kinds.

    Vectors and queries are held and compared in float32. Items are in order of addition.

    Args:
        dim: numbers in a vector.
        distance: `euclidean`, `squared_euclidean`, `cosine` or `dot`.
        model: fingerprint of the model that makes the vectors, any text, such as
            `simlearn.training.model_fingerprint` gives; empty where no model made them.

    Raises:
        UserError: an argument is not one of these.
    """

    kind: str

    def __init__(self, dim: int, *, distance: Distance = euclidean, model: str = "") -> None:
        if distance not in DISTANCES.values():
            raise UserError(f"distance: expected one of {', '.join(DISTANCES)}, got {distance!r}")
        self.dim = as_count(dim, "dim")
        if self.dim > _MOST_DIMENSIONS:
            raise UserError(f"dim: expected at most {_MOST_DIMENSIONS}, got {dim}")
        self.distance = distance
        self.model = as_model(model)
        self.gallery = Gallery(np.empty((0, self.dim), np.float32), [])

    def __len__(self) -> int:
        return len(self.gallery)

    def __contains__(self, one: object) -> bool:
        return one in self.gallery

    @property
    def ids(self) -> NDArray[Any]:
        """All ids ``(items,)``, int64 or strings, in order of addition."""
        return self.gallery.ids_at(slice(None))

    def vectors(self, ids: Ids) -> NDArray[np.float32]:
        """Return the vectors of items.

        Args:
            ids: of items that are in the index.

        Returns:
            ``(items, dim)``, a copy.

        Raises:
            UserError: an id is not there; the message names it.
        """
        return self.gallery.vectors[self.gallery.rows_of(ids)]

    def add(self, vectors: ArrayLike, ids: Ids) -> None:
        """Add items; with an error, none of them.

        Args:
            vectors: ``(items, dim)``, finite.
            ids: ``(items,)`` integers of at least 0, or strings, one kind in an index; new ones.

        Raises:
            UserError: a shape or type is wrong, a value is not finite, or an id is there already;
                the message names it.
        """
        self.gallery.add(as_float32(vectors, self.dim, "vectors"), ids)

    def remove(self, ids: Ids) -> None:
        """Remove items; with an error, none of them.

        A call takes time in proportion to the whole index, so remove many at once.

        Args:
            ids: of items that are in the index, each once.

        Raises:
            UserError: an id is not there, or stands twice; the message names it.
        """
        self._removed(*self.gallery.remove(ids))

    def search(self, queries: ArrayLike, k: int, *, exclude: Any = None) -> Found:
        """Find the k nearest items of each query.

        Args:
            queries: ``(queries, dim)``, finite.
            k: items wanted, at least 1; more than there are give empty places.
            exclude: ids to leave out, ``(queries,)`` for one of each query, such as its own, or
                ``(queries, m)``; an id that is not in the index leaves out nothing.

        Returns:
            `Found`, ascending in distance, equal distances in order of addition.

        Raises:
            UserError: if an argument has the wrong shape or type, or a value is not finite.
        """
        found = self.search_rows(queries, k, exclude=exclude)
        return Found(found.distances, self.gallery.ids_at(found.indices))

    def search_rows(self, queries: ArrayLike, k: int, *, exclude: Any = None) -> Neighbours:
        """Find as `search` does, but return rows of `ids` instead of ids.

        Returns:
            `Neighbours`; index -1 and distance infinity in empty places. Rows are those of this
            moment: removing an item moves later ones up.

        Raises:
            UserError: as `search`.
        """
        wide, k = as_float32(queries, self.dim, "queries"), as_count(k, "k")
        if exclude is None:
            return _cut(self._nearest(wide, min(k, max(len(self), 1))), k)
        out = self._excluded_rows(exclude, len(wide))
        # Of k + m nearest, at most m are left out.
        enough = min(k + out.shape[1], max(len(self), 1))
        return _cut(_without(self._nearest(wide, enough), out), k)

    def save(self, path: str | Path) -> None:
        """Write the index into one file, whole or not at all.

        Args:
            path: of the file; one that is there is replaced.

        Raises:
            UserError: the file cannot be written; an old one stays as it was.
        """
        save_index(self, Path(path))

    @classmethod
    def load(cls, path: str | Path, *, model: str) -> Self:
        """Read an index that `save` wrote; `Index.load` takes either kind.

        The file holds numbers and text, nothing that is executed, and is checked in full. Memory
        for each array is taken once.

        Args:
            path: of the file.
            model: fingerprint of the model that makes the queries; that of the vectors must be
                the same, or distances mean nothing.

        Raises:
            UserError: the file is from another model, of another kind, no index, incomplete or
                damaged; the message names it, and the two models.
        """
        return load_index(cls, Path(path), as_model(model))

    @abstractmethod
    def _nearest(self, queries: NDArray[np.float32], k: int) -> Neighbours: ...

    @classmethod
    def require(cls) -> None:
        """Raise UserError where a package that this kind needs is missing."""
        return

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Settings and arrays that belong into the file beside vectors and ids."""
        return {}, {}

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take back the arrays of `state`."""
        if arrays:
            raise UserError(f"arrays {sorted(arrays)} that do not belong there")

    def _removed(self, kept: BoolArray, serials: NDArray[np.int64]) -> None:
        """Called when rows have moved up because those of `serials` are gone."""
        return

    def _excluded_rows(self, exclude: Any, queries: int) -> NDArray[np.int64]:
        try:
            lists: list[list[Any]] = [
                [one] if isinstance(one, Id | np.integer) else list(one) for one in exclude
            ]
        except TypeError:
            raise UserError(
                f"exclude: expected ids, or a list of ids, for each query, got {exclude!r}"
            ) from None
        widths = {len(one) for one in lists} or {1}
        if len(lists) != queries or len(widths) > 1:
            raise UserError(
                f"exclude: expected one id, or as many for each, of {queries} queries, "
                f"got {len(lists)} entries of {sorted(widths)} ids"
            )
        flat = [one for entry in lists for one in entry]
        return self.gallery.rows_where_known(flat, "exclude").reshape(queries, -1 if flat else 0)


def _cut(found: Neighbours, k: int) -> Neighbours:
    """The first k columns, empty places behind what there is."""
    found = Neighbours(found.distances[:, :k], found.indices[:, :k])
    missing = k - found.indices.shape[1]
    if not missing:
        return found
    sides = ((0, 0), (0, missing))
    return Neighbours(
        np.pad(found.distances, sides, constant_values=np.inf),
        np.pad(found.indices, sides, constant_values=-1),
    )


def _without(found: Neighbours, out: IntArray) -> Neighbours:
    """Empty places, behind the others, in place of the rows `out` ``(queries, m)``."""
    gone = np.zeros(found.indices.shape, dtype=bool)
    for column in out.T:
        gone |= found.indices == column[:, None]
    order = np.argsort(gone, axis=1, kind="stable")
    return Neighbours(
        np.take_along_axis(np.where(gone, np.inf, found.distances), order, axis=1),
        np.take_along_axis(np.where(gone, -1, found.indices), order, axis=1),
    )
