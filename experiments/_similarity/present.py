"""Show what was learned: TensorBoard's projector and a page to read."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from experiments._similarity.evaluate import Evaluation
from simlearn import figures, search, tensorboard
from simlearn.checkpoint import Progress
from simlearn.data import LabelledImages, Splits
from simlearn.report import Best, Picture, Report

COLUMNS: Mapping[str, tuple[str, Best]] = {
    "recall_at_1": ("recall@1", "highest"),
    "map_at_r": ("MAP@R", "highest"),
    "auc": ("AUC", "highest"),
    "eer": ("EER", "lowest"),
    "accuracy": ("accuracy", "highest"),
}
NEIGHBOURS = 7
QUERIES = 10


def table(evaluations: Mapping[str, Evaluation]) -> str:
    """The scores as plain text, one row an embedding."""
    width = max(map(len, evaluations))
    lines = [" " * width + "".join(f"{title:>10}" for title, _ in COLUMNS.values())]
    for name, evaluation in evaluations.items():
        cells = "".join(f"{evaluation.scores[key]:10.4f}" for key in COLUMNS)
        lines.append(f"{name:<{width}}{cells}")
    return "\n".join(lines)


def projector(directory: Path, evaluations: Mapping[str, Evaluation], test: LabelledImages) -> None:
    """Write the test embeddings, with their pictures and labels, for TensorBoard's projector."""
    # The projector opens with the first; the classical ones come last.
    for name, evaluation in reversed(list(evaluations.items())):
        tensorboard.write_projector(
            directory,
            name,
            evaluation.embeddings.reshape(len(test), -1),
            labels=test.labels,
            images=test.images,
        )


def fill(
    page: Report,
    *,
    data: Splits,
    evaluations: Mapping[str, Evaluation],
    trainings: Mapping[str, Progress],
    seed: int,
) -> None:
    """Add to the page: scores, learning curves, map, neighbours with errors marked, ROC."""
    page.section("Scores on the test part")
    page.table(
        ["embedding", *(heading for heading, _ in COLUMNS.values())],
        [[name, *(e.scores[key] for key in COLUMNS)] for name, e in evaluations.items()],
        best=dict(COLUMNS.values()),
        caption="Each test picture is a query against all others; AUC, EER and accuracy are over "
        "pairs of test pictures, accuracy at the threshold chosen on validation pairs.",
    )
    page.section("Training")
    page.figure(
        figures.learning_curves({name: p.history for name, p in trainings.items()}),
        caption="Loss by epoch; the two losses are not comparable with each other.",
        alt="Learning curves of both trainings",
    )
    trained = [name for name in evaluations if name in trainings]
    for name in trained:
        _add_embedding(page, name, evaluations[name], data.test, seed)
    page.section("Verification")
    page.figure(
        figures.roc_curves(
            {name: (e.roc.far, e.roc.tar) for name, e in evaluations.items()},
            chosen={
                name: (e.chosen.far, e.chosen.tar, e.chosen.threshold)
                for name, e in evaluations.items()
            },
        ),
        caption="Same class or not, over pairs of test pictures. The points are the thresholds "
        "that decided most validation pairs rightly.",
        alt="ROC curves with the chosen thresholds",
    )


def _add_embedding(
    page: Report, name: str, evaluation: Evaluation, test: LabelledImages, seed: int
) -> None:
    page.section(f"The {name} embedding")
    page.figure(
        figures.embedding_map(figures.project(evaluation.embeddings, seed=seed), test.labels),
        caption="Test pictures in two dimensions by t-SNE, which keeps neighbours together but not "
        "distances between groups.",
        alt=f"Map of the {name} embedding",
    )
    page.pictures(
        _neighbour_rows(evaluation, test),
        caption="Test pictures (left) and their nearest neighbours; queries whose nearest "
        "neighbour is of another class come first.",
    )


def _neighbour_rows(evaluation: Evaluation, test: LabelledImages) -> list[list[Picture]]:
    found = search.nearest(
        evaluation.embeddings,
        evaluation.embeddings,
        min(NEIGHBOURS, len(test) - 1),
        query_keys=test.ids,
        gallery_keys=test.ids,
    ).indices
    right = test.labels[found] == test.labels[:, None]
    # Failures first, then one query a class, so that the page shows what goes wrong and what not.
    first_of_class = np.unique(test.labels, return_index=True)[1]
    failures = np.flatnonzero(~right[:, 0])
    queries = list(dict.fromkeys([*failures[: QUERIES // 2], *first_of_class]))[:QUERIES]
    return [
        [Picture(test.images[query], f"{test.labels[query]}")]
        + [
            Picture(test.images[hit], f"{test.labels[hit]}", "right" if good else "wrong")
            for hit, good in zip(found[query], right[query], strict=True)
        ]
        for query in queries
    ]
