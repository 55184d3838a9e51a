"""Score an embedding: published runs, random trials within alphabets, mixed episodes."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from experiments.omniglot_oneshot.config import OmniglotSettings
from experiments.omniglot_oneshot.data import GROUND, Drawings
from simlearn import search
from simlearn.data import omniglot
from simlearn.data.frames import Stretch
from simlearn.data.loading import Loader
from simlearn.metrics import few_shot

Embed: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

# Ways and shots of the episodes that the field reports.
EPISODES = ((5, 1), (5, 5), (20, 1), (20, 5))
_QUERIES = 5
# The trials and episodes are the same for every seed of the training.
_SEED = 0


def score(
    vectors: NDArray[np.float32], scored: Drawings, config: OmniglotSettings
) -> dict[str, few_shot.MeanInterval]:
    """Errors in trials within alphabets (lake) and in episodes over all characters, as shares."""
    labels, found = scored.images.labels, {}
    if config.split == "lake":
        trials = few_shot.draw_one_shot_trials(
            labels, scored.alphabets, scored.drawers, count=config.trials, seed=_SEED
        )
        found["trials"] = _errors(vectors, trials)
    for ways, shots in EPISODES:
        episodes = few_shot.draw_episodes(
            labels, ways=ways, shots=shots, queries=_QUERIES, count=config.trials, seed=_SEED
        )
        found[f"episodes_{ways}way_{shots}shot"] = _errors(vectors, episodes)
    return found


class Mistake(NamedTuple):
    """A drawing of a published run that was taken for another character, `(side, side, 1)` each."""

    drawing: NDArray[np.uint8]
    taken_for: NDArray[np.uint8]
    right: NDArray[np.uint8]


class Published(NamedTuple):
    """The error of each published run, as a share, and what was mistaken."""

    errors: list[float]
    mistakes: list[Mistake]

    @property
    def mean(self) -> float:
        """Share of errors over all runs."""
        return float(np.mean(self.errors))


def published_runs(
    embed: Embed, runs: Sequence[omniglot.OneShotRun], config: OmniglotSettings
) -> Published:
    """Score the published runs: each drawing goes to the nearest of its run's twenty."""
    errors, mistakes = [], []
    for run in runs:
        test, shown = (_pictures(part, config.side) for part in (run.test, run.training))
        asked, examples = embed(test), embed(shown)
        errors.append(1.0 - few_shot.nearest_accuracy(asked, examples, run.answer))
        nearest = search.nearest(asked, examples, 1, distance=search.cosine).indices[:, 0]
        mistakes += [
            Mistake(test[row], shown[nearest[row]], shown[run.answer[row]])
            for row in np.flatnonzero(nearest != run.answer)
        ]
    return Published(errors, mistakes)


def _errors(vectors: NDArray[np.float32], episodes: few_shot.Episodes) -> few_shot.MeanInterval:
    return few_shot.mean_interval(1.0 - few_shot.episode_accuracies(vectors, episodes))


def _pictures(pictures: Any, side: int) -> NDArray[np.uint8]:
    loader = Loader(pictures, frame=Stretch((side, side)), channels=1, fill=GROUND)
    return loader.load(np.arange(len(pictures))).images
