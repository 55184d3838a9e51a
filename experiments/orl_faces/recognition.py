"""Known people: rank-1 recognition by the number of training pictures."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from experiments.orl_faces.methods import Method
from simlearn._files import write_atomically
from simlearn._typing import FloatArray, IntArray
from simlearn.data import LabelledImages
from simlearn.runs import Run

# Keeps these random orders apart from others with the same seed.
_STREAM = 211


@dataclass(frozen=True)
class Rates:
    """A method's rank-1 rates with one number of training pictures.

    Attributes:
        rates: of each split.
        right: test pictures recognised, over all splits.
        trials: test pictures, over all splits.
    """

    rates: tuple[float, ...]
    right: int
    trials: int

    @property
    def mean(self) -> float:
        """Mean over the splits."""
        return float(np.mean(self.rates))

    @property
    def spread(self) -> float:
        """Standard deviation over the splits."""
        return float(np.std(self.rates, ddof=1))

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Wilson interval of the rate over all trials, as if these were independent."""
        found = binomtest(self.right, self.trials).proportion_ci(0.95, method="wilson")
        return float(found.low), float(found.high)


def split(
    people: IntArray, pictures: int, number: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Training and test rows of one random split.

    Every person's pictures are put in a random order, and each split takes the next ones in turn:
    over as many splits as a person has pictures, each is trained on equally often. With one
    picture left to test, ten splits of ten pictures are a tenfold cross-validation.

    Args:
        people: `(n,)`.
        pictures: of each person to train on.
        number: of the split, from 0.
        seed: non-negative.
    """
    train = []
    for person in np.unique(people):
        own = np.flatnonzero(people == person)
        turn, start = divmod(number, len(own))
        order = np.random.default_rng((_STREAM, seed, turn, int(person))).permutation(own)
        train.append(np.roll(order, -start)[:pictures])
    rows = np.sort(np.concatenate(train))
    return rows, np.setdiff1d(np.arange(len(people)), rows)


def curves(
    faces: LabelledImages, methods: Mapping[str, Method], *, splits: int, seed: int, run: Run
) -> dict[str, dict[int, Rates]]:
    """Rates by method and number of training pictures; what a method cannot do is absent.

    Each number's rates are kept in the run's folder, where a killed run finds them again.
    """
    largest = int(np.unique(faces.labels, return_counts=True)[1].min()) - 1
    fixed = {
        name: all_distances(method, faces) for name, method in methods.items() if not method.learns
    }
    found: dict[str, dict[int, Rates]] = {name: {} for name in methods}
    folder = run.directory / "recognition"
    folder.mkdir(exist_ok=True)
    for pictures in range(1, largest + 1):
        path = folder / f"{pictures}.json"
        if not path.exists():
            measured = measure(faces, methods, fixed, pictures, splits, seed)
            write_atomically(path, json.dumps(measured).encode())
        for name, (rates, right, trials) in json.loads(path.read_bytes()).items():
            found[name][pictures] = Rates(tuple(rates), right, trials)
        print(f"recognition: {pictures} of {largest} training pictures a person", flush=True)
    return found


def all_distances(method: Method, faces: LabelledImages) -> FloatArray:
    """Distances `(n, n)` of a method that does not learn, which are the same in every split."""
    embedded = method.fit(faces.images, faces.labels)(faces.images)
    return method.distance(embedded, embedded)


def measure(
    faces: LabelledImages,
    methods: Mapping[str, Method],
    fixed: Mapping[str, FloatArray],
    pictures: int,
    splits: int,
    seed: int,
) -> dict[str, tuple[list[float], int, int]]:
    """Of each method that can be fitted: rates of the splits, right answers and trials in all.

    Args:
        faces: all pictures.
        methods: by name.
        fixed: `all_distances` of those that do not learn.
        pictures: of each person to train on.
        splits: how many.
        seed: of the splits.
    """
    able = {name: method for name, method in methods.items() if pictures >= method.pictures}
    right: dict[str, list[int]] = {name: [] for name in able}
    trials = []
    for number in range(splits):
        train, test = split(faces.labels, pictures, number, seed)
        trials.append(len(test))
        for name, method in able.items():
            if name in fixed:
                distances = fixed[name][np.ix_(test, train)]
            else:
                embed = method.fit(faces.images[train], faces.labels[train])
                distances = method.distance(embed(faces.images[test]), embed(faces.images[train]))
            named = faces.labels[train][distances.argmin(axis=1)]
            right[name].append(int(np.sum(named == faces.labels[test])))
    return {
        name: ([r / t for r, t in zip(counts, trials, strict=True)], sum(counts), sum(trials))
        for name, counts in right.items()
    }
