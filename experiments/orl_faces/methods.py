"""The classical methods, each with the distance that belongs to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from experiments.orl_faces.config import OrlSettings
from simlearn import baselines, search
from simlearn._typing import FloatArray, IntArray

Embed: TypeAlias = Callable[[NDArray[np.uint8]], FloatArray]


@dataclass(frozen=True)
class Method:
    """A way to embed pictures.

    Attributes:
        fit: from training pictures and their people to what embeds others.
        distance: between embeddings.
        learns: whether `fit` looks at the pictures at all.
        pictures: of a person, how many it needs at least.
    """

    fit: Callable[[NDArray[np.uint8], IntArray], Embed]
    distance: search.Distance = search.euclidean
    learns: bool = True
    pictures: int = 1


def classical(config: OrlSettings) -> Mapping[str, Method]:
    """Raw pixels, eigenfaces, Fisherfaces and LBPH, by name."""
    return {
        "raw pixels": Method(lambda images, people: baselines.raw_pixels, learns=False),
        "eigenfaces": Method(lambda images, people: _eigenfaces(images, config.components)),
        "Fisherfaces": Method(
            lambda images, people: _fisherfaces(images, people, config), pictures=2
        ),
        "LBPH": Method(
            lambda images, people: baselines.lbph, distance=baselines.chi_square, learns=False
        ),
    }


def _eigenfaces(images: NDArray[np.uint8], components: int) -> Any:
    return baselines.Eigenfaces(components=min(components, len(images) - 1)).fit(images)


def _fisherfaces(images: NDArray[np.uint8], people: IntArray, config: OrlSettings) -> Any:
    most = len(images) - len(np.unique(people))
    principal = min(config.principal, most) if config.principal else None
    return baselines.Fisherfaces(principal=principal, whiten=config.whiten).fit(images, people)
