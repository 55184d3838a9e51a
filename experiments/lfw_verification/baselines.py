"""What classical means make of the same pairs, on the fixed box of each picture, in grey."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from experiments.lfw_verification import score
from experiments.lfw_verification.config import VerificationSettings
from experiments.lfw_verification.pairs import Pairs
from simlearn import baselines, metrics
from simlearn.data.loading import Loader, Skipped
from simlearn.errors import UserError
from simlearn.faces import FixedBox

_SIZE: Final = (64, 64)
_COMPONENTS: Final = 100
_BATCH: Final = 256


def scored(pairs: Pairs, config: VerificationSettings) -> Iterator[tuple[str, metrics.FoldScores]]:
    """Name and fold scores of each baseline that these pairs allow.

    Raw pixels and LBPH learn nothing; eigenfaces and Fisherfaces learn from the pictures of nine
    folds, anew for each tenth. Cosine distance, but for LBPH: chi-square.
    """
    pixels, missing = _pixels(pairs, config)

    def folds(vectors: NDArray[Any], distance: Any = None) -> metrics.FoldScores:
        distances = score.of_vectors(vectors, missing, pairs)
        if distance is not None:
            sides = zip(vectors[pairs.left], vectors[pairs.right], strict=True)
            told = [distance(a[np.newaxis], b[np.newaxis])[0, 0] for a, b in sides]
            distances = np.where(np.isnan(distances), np.nan, told)
        return metrics.fold_scores(distances, pairs.same, pairs.fold, missing=np.isnan(distances))

    raw = baselines.raw_pixels(pixels)
    yield "raw pixels", folds(raw - raw.mean(axis=1, keepdims=True))
    yield "LBPH", folds(baselines.lbph(pixels.astype(np.uint8)), baselines.chi_square)
    for name, learn in _learners(pixels, pairs).items():
        try:
            yield name, score.fold_by_fold(learn, missing, pairs)
        except UserError as error:
            print(f"{name}: not scored: {error}", flush=True)


def _learners(
    pixels: NDArray[Any], pairs: Pairs
) -> dict[str, Callable[[NDArray[np.int64]], Callable[[NDArray[np.int64]], NDArray[Any]]]]:
    def eigenfaces(things: NDArray[np.int64]) -> Callable[[NDArray[np.int64]], NDArray[Any]]:
        learned = baselines.Eigenfaces(components=_COMPONENTS).fit(pixels[things])
        return lambda rows: learned(pixels[rows])

    def fisherfaces(things: NDArray[np.int64]) -> Callable[[NDArray[np.int64]], NDArray[Any]]:
        _, codes = np.unique(pairs.people[things], return_inverse=True)
        learned = baselines.Fisherfaces(
            components=_COMPONENTS, principal=2 * _COMPONENTS, whiten=True
        ).fit(pixels[things], codes)
        return lambda rows: learned(pixels[rows])

    named = (pairs.people != "").all()
    return {"eigenfaces": eigenfaces} | ({"Fisherfaces": fisherfaces} if named else {})


def _pixels(
    pairs: Pairs, config: VerificationSettings
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The first picture of each thing, and which things have none."""
    things = int(max(pairs.thing.max(), pairs.left.max(), pairs.right.max())) + 1
    first = np.searchsorted(pairs.thing, np.arange(things))
    has = (first < len(pairs.thing)) & (pairs.thing[np.minimum(first, len(pairs.thing) - 1)]
                                        == np.arange(things))  # fmt: skip
    loader = Loader(
        pairs.pictures,
        frame=FixedBox(_SIZE, share=config.fixed_share, shift=config.fixed_shift),
        channels=1,
        skipped=Skipped(limit=1.0),
    )
    pixels, missing = np.zeros((things, *_SIZE, 1), np.float32), np.ones(things, np.bool_)
    rows = np.flatnonzero(has)
    parts = [rows[i : i + _BATCH] for i in range(0, len(rows), _BATCH)]
    for part, loaded in zip(parts, loader.stream((first[p], None) for p in parts), strict=True):
        pixels[part] = loaded.images
        missing[part] = ~loaded.good
    return pixels, missing
