"""Show what was learned: a table, a page to read, TensorBoard's projector."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.omniglot_oneshot.config import OmniglotSettings
from experiments.omniglot_oneshot.data import Parts
from experiments.omniglot_oneshot.evaluate import EPISODES, Mistake, Published
from simlearn import figures, tensorboard
from simlearn.checkpoint import Progress
from simlearn.metrics import few_shot
from simlearn.report import Picture, Report

_TITLES: Mapping[str, str] = {
    "trials": "trials",
    **{f"episodes_{ways}way_{shots}shot": f"{ways}w{shots}s" for ways, shots in EPISODES},
}
# Errors in percent, as published.
_PUBLISHED_RUNS: Mapping[str, float] = {
    "people (Lake et al. 2015)": 4.5,
    "Bayesian program learning (Lake et al. 2015)": 3.3,
    "Siamese network (Koch et al. 2015)": 8.0,
    "prototypical network (Lake et al. 2019)": 13.7,
}
_PUBLISHED_EPISODES: Mapping[str, Mapping[str, float]] = {
    "prototypical networks (Snell et al. 2017)": {
        "5w1s": 1.2, "5w5s": 0.3, "20w1s": 4.0, "20w5s": 1.1,
    },
}  # fmt: skip
_MISTAKES = 12
_PROJECTED = 2000


class Result(NamedTuple):
    """One embedding's vectors of the scored drawings, and its errors as shares."""

    vectors: NDArray[np.float32]
    errors: dict[str, few_shot.MeanInterval]
    published: Published | None

    def as_json(self) -> dict[str, Any]:
        """The errors, as results.json holds them."""
        found: dict[str, Any] = {name: error._asdict() for name, error in self.errors.items()}
        if self.published is not None:
            found["published_runs"] = {
                "error": self.published.mean,
                "errors": self.published.errors,
            }
        return found


def scores_runs(config: OmniglotSettings) -> bool:
    """Whether the published runs are scored: only by a model that no choice depends on."""
    return config.split == "lake" and not config.validate


def protocol(parts: Parts, config: OmniglotSettings) -> str:
    """What was measured on what, in a sentence or two."""
    trained, scored = (len(np.unique(part.images.labels)) for part in parts)
    what = f"Omniglot: trained on {trained:,} characters, scored on {scored:,} others"
    held_out = ", held out of the training set to choose settings" if config.validate else ""
    trials = (
        f" runs: the 20 published; trials: {config.trials:,} random ones of 20 characters of one "
        "alphabet, two drawers;"
        if config.split == "lake"
        else ""
    )
    return (
        f"{what}{held_out}. Errors in percent;{trials} NwKs: {config.trials:,} episodes of N "
        "characters by K drawings. Each drawing is decided on its own and embedded once."
    )


def table(results: Mapping[str, Result]) -> str:
    """The errors as plain text, one row an embedding, with 95 % intervals below."""
    headings, rows = _columns(results)
    width = max(len(str(row[0])) for row in rows)
    lines = [" " * width + "".join(f"{heading:>14}" for heading in headings[1:])]
    for name, *cells in rows:
        lines.append(f"{name:<{width}}" + "".join(f"{cell:>14}" for cell in cells))
    return "\n".join(lines)


def report(
    directory: Path,
    parts: Parts,
    results: Mapping[str, Result],
    progress: Progress,
    config: OmniglotSettings,
) -> Path:
    """Write the page and the projector's files; returns the page's path."""
    page = Report("Omniglot", subtitle=protocol(parts, config))
    page.section("Errors on new characters")
    page.table(
        *_columns(results),
        caption="In percent, with 95 % intervals over trials and episodes; they tell the chance of "
        "the draw, not that of the training.",
    )
    page.table(
        ["published", *_published(config)[0]], _published(config)[1], caption=_caveat(config)
    )
    page.section("Training")
    page.figure(
        figures.learning_curves({"network": progress.history}),
        caption=f"Loss by epoch of {config.steps} batches.",
        alt="Learning curve",
    )
    network = results["network"].published
    if network is not None and network.mistakes:
        page.section("What was mistaken")
        page.pictures(
            [_mistake(mistake) for mistake in network.mistakes[:_MISTAKES]],
            caption=f"{len(network.mistakes)} of 400 drawings of the published runs went to "
            "another character than their own.",
        )
    path = directory / "report.html"
    page.save(path)
    _project(directory, parts, results)
    return path


def _columns(results: Mapping[str, Result]) -> tuple[list[str], list[list[str]]]:
    first = next(iter(results.values()))
    runs = [] if first.published is None else ["runs"]
    headings = ["embedding", *runs, *(_TITLES[name] for name in first.errors)]
    rows = []
    for name, result in results.items():
        cells = [] if result.published is None else [f"{100 * result.published.mean:.2f}"]
        cells += [
            f"{100 * error.mean:.2f} ± {100 * error.half_width:.2f}"
            for error in result.errors.values()
        ]
        rows.append([name, *cells])
    return headings, rows


def _published(config: OmniglotSettings) -> tuple[list[str], list[list[Any]]]:
    if config.split == "lake":
        return ["runs"], [[name, error] for name, error in _PUBLISHED_RUNS.items()]
    titles = [_TITLES[f"episodes_{ways}way_{shots}shot"] for ways, shots in EPISODES]
    return titles, [
        [name, *(errors[title] for title in titles)] for name, errors in _PUBLISHED_EPISODES.items()
    ]


def _caveat(config: OmniglotSettings) -> str:
    if config.split == "lake":
        return "Published errors in the 20 runs, in percent."
    return "Published errors in percent, on another random split of the characters."


def _mistake(mistake: Mistake) -> list[Picture]:
    return [
        Picture(mistake.drawing, "drawing"),
        Picture(mistake.taken_for, "taken for", "wrong"),
        Picture(mistake.right, "is", "right"),
    ]


def _project(directory: Path, parts: Parts, results: Mapping[str, Result]) -> None:
    # The first alphabets whole, rather than a few drawings of each character.
    few = slice(0, _PROJECTED)
    images = parts.scored.images
    tensorboard.write_projector(
        directory,
        "network",
        results["network"].vectors[few],
        labels=images.labels[few],
        images=images.images[few],
    )
