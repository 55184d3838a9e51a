"""Vectors sorted into the cells of k centroids, so that a search looks into a few of them."""

from collections.abc import Iterator
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from simlearn.errors import UserError
from simlearn.search._distances import Distance, cosine, dot

_BLOCK = 65_536
# Of each centroid: more points hardly move it, and take their time.
_POINTS = 64
_ITERATIONS = 10


def import_faiss() -> ModuleType:
    """Faiss, or UserError with the name of the extra."""
    try:
        import faiss
    except ImportError as error:
        raise UserError(
            "approximate search: expected the package faiss, got none; pip install 'simlearn[ann]'"
        ) from error
    return faiss


def train(
    vectors: NDArray[np.float32], nlist: int, *, distance: Distance, seed: int
) -> NDArray[np.float32]:
    """Centroids ``(nlist, dim)``: k-means on a sample of `vectors`; for angles, unit vectors."""
    faiss = import_faiss()
    nlist = min(nlist, len(vectors))
    random = np.random.default_rng(seed)
    sample = len(vectors)
    if sample > nlist * _POINTS:
        sample = nlist * _POINTS
        chosen = np.sort(random.choice(len(vectors), sample, replace=False))
        vectors = vectors[chosen]
    kmeans = faiss.Kmeans(
        vectors.shape[1],
        nlist,
        niter=_ITERATIONS,
        seed=int(random.integers(2**31)),
        spherical=_by_angle(distance),
        min_points_per_centroid=1,
        max_points_per_centroid=sample,
    )
    kmeans.train(_prepared(vectors, distance))
    return np.asarray(kmeans.centroids, np.float32)


class Cells:
    """Faiss' inverted lists of a gallery; bfloat16 of what each vector differs from its centroid.

    Args:
        centroids: ``(nlist, dim)``, as `train` gives them.
        distance: `dot` and `cosine` compare inner products, all others lengths of differences.
    """

    def __init__(self, centroids: NDArray[np.float32], *, distance: Distance) -> None:
        faiss = import_faiss()
        nlist, dim = centroids.shape
        self.centroids = centroids
        self._distance = distance
        metric = faiss.METRIC_INNER_PRODUCT if _by_angle(distance) else faiss.METRIC_L2
        # Held here too: faiss keeps no reference to it.
        self._quantizer = faiss.IndexFlat(dim, metric)
        self._quantizer.add(centroids)
        self._lists = faiss.IndexIVFScalarQuantizer(
            self._quantizer, dim, nlist, faiss.ScalarQuantizer.QT_bf16, metric, True
        )
        self._lists.is_trained = True

    def __len__(self) -> int:
        return int(self._lists.ntotal)

    def assign(self, vectors: NDArray[np.float32]) -> NDArray[np.int32]:
        """The cell ``(items,)`` of each vector."""
        found = [np.empty(0, np.int32)]
        for rows in _blocks(len(vectors)):
            _, cells = self._quantizer.search(_prepared(vectors[rows], self._distance), 1)
            found.append(cells[:, 0].astype(np.int32))
        # -1 where no inner product is a number; any cell will do.
        return np.maximum(np.concatenate(found), 0)

    def insert(
        self,
        vectors: NDArray[np.float32],
        serials: NDArray[np.int64],
        cells: NDArray[np.int32],
    ) -> None:
        """Add vectors into known cells."""
        faiss = import_faiss()
        if not len(self):
            self._reserve(cells)
        for rows in _blocks(len(vectors)):
            block = _prepared(vectors[rows], self._distance)
            numbers = np.ascontiguousarray(serials[rows])
            places = cells[rows].astype(np.int64)
            self._lists.add_core(
                len(block), faiss.swig_ptr(block), faiss.swig_ptr(numbers), faiss.swig_ptr(places)
            )

    def remove(self, serials: NDArray[np.int64]) -> None:
        """Take vectors out."""
        if len(serials):
            self._lists.remove_ids(np.ascontiguousarray(serials))

    def nearest(self, queries: NDArray[np.float32], k: int, *, nprobe: int) -> NDArray[np.int64]:
        """Serials ``(queries, k)`` of the nearest in at least `nprobe` cells, -1 behind the last.

        Queries whose cells hold fewer than k vectors look into twice as many until they have k or
        all: k neighbours come whenever the gallery holds as many.
        """
        faiss = import_faiss()
        prepared = _prepared(queries, self._distance)
        nlist = len(self.centroids)
        found = np.full((len(queries), k), -1, dtype=np.int64)
        lacking = np.arange(len(queries))
        while len(lacking):
            settings = faiss.SearchParametersIVF(nprobe=min(nprobe, nlist))
            _, found[lacking] = self._lists.search(prepared[lacking], k, params=settings)
            if nprobe >= nlist:
                break
            lacking = lacking[(found[lacking] < 0).any(axis=1)]
            nprobe *= 2
        return found

    def _reserve(self, cells: NDArray[np.int32]) -> None:
        # The lists would double as they grow, and be a third empty in the end.
        for cell, size in enumerate(np.bincount(cells, minlength=len(self.centroids)).tolist()):
            self._lists.invlists.resize(cell, size)
            self._lists.invlists.resize(cell, 0)


def _by_angle(distance: Distance) -> bool:
    return distance in (cosine, dot)


def _prepared(vectors: NDArray[np.float32], distance: Distance) -> NDArray[np.float32]:
    """Vectors whose inner products or differences rank as `distance` does."""
    if distance is not cosine:
        return np.ascontiguousarray(vectors)
    # Divided by the largest entry first: squares of small numbers are 0 in float32.
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0.0)
    scaled = np.divide(vectors, largest, out=np.zeros_like(vectors), where=largest > 0)
    norms = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))[:, None]
    return np.divide(scaled, norms, out=scaled, where=norms > 0)


def _blocks(length: int) -> Iterator[slice]:
    return (slice(start, start + _BLOCK) for start in range(0, length, _BLOCK))
