"""Unknown people: folds of people, the network trained for each, classical methods beside it."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from experiments.orl_faces import network
from experiments.orl_faces.config import OrlSettings
from experiments.orl_faces.methods import Embed, Method
from experiments.orl_faces.score import Scored, require_support, score
from simlearn import search
from simlearn.data import LabelledImages
from simlearn.runs import Run

NETWORK = "triplet network"

_STREAM = 212


class Fold(NamedTuple):
    """People to train on, to choose loss and thresholds by, to test; no one is in two of them."""

    train: LabelledImages
    validation: LabelledImages
    test: LabelledImages


class Outcome(NamedTuple):
    """One fold's test pictures, its scores by method and how its trainings went."""

    test: LabelledImages
    scored: dict[str, Scored]
    trained: network.Trained


def folds(faces: LabelledImages, config: OrlSettings) -> list[Fold]:
    """Every person is tested in one fold; the next people in a random order validate."""
    people = np.random.default_rng((_STREAM, config.seed)).permutation(np.unique(faces.labels))
    found = []
    for number, tested in enumerate(np.array_split(people, config.folds)):
        start = int(np.flatnonzero(people == tested[0])[0])
        validating = np.roll(people, -(start + len(tested)))[: config.validation_people]
        parts = {
            "train": np.setdiff1d(people, np.concatenate([tested, validating])),
            "validation": validating,
            "test": tested,
        }
        found.append(
            Fold(
                **{
                    part: faces.take(np.isin(faces.labels, members), name=f"{part} {number + 1}")
                    for part, members in parts.items()
                }
            )
        )
    return found


def outcomes(
    faces: LabelledImages,
    small: LabelledImages,
    methods: Mapping[str, Method],
    config: OrlSettings,
    run: Run,
) -> list[Outcome]:
    """Train on each fold, and score the network and the classical methods on its test people.

    Args:
        faces: for the classical methods, which are fitted on the same people.
        small: the same pictures, as the network takes them.
        methods: the classical ones.
        config: the settings.
        run: the open run.
    """
    found = []
    both = zip(folds(faces, config), folds(small, config), strict=True)
    for number, (fold, shrunk) in enumerate(both, start=1):
        print(f"fold {number} of {config.folds}", flush=True)
        directory = run.directory / f"fold{number}"
        trained = network.train(shrunk.train, shrunk.validation, config, directory)

        def scored_by(
            embed: Embed, distance: search.Distance, part: Fold = fold, draw: int = number
        ) -> Scored:
            return score(
                embed, part.validation, part.test, distance=distance, config=config, draw=draw
            )

        scored = {
            name: scored_by(method.fit(fold.train.images, fold.train.labels), method.distance)
            for name, method in methods.items()
        }
        scored[NETWORK] = scored_by(trained.embed, search.euclidean, shrunk)
        found.append(Outcome(fold.test, scored, trained))
        print(f"scored fold {number}", flush=True)
    return found


def check(faces: LabelledImages, config: OrlSettings) -> None:
    """Plan one batch of every fold, so that a wrong setting is noticed before any training."""
    every = folds(faces, config)
    for fold in every:
        network.plan(fold.train, config)(0)
        network.plan(fold.validation, config)(0)
    for fold in every:
        require_support(fold.validation, fold.test, config)
