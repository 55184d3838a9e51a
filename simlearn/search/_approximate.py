"""The index that looks where it is likely to find something."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlearn._typing import BoolArray
from simlearn.errors import UserError
from simlearn.search._arguments import as_count
from simlearn.search._cells import Cells, import_faiss, train
from simlearn.search._distances import Distance, euclidean
from simlearn.search._exact import nearest
from simlearn.search._index import Index
from simlearn.search._paired import paired_distances
from simlearn.search._rows import Rows
from simlearn.search._scan import Neighbours

# Compared again exactly, for each neighbour wanted: what bfloat16 may have put in wrong order.
_CANDIDATES = 2
# Numbers of candidates held at once.
_HELD = 2**22


class ApproximateIndex(Index):
    """An index that compares each query with the vectors of a few cells: an inverted file.

    K-means cuts the gallery into `nlist` cells; a query visits the `nprobe` whose centroids are
    nearest. There faiss ranks bfloat16 codes of the vectors' differences from their centroid, and
    the best ``2 k`` are measured again exactly, in float32 as they were added. So distances are
    exact, and what may be missing is a neighbour in a cell not visited. Below `exact_below` items
    all are compared, as in `ExactIndex`. k neighbours come whenever the index holds as many.

    Cells are made at the first search after items came, or by `build`, and anew when more were
    added than there were. The same calls give the same results; takes ``6 dim + about 160`` bytes
    an item.

    Args:
        dim: numbers in a vector.
        distance: `euclidean`, `squared_euclidean`, `cosine` or `dot`.
        model: fingerprint of the model that makes the vectors; see `Index`.
        nlist: number of cells; by default the square root of the number of items.
        nprobe: cells visited; an attribute too, so that it can be changed. More find more and take
            longer, about in proportion.
        exact_below: number of items from which there are cells.
        seed: of k-means.

    Raises:
        UserError: an argument is not one of these, or faiss is missing: it comes with
            ``pip install 'simlearn[ann]'``.

    Examples:
        >>> random = np.random.default_rng(0)
        >>> vectors = random.normal(size=(500, 3))
        >>> index = ApproximateIndex(3, nlist=20, nprobe=5, exact_below=100)
        >>> index.add(vectors, range(500))
        >>> index.search(vectors[:3], 1).ids.ravel().tolist()
        [0, 1, 2]

    Reference:
        Jégou, Douze, Schmid 2011, "Product Quantization for Nearest Neighbor Search" (inverted
        file with coded residuals; here the code is bfloat16 and no product quantizer); Jégou,
        Tavenard, Douze, Amsaleg 2011, "Searching in One Billion Vectors: Re-rank with Source
        Coding" (measuring candidates again; here with the vectors themselves). Names are faiss'.
    """

    kind = "approximate"

    def __init__(
        self,
        dim: int,
        *,
        distance: Distance = euclidean,
        model: str = "",
        nlist: int | None = None,
        nprobe: int = 32,
        exact_below: int = 10_000,
        seed: int = 0,
    ) -> None:
        self.require()
        super().__init__(dim, distance=distance, model=model)
        self.nlist = None if nlist is None else as_count(nlist, "nlist")
        self.nprobe = nprobe
        self.exact_below = as_count(exact_below, "exact_below")
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise UserError(f"seed: expected an integer of at least 0, got {seed!r}")
        self.seed = seed
        self._cells: Cells | None = None
        self._trained_on, self._added = 0, 0
        self._forget()

    @classmethod
    def require(cls) -> None:
        """Raise UserError where faiss is missing."""
        import_faiss()

    @property
    def nprobe(self) -> int:
        """Cells visited by each query."""
        return self._nprobe

    @nprobe.setter
    def nprobe(self, value: int) -> None:
        self._nprobe = as_count(value, "nprobe")

    def build(self) -> None:
        """Make the cells now, and not at the next search."""
        if len(self) < self.exact_below:
            self._forget()
            return
        waiting = self._waiting()
        if self._cells is not None and self._added + waiting <= self._trained_on:
            self._insert_waiting(self._cells)
            self._added += waiting
        else:
            self._insert_waiting(self._train())
            self._added = 0

    def _insert_waiting(self, into: Cells) -> None:
        waiting = self._waiting()
        if not waiting:
            return
        vectors = self.gallery.vectors[-waiting:]
        try:
            cells = into.assign(vectors)
            into.insert(vectors, self.gallery.serials[-waiting:], cells)
            self._cell_of.append(cells)
        except BaseException:
            # Some may be in their cells already: all are made anew the next time.
            self._forget()
            raise

    def _train(self) -> Cells:
        self._forget()
        nlist = self.nlist or round(len(self) ** 0.5)
        centroids = train(self.gallery.vectors, nlist, distance=self.distance, seed=self.seed)
        self._cells = Cells(centroids, distance=self.distance)
        self._trained_on = len(self)
        return self._cells

    def _forget(self) -> None:
        self._cells = None
        self._cell_of = Rows.empty((), np.int32)
        self._trained_on = self._added = 0

    def _waiting(self) -> int:
        """Items that are in no cell yet: the last ones."""
        return len(self) - len(self._cell_of)

    def _nearest(self, queries: NDArray[np.float32], k: int) -> Neighbours:
        self.build()
        if self._cells is None:
            return nearest(queries, self.gallery.vectors, k, distance=self.distance)
        candidates = min(_CANDIDATES * k, len(self))
        step = max(1, _HELD // (candidates * self.dim))
        found = [Neighbours(np.empty((0, k), np.float32), np.empty((0, k), np.int64))]
        for start in range(0, len(queries), 1024):
            block = queries[start : start + 1024]
            serials = self._cells.nearest(block, candidates, nprobe=self.nprobe)
            # In order of addition, which a stable sort by distance keeps among equals.
            rows = np.searchsorted(self.gallery.serials, serials)
            rows = np.sort(np.where(serials < 0, -1, rows), axis=1)
            for first in range(0, len(block), step):
                part = slice(first, first + step)
                found.append(self._ranked(block[part], rows[part], k))
        return Neighbours(
            np.concatenate([part.distances for part in found]),
            np.concatenate([part.indices for part in found]),
        )

    def _ranked(self, queries: NDArray[np.float32], rows: NDArray[np.int64], k: int) -> Neighbours:
        distances = paired_distances(self.distance, queries, self.gallery.vectors[rows])
        distances[rows < 0] = np.inf
        order = np.argsort(distances, axis=1, kind="stable")[:, :k]
        return Neighbours(
            np.take_along_axis(distances, order, axis=1), np.take_along_axis(rows, order, axis=1)
        )

    def _removed(self, kept: BoolArray, serials: NDArray[np.int64]) -> None:
        if self._cells is not None:
            self._cells.remove(serials)
            self._cell_of.keep(kept[: len(self._cell_of)])

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Settings, centroids and cells; faiss' own bytes are in no file."""
        self.build()
        names = ("nlist", "nprobe", "exact_below", "seed")
        settings = {name: getattr(self, name) for name in names}
        if self._cells is None:
            return settings, {}
        history = np.array([self._trained_on, self._added], np.int64)
        return settings, {
            "centroids": self._cells.centroids,
            "cells": self._cell_of.array,
            "history": history,
        }

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Sort the vectors into the cells that the file tells of."""
        if arrays:
            centroids, cells = arrays.pop("centroids"), arrays.pop("cells")
            history = arrays.pop("history")
            _check_cells(centroids, cells, history, (len(self), self.dim))
            self._cells = Cells(centroids, distance=self.distance)
            self._cells.insert(self.gallery.vectors, self.gallery.serials, cells)
            self._cell_of = Rows(cells)
            self._trained_on, self._added = history.tolist()
        super().restore(arrays)


def _check_cells(
    centroids: NDArray[Any], cells: NDArray[Any], history: NDArray[Any], shape: tuple[int, int]
) -> None:
    count, dim = shape
    usable = (
        centroids.dtype == np.float32
        and centroids.ndim == 2
        and centroids.shape[1] == dim
        and np.isfinite(centroids).all()
        and cells.dtype == np.int32
        and cells.shape == (count,)
        and (not count or 0 <= cells.min() <= cells.max() < len(centroids))
        and history.dtype == np.int64
        and history.shape == (2,)
        and (history >= 0).all()
    )
    if not usable:
        raise UserError("centroids or cells that do not fit the vectors")
