"""Show what was learned: a table, and a page."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.facenet.data import Parts
from experiments.facenet.score import Scored
from simlearn import figures, metrics, search
from simlearn.checkpoint import Progress
from simlearn.data import LabelledImages
from simlearn.report import Picture, Report

_ROWS, _COLUMNS = 8, 7
Vectors = Mapping[str, tuple[NDArray[np.float32], NDArray[np.float32]]]


def protocol(parts: Parts) -> str:
    """What was measured, in a sentence."""
    counts = [len(np.unique(part.labels)) for part in parts]
    rendered = ", rendered people" if "rendered" in parts.test.name else ""
    return (
        f"{parts.test.name}{rendered}: {counts[2]} people to report on, {counts[1]} to choose by "
        f"and {counts[0]} to train on, nobody in two of them; one split, one seed"
    )


def table(scores: Mapping[str, Scored]) -> str:
    """A line a method."""
    lines = [f"{'':13}AUC     95 % interval     EER     bal.acc. rank 1  B-cubed F"]
    for name, one in scores.items():
        lines.append(
            f"{name:13}{one.auc.estimate:.4f}  {one.auc.low:.4f} to {one.auc.high:.4f}  "
            f"{one.eer:.4f}  {one.accuracy:.4f}   {one.rank_1:.4f}  {one.b_cubed:.4f}"
        )
    return "\n".join(lines)


def report(
    path: Path,
    parts: Parts,
    scores: Mapping[str, Scored],
    progress: Mapping[str, Progress],
    vectors: Vectors,
) -> Path:
    """Write the page."""
    page = Report("Face embeddings", subtitle=protocol(parts))
    page.section("Scores on new people")
    page.table(
        ["method", "AUC", "low", "high", "EER", "balanced accuracy", "rank 1", "B-cubed F"],
        [
            [name, s.auc.estimate, s.auc.low, s.auc.high, s.eer, s.accuracy, s.rank_1, s.b_cubed]
            for name, s in scores.items()
        ],
        caption="Cosine distance; thresholds from validation people.",
        best={"AUC": "highest", "EER": "lowest", "rank 1": "highest", "B-cubed F": "highest"},
    )
    curves = {name: metrics.roc(s.distances, s.same) for name, s in scores.items()}
    page.figure(
        figures.roc_curves({name: (c.far, c.tar) for name, c in curves.items()}),
        caption="All pairs of test pictures",
        alt="ROC curves of the methods",
    )
    page.section("Training")
    for name, one in progress.items():
        page.figure(
            figures.learning_curves({name: one.history}),
            caption=f"{name}: {one.epochs} epochs, {one.seconds:.0f} seconds",
            alt=f"Curves of the {name}",
        )
    page.section("Nearest neighbours")
    page.pictures(
        _neighbours(parts.test, vectors["network"][0]),
        caption="The network: a test picture, and the nearest others",
    )
    return page.save(path)


def _neighbours(test: LabelledImages, vectors: NDArray[np.float32]) -> list[list[Picture]]:
    rows = np.linspace(0, len(test) - 1, _ROWS).round().astype(int)
    distances = search.cosine(vectors[rows], vectors)
    distances[np.arange(len(rows)), rows] = np.inf
    grid = []
    for row, own in zip(rows, distances, strict=True):
        line = [Picture(test.images[row], f"person {test.labels[row]}")]
        for near in np.argsort(own)[:_COLUMNS]:
            right = test.labels[near] == test.labels[row]
            mark = "right" if right else "wrong"
            line.append(Picture(test.images[near], f"{own[near]:.2f}", mark))  # type: ignore[arg-type]
        grid.append(line)
    return grid
