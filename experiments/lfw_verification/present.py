"""Show what was found: a table, and a page with the worst mistakes."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from experiments.lfw_verification import score
from experiments.lfw_verification.config import PUBLISHED, VerificationSettings
from experiments.lfw_verification.embed import Embedded
from experiments.lfw_verification.pairs import Pairs
from simlearn import figures, metrics
from simlearn.data.loading import Loader, Skipped
from simlearn.report import Picture, Report

_SHOWN = 8


class Outcome(NamedTuple):
    """One way of laying faces: embeddings, and their scores."""

    embedded: Embedded
    scored: score.Scored


def protocol(pairs: Pairs, config: VerificationSettings) -> str:
    """What was measured, in a sentence."""
    count, folds = len(pairs.same), len(np.unique(pairs.fold))
    text = f"{pairs.name}, {count} pairs in {folds} folds, each at the best threshold of the others"
    if config.protocol == "view1":
        return f"{text}; View 1 is for choosing: what is chosen here is not reported as a result"
    return text


def table(outcomes: Mapping[str, Outcome], classical: Mapping[str, metrics.FoldScores]) -> str:
    """Accuracy with standard error, interval and EER, a line a method."""
    lines = [f"{'':14}accuracy  std.err.  95 % interval      EER"]
    for name, outcome in outcomes.items():
        scored = outcome.scored
        interval = scored.interval
        told = "                 " if interval is None else (
            f"{interval.low:.4f} to {interval.high:.4f}"
        )  # fmt: skip
        lines.append(
            f"{name:14}{scored.folds.mean:.4f}    {scored.folds.standard_error:.4f}    {told}"
            f"   {scored.scores['eer']:.4f}"
        )
    for name, found in classical.items():
        lines.append(f"{name:14}{found.mean:.4f}    {found.standard_error:.4f}")
    return "\n".join(lines)


def report(
    path: Path,
    pairs: Pairs,
    outcomes: Mapping[str, Outcome],
    classical: Mapping[str, metrics.FoldScores],
    reported: str | None,
    config: VerificationSettings,
) -> Path:
    """Write the page.

    Returns:
        Where it is.
    """
    page = Report("Face verification", subtitle=protocol(pairs, config))
    page.section("Accuracy")
    page.table(
        ["method", "accuracy", "standard error", "low", "high", "EER", "pairs", "dropped"],
        [*map(_row, outcomes.items()), *map(_classical_row, classical.items())],
        caption="Mean of the folds; 95 % interval from draws of people.",
        best={"accuracy": "highest"},
    )
    if config.protocol == "view2":
        page.table(["published, LFW View 2", "accuracy"], [list(row) for row in PUBLISHED.items()])
    if outcomes:
        _curves(page, pairs, outcomes)
    if reported is not None:
        _mistakes(page, pairs, reported, outcomes[reported])
    return page.save(path)


def _row(item: tuple[str, Outcome]) -> list[object]:
    name, (embedded, scored) = item
    folds, ends = scored.folds, scored.interval
    low, high = (None, None) if ends is None else (ends.low, ends.high)
    counts = [int(folds.scored.sum()), int(folds.dropped.sum())]
    title = f"{name} (no face found in {embedded.unfound})" if embedded.unfound else name
    return [title, folds.mean, folds.standard_error, low, high, scored.scores["eer"], *counts]


def _classical_row(item: tuple[str, metrics.FoldScores]) -> list[object]:
    name, folds = item
    counts = [int(folds.scored.sum()), int(folds.dropped.sum())]
    return [name, folds.mean, folds.standard_error, None, None, None, *counts]


def _curves(page: Report, pairs: Pairs, outcomes: Mapping[str, Outcome]) -> None:
    page.section("Curves")
    curves = {}
    for name, outcome in outcomes.items():
        kept = ~np.isnan(outcome.scored.distances)
        curve = metrics.roc(outcome.scored.distances[kept], pairs.same[kept])
        curves[name] = (curve.far, curve.tar)
    page.figure(
        figures.roc_curves(curves),
        caption="True accepts against false accepts, all pairs",
        alt="ROC curves of the ways of laying faces",
    )
    for name, outcome in outcomes.items():
        kept = ~np.isnan(outcome.scored.distances)
        page.figure(
            figures.distance_histogram(
                outcome.scored.distances[kept],
                pairs.same[kept],
                threshold=float(np.mean(outcome.scored.folds.thresholds)),
            ),
            caption=f"{name}: cosine distances, and the mean of the folds' thresholds",
            alt="Histograms of the distances of same and of different pairs",
        )


def _mistakes(page: Report, pairs: Pairs, name: str, outcome: Outcome) -> None:
    page.section("Worst mistakes")
    for accepted, title in ((True, "False accepts"), (False, "False rejects")):
        rows = score.worst(outcome.scored, pairs, accepted=accepted, count=_SHOWN)
        if not len(rows):
            page.text(f"{title}: none.")
            continue
        grid = [_pair(pairs, int(row), outcome) for row in rows]
        page.pictures(grid, caption=f"{title}, {name}, the plainest first, as the model sees them")


def _pair(pairs: Pairs, row: int, outcome: Outcome) -> list[Picture]:
    things = [int(pairs.left[row]), int(pairs.right[row])]
    first = np.searchsorted(pairs.thing, things)
    embedded = outcome.embedded
    loader = Loader(
        pairs.pictures, frame=embedded.frame, channels=3, skipped=Skipped(limit=1.0), workers=1
    )
    images = loader.load(first).images
    labels = [str(pairs.people[thing]).replace("_", " ") for thing in things]
    labels[1] += f" {outcome.scored.distances[row]:.3f}"
    return [Picture(image, label) for image, label in zip(images, labels, strict=True)]
