"""What a row of the table of all losses says, and the batches that every loss is asked about.

What a loss takes (its `kind`):
    batch: integer labels `(n,)` and embeddings `(n, dim)`, compared with each other.
    proxies: class numbers `(n,)` and cosines `(n, classes)`.
    normed: class numbers `(n,)` and `(n, classes + 1)`: cosines, and the length of the feature.
    centers: class numbers `(n,)` and cosines to several centres a class `(n, centers, classes)`.
    pairs: 1 for same `(n,)` and distances `(n,)`.
    triplets: labels nobody reads and embeddings `(n, 3, dim)`.
    quadruplets: labels nobody reads and embeddings `(n, 4, dim)`.
    sets: 1 for each label of an item, else 0, `(n, classes)`, and embeddings `(n, dim)`.
    views: labels nobody reads and embeddings of two views `(n, 2, dim)`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from keras import ops

from simlearn import distances, mining
from tests.simlearn.losses import oracle

SCALARS = {
    distances.euclidean: oracle.euclidean,
    distances.squared_euclidean: oracle.squared_euclidean,
    mining.batch_hard: oracle.batch_hard,
    mining.easy_positive: oracle.easy_positive,
    mining.semi_hard: oracle.semi_hard,
}


@dataclass(frozen=True)
class Row:
    """A loss class, the function it wraps, and the same loss written out in loops.

    Attributes:
        loss: the class.
        function: the pure function.
        oracle: `(labels, rows, weights, **settings) -> float`.
        defaults: what the documentation promises where nothing is given.
        settings: a value for every argument of the class, each away from its default.
        required: the arguments without a default.
        fixed: arguments of the function that the class settles.
        kind: see above.
        drawn: the triplets are drawn at random.
        pairs_alone: cases without a triplet (of those in test_batches_without_triplets) where the
            loss is above 0 all the same, because positive or negative pairs are enough for it.
        levels: labels may be `(n, levels)` too.
        constant: the gradient takes a part of the loss for constant; the oracle's `constant` are
            the embeddings that this part is of, those of the anchors themselves where left out.
        shape: what turns labels and vectors `(n, dim)` of a case into what the loss takes, where
            its kind's way does not do.
        weighted: whether the loss takes `sample_weight`.
        whole: the function gives one number for the batch and takes `sample_weight`, as those of
            kind batch do anyway.
    """

    loss: type
    function: Callable[..., Any]
    oracle: Callable[..., float]
    defaults: dict[str, Any]
    settings: dict[str, Any]
    required: dict[str, Any] = field(default_factory=dict)
    fixed: dict[str, Any] = field(default_factory=dict)
    kind: str = "batch"
    drawn: bool = False
    pairs_alone: tuple[str, ...] = ()
    levels: bool = False
    constant: bool = False
    shape: Callable[..., Any] | None = None
    weighted: bool = True
    whole: bool = False

    def make(self, **changes):
        return self.loss(**{**self.settings, **changes})

    def arguments(self):
        """Arguments of the function that make it the class with `settings`."""
        if self.drawn:
            names = ("dim", "seed")
            miner = mining.DistanceWeighted(**{name: self.settings[name] for name in names})
            return {"margin": self.settings["margin"], "miner": miner, **self.fixed}
        return {**self.settings, **self.fixed}

    def pure(self, labels, rows, weights=None):
        """The function, reduced as the class reduces it."""
        if self.kind == "batch" or self.whole:
            return self.function(labels, rows, sample_weight=weights, **self.arguments())
        if self.kind == "views":
            given = {} if weights is None else {"sample_weight": weights}
            return self.function(rows[:, 0], rows[:, 1], **given, **self.arguments())
        if self.kind in ("triplets", "quadruplets"):
            parts = [rows[:, i] for i in range(rows.shape[1])]
            values = self.function(*parts, **self.arguments())
        else:
            values = self.function(labels, rows, **self.arguments())
        return ops.mean(values if weights is None else values * ops.cast(weights, values.dtype))

    def expected(self, labels, rows, weights=None, settings=None):
        """The oracle's value."""
        rows = np.asarray(rows, "float64")
        weights = np.ones(len(rows)) if weights is None else weights
        settings = {**(self.settings if settings is None else settings), **self.fixed}
        if self.drawn:
            settings = {
                "margin": settings["margin"],
                "distance": distances.euclidean,
                "miner": self.drawn_triplets(rows, labels),
            }
        settings = {
            name: SCALARS.get(value, value) if callable(value) else value
            for name, value in settings.items()
        }
        return self.oracle(labels, rows, weights, **settings)

    def weights_for(self, rows):
        """Weights of the items, or None where the loss takes none."""
        return weights_for(rows) if self.weighted else None

    def drawn_triplets(self, rows, labels):
        """The very draws of a miner with this seed: the loss is checked, not the choice."""
        measured = distances.euclidean(rows, rows)
        same = np.equal.outer(np.asarray(labels), np.asarray(labels))
        positives = same & ~np.eye(len(labels), dtype=bool)
        chosen = self.arguments()["miner"](measured, positives, ~same)
        found = [
            (a, int(chosen.positive[a, 0]), int(chosen.negative[a, 0]))
            for a in range(len(labels))
            if bool(chosen.valid[a, 0])
        ]
        return lambda apart, labels: found


_RANDOM = np.array([3, 1, 3, 7, 1, 1, 7, 3, 9, 7, 1])
_LATTICE = np.array([0, 1, 0, 2, 1, 0, 2, 2, 1, 0, 1, 5, 0])


def _normal(count, dim, seed):
    return np.random.default_rng(seed).normal(size=(count, dim))


def _with_copies(vectors):
    vectors[[2, 7]], vectors[5] = vectors[0], vectors[4]
    return vectors


# What each case is there for: "duplicates" has equal embeddings within a class, "lattice" exact
# ties and equal embeddings across classes (small integers: every distance is exact).
CASES = {
    "random": (_RANDOM, _normal(11, 5, 1)),
    "duplicates": (_RANDOM, _with_copies(_normal(11, 5, 2))),
    "lattice": (_LATTICE, np.random.default_rng(3).integers(-2, 3, (13, 2)).astype("float64")),
    "singletons": (np.array([4, 8, 4, 1, 0, 5, 2]), _normal(7, 3, 4)),
    "one_class": (np.full(5, 6), _normal(5, 3, 5)),
    "all_distinct": (np.array([5, 2, 9, 0, 7]), _normal(5, 3, 6)),
    "two_alike": (np.array([1, 1]), _normal(2, 3, 7)),
    "two_unlike": (np.array([0, 1]), _normal(2, 3, 8)),
    "one_item": (np.array([2]), _normal(1, 3, 9)),
    "collapsed": (_RANDOM, np.full((11, 5), 0.3)),
    "zeros": (_RANDOM, np.zeros((11, 5))),
    "large": (_RANDOM, 1e4 * _normal(11, 5, 10)),
}


def batch_for(row, case):
    """Labels and float64 rows of a case, in the shape that the row's kind of loss takes."""
    labels, vectors = CASES[case]
    if row.shape is not None:
        return row.shape(labels, vectors)
    if row.kind == "proxies":
        # A few cosines far below -cos(margin), where the target bends.
        return labels % vectors.shape[1], np.sin(1.3 * vectors)
    if row.kind == "pairs":
        return (labels == np.roll(labels, 2)).astype(int), np.abs(vectors).sum(axis=1) / 2.0
    if row.kind in ("triplets", "quadruplets"):
        stacked = [vectors, 0.5 * vectors[:, ::-1], np.roll(vectors, 1, axis=1), -vectors]
        return labels, np.stack(stacked[: 3 if row.kind == "triplets" else 4], axis=1)
    if row.kind == "sets":
        return sets_for(labels), vectors
    if row.kind == "views":
        return labels, np.stack([vectors, 0.7 * np.roll(vectors, 1, axis=1)], axis=1)
    return labels, vectors


def sets_for(labels):
    """Some of five labels for each item, more than one or none too."""
    columns = np.arange(5)[None, :]
    own, second = labels[:, None] % 5 == columns, (labels[:, None] // 2 + 1) % 7 == columns
    some = np.arange(len(labels))[:, None] % 3 < 2
    return np.where(some, own | second, own & (columns > 0)).astype("int64")


def weights_for(rows):
    """One weight an item, one of them 0."""
    return np.linspace(0.0, 1.9, len(rows))[::-1].copy()
