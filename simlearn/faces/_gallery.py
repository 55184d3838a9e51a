"""People that are known: their names and embeddings, in a folder."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlearn import metrics, search
from simlearn.errors import UserError
from simlearn.faces._gallery_files import read, write

Method = Literal["nearest", "classifier"]


class Identified(NamedTuple):
    """Who a face shows.

    Attributes:
        name: the person; "" where it is nobody of the gallery.
        nearest: the person whom it is most like, known or not.
        distance: to that person's nearest face.
    """

    name: str
    nearest: str
    distance: float


@dataclasses.dataclass(frozen=True, eq=False)
class Gallery:
    """Faces of known people.

    On disk it is a folder with a JSON file and an array of numbers: reading one from a stranger
    cannot run code.

    Args:
        names: of the person of each face.
        sources: of each face, where it came from: a path, say.
        vectors: float32 `(faces, dim)`, of unit length.
        model_fingerprint: of the embedder that made them.

    Raises:
        UserError: lengths differ, a name is empty, or a vector is not of unit length.

    Examples:
        >>> gallery = Gallery(["ann", "bob"], ["1.jpg", "2.jpg"], np.eye(2, 4), "a1b2")
        >>> gallery.identify(np.array([[0.9, 0.1, 0.0, 0.0]]), threshold=0.3)[0].name
        'ann'
        >>> gallery.identify(np.array([[0.5, 0.5, 0.7, 0.0]]), threshold=0.3)[0].name
        ''
    """

    names: Sequence[str]
    sources: Sequence[str]
    vectors: NDArray[np.float32]
    model_fingerprint: str

    def __post_init__(self) -> None:
        vectors = np.asarray(self.vectors, np.float32)
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "sources", tuple(self.sources))
        object.__setattr__(self, "vectors", vectors)
        if vectors.ndim != 2 or not len(self.names) == len(self.sources) == len(vectors):
            raise UserError(
                f"expected as many names and sources as vectors, got {len(self.names)}, "
                f"{len(self.sources)} and {vectors.shape}"
            )
        if not all(isinstance(n, str) and n.strip() for n in self.names):
            raise UserError("expected a name for every face, got one that is empty")
        lengths = np.linalg.norm(vectors, axis=1)
        # NaN is not near 1 either.
        if not (np.abs(lengths - 1) < 1e-3).all():
            raise UserError("expected vectors of unit length, got others")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def people(self) -> tuple[str, ...]:
        """Everyone in it, once, by name."""
        return tuple(sorted(set(self.names)))

    def with_faces(
        self, names: Sequence[str], sources: Sequence[str], vectors: NDArray[np.float32]
    ) -> "Gallery":
        """The gallery with more faces; those that it has, by name and source, are replaced."""
        self._require_width(vectors)
        new = set(zip(names, sources, strict=True))
        old = [
            row for row, key in enumerate(zip(self.names, self.sources, strict=True))
            if key not in new
        ]  # fmt: skip
        return Gallery(
            [*(self.names[row] for row in old), *names],
            [*(self.sources[row] for row in old), *sources],
            np.concatenate([self.vectors[old], vectors]),
            self.model_fingerprint,
        )

    def without(self, name: str) -> "Gallery":
        """The gallery without one person.

        Raises:
            UserError: there is no such person.
        """
        kept = [row for row, other in enumerate(self.names) if other != name]
        if not len(self):
            raise UserError(f"expected {name!r} in the gallery, which is empty")
        if len(kept) == len(self):
            raise UserError(f"expected one of {', '.join(self.people)}, got {name!r}")
        return Gallery(
            [self.names[row] for row in kept], [self.sources[row] for row in kept],
            self.vectors[kept], self.model_fingerprint,
        )  # fmt: skip

    def identify(
        self,
        vectors: NDArray[Any],
        *,
        threshold: float | metrics.Threshold,
        method: Method = "nearest",
    ) -> list[Identified]:
        """Who each face shows; nobody, where it is farther than the threshold from everyone.

        With `"nearest"` the person of the nearest face; with `"classifier"` the one that logistic
        regression on the gallery's embeddings names, which is trained here and now, and which needs
        two people: it weighs what tells *these* people apart. Either is taken only if the face is
        within the threshold of one of that person's.

        Args:
            vectors: `(faces, dim)`, of the same embedder.
            threshold: cosine distance.
            method: which of the two.

        Raises:
            UserError: nobody is enrolled, or only one person for a classifier.
        """
        if not len(self):
            raise UserError("expected people in the gallery, got an empty one")
        self._require_width(vectors)
        value = threshold.value if isinstance(threshold, metrics.Threshold) else float(threshold)
        people = np.array(self.people)
        codes = np.searchsorted(people, self.names)
        distances = search.cosine(np.asarray(vectors, np.float32), self.vectors)
        per_person = np.stack([distances[:, codes == c].min(axis=1) for c in range(len(people))], 1)
        if method == "classifier" and len(distances):
            best = self._classified(np.asarray(vectors, np.float32), codes)
        else:
            best = per_person.argmin(axis=1)
        found = []
        for row, code in enumerate(best):
            distance, name = float(per_person[row, code]), str(people[code])
            found.append(Identified(name if distance <= value else "", name, distance))
        return found

    def _require_width(self, vectors: NDArray[Any]) -> None:
        expected = self.vectors.shape[1]
        if np.ndim(vectors) != 2 or vectors.shape[1] != expected:
            raise UserError(
                f"expected vectors (faces, {expected}) as the gallery's, got {np.shape(vectors)}"
            )

    def _classified(self, vectors: NDArray[np.float32], codes: NDArray[Any]) -> NDArray[np.int64]:
        from sklearn.linear_model import LogisticRegression

        if len(set(codes.tolist())) < 2:
            raise UserError("expected at least two people for a classifier, got one")
        # Unit vectors: a weaker ridge than scikit-learn's default of 1.
        fitted = LogisticRegression(C=100.0, class_weight="balanced", max_iter=2000)
        return np.asarray(fitted.fit(self.vectors, codes).predict(vectors), np.int64)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write it into a folder, made where there is none; a reader sees the old or the new one.

        Raises:
            UserError: it cannot be written.
        """
        faces = list(zip(self.names, self.sources, strict=True))
        write(Path(folder), faces, self.vectors, self.model_fingerprint)

    @classmethod
    def load(
        cls, folder: str | os.PathLike[str], *, model_fingerprint: str | None = None
    ) -> "Gallery":
        """Read what `save` wrote.

        Args:
            folder: the folder.
            model_fingerprint: that of the embedder in use, to refuse a gallery of another one.

        Raises:
            UserError: it is missing, damaged, or of another embedder.
        """
        try:
            gallery = cls(*read(Path(folder)))
        except UserError as error:
            named = str(folder) in str(error)
            raise UserError(str(error) if named else f"{folder}: {error}") from error
        if model_fingerprint not in (None, gallery.model_fingerprint):
            raise UserError(
                f"{folder}: expected a gallery of the model {str(model_fingerprint)[:12]}, got one "
                f"of {gallery.model_fingerprint[:12]}; enrol its pictures anew"
            )
        return gallery
