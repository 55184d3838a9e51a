"""Show both parts: plain text, a page to read, TensorBoard's projector."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from experiments.orl_faces.config import PUBLISHED, PUBLISHED_PICTURES
from experiments.orl_faces.recognition import Rates
from experiments.orl_faces.unknown import NETWORK, Outcome
from simlearn import baselines, figures, metrics, search, tensorboard
from simlearn._typing import FloatArray
from simlearn.report import Best, Picture, Report

COLUMNS: Mapping[str, tuple[str, Best]] = {
    "auc": ("AUC", "highest"),
    "eer": ("EER", "lowest"),
    "tar": ("TAR", "highest"),
    "far": ("measured FAR", "lowest"),
    "accuracy": ("accuracy", "highest"),
    "rank_1": ("rank 1", "highest"),
}
NEIGHBOURS = 7
QUERIES = 8
ROC_POINTS = 200

Curves = Mapping[str, Mapping[int, Rates]]


def recognition_table(curves: Curves) -> str:
    """Means and standard deviations over the splits, a row a number of training pictures."""
    lines = ["pictures" + "".join(f"{name:>19}" for name in curves)]
    for pictures in _numbers(curves):
        cells = [
            f"{rates.mean:.4f} ± {rates.spread:.4f}" if rates else "-"
            for rates in (curves[name].get(pictures) for name in curves)
        ]
        lines.append(f"{pictures:>8}" + "".join(f"{cell:>19}" for cell in cells))
    return "\n".join(lines)


def beside_published(curves: Curves) -> dict[str, dict[str, float | bool]]:
    """Where the published number of training pictures was run: ours, its spread, and theirs."""
    return {
        name: {
            "mean": rates.mean,
            "spread": rates.spread,
            "low": rates.interval[0],
            "high": rates.interval[1],
            "published": PUBLISHED[name],
            "within_spread": abs(rates.mean - PUBLISHED[name]) <= rates.spread,
        }
        for name in curves
        if (rates := curves[name].get(PUBLISHED_PICTURES)) and name in PUBLISHED
    }


def unknown_table(outcomes: Sequence[Outcome]) -> str:
    """Means and standard deviations over the folds, a row a method."""
    found = summary(outcomes)
    width = max(map(len, found))
    lines = [" " * width + "".join(f"{title:>18}" for title, _ in COLUMNS.values())]
    for name, scores in found.items():
        cells = [f"{scores[key]['mean']:.4f} ± {scores[key]['spread']:.4f}" for key in COLUMNS]
        lines.append(f"{name:<{width}}" + "".join(f"{cell:>18}" for cell in cells))
    return "\n".join(lines)


def summary(outcomes: Sequence[Outcome]) -> dict[str, dict[str, dict[str, float]]]:
    """Mean and standard deviation over the folds of each method's scores."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name in outcomes[0].scored:
        found[name] = {}
        for key in COLUMNS:
            values = [outcome.scored[name].scores[key] for outcome in outcomes]
            found[name][key] = {
                "mean": float(np.mean(values)),
                "spread": float(np.std(values, ddof=1)),
            }
    return found


def projector(directory: Path, outcomes: Sequence[Outcome]) -> None:
    """Write each fold's network embedding of its test people, and two classical ones of the first.

    Embeddings of two folds are by two networks: they share no space.
    """
    shown = {f"{NETWORK}, fold {n}": (o, NETWORK) for n, o in enumerate(outcomes, start=1)}
    shown |= {f"{name}, fold 1": (outcomes[0], name) for name in ("eigenfaces", "Fisherfaces")}
    for title, (outcome, name) in reversed(list(shown.items())):
        test = outcome.test
        embeddings = outcome.scored[name].embeddings
        tensorboard.write_projector(
            directory, title, embeddings, labels=test.labels, images=test.images
        )


def report(
    path: Path,
    *,
    known: str,
    unknown: str,
    curves: Curves,
    outcomes: Sequence[Outcome],
    eigenfaces: baselines.LinearEmbedding,
    fisherfaces: baselines.LinearEmbedding,
    far: float,
    seed: int,
) -> None:
    """Write the page."""
    page = Report("AT&T faces", subtitle="Classical methods and a triplet network, side by side.")
    _add_recognition(page, known, curves)
    page.section("What they look at")
    page.pictures(
        [
            [Picture(picture, str(n)) for n, picture in enumerate(found.pictures()[:9], start=1)]
            for found in (eigenfaces, fisherfaces)
        ],
        caption="The first eigenfaces (above) and Fisherfaces (below) of the first fold's training "
        "people; mid-grey is zero.",
    )
    _add_unknown(page, unknown, outcomes, far)
    page.section("Training of the network")
    page.figure(
        figures.learning_curves({f"fold {n}": o.progress.history for n, o in _numbered(outcomes)}),
        caption="Triplet loss by epoch, on the training and on the validation people of each fold.",
        alt="Learning curves of the network's trainings",
    )
    _add_fold(page, outcomes[0], seed)
    page.save(path)


def _add_recognition(page: Report, protocol: str, curves: Curves) -> None:
    page.section("Known people")
    page.text(protocol)
    page.figure(
        figures.curves_with_spread(
            {
                name: (
                    list(by),
                    [rates.mean for rates in by.values()],
                    [rates.spread for rates in by.values()],
                )
                for name, by in curves.items()
                if by
            },
            xlabel="training pictures a person",
            ylabel="rank-1 recognition rate",
        ),
        caption="Mean over the splits; the band is one standard deviation over them to either "
        "side. Fisherfaces need two pictures of a person.",
        alt="Recognition rate by number of training pictures",
    )
    page.table(
        ["training pictures", *curves],
        [
            [str(pictures), *(_cell(curves[name].get(pictures)) for name in curves)]
            for pictures in _numbers(curves)
        ],
        caption="Rank-1 rate, mean ± standard deviation over the splits; empty where a method "
        "cannot be fitted.",
    )
    beside = beside_published(curves)
    if beside:
        page.table(
            ["method", "ours", "± over splits", "95 % low", "95 % high", "published"],
            [
                [name, *(float(row[k]) for k in ("mean", "spread", "low", "high", "published"))]
                for name, row in beside.items()
            ],
            caption=f"With {PUBLISHED_PICTURES} training pictures a person. Low and high are "
            "Wilson's interval over all trials of all splits, taken as independent. Published: P. "
            "Wagner's facerec, tenfold cross-validation.",
        )


def _add_unknown(page: Report, protocol: str, outcomes: Sequence[Outcome], far: float) -> None:
    page.section("Unknown people")
    page.text(protocol)
    found = summary(outcomes)
    page.table(
        ["method", *(title for title, _ in COLUMNS.values())],
        [
            [name, *(f"{scores[k]['mean']:.4f} ± {scores[k]['spread']:.4f}" for k in COLUMNS)]
            for name, scores in found.items()
        ],
        caption=f"Mean ± standard deviation over the folds. TAR is read where the false accept "
        f"rate is at most {far:g}, which the next column shows as measured. Accuracy is at the "
        "threshold that was best on the validation people. Rank 1 is among the fold's test people "
        "with one gallery picture each.",
    )
    page.figure(
        figures.roc_curves({name: _mean_roc(outcomes, name, far) for name in found}),
        caption="True accept rate at each false accept rate, the mean over the folds: distances of "
        "two folds have no common scale.",
        alt="ROC curves on unknown people",
    )


def _add_fold(page: Report, outcome: Outcome, seed: int) -> None:
    page.section("The first fold's test people, as the network sees them")
    scored, test = outcome.scored[NETWORK], outcome.test
    page.figure(
        figures.embedding_map(figures.project(scored.embeddings, seed=seed), test.labels),
        caption="Pictures of people of whom the network saw nothing in training, in two "
        "dimensions by t-SNE.",
        alt="Map of the network's embedding",
    )
    page.figure(
        figures.distance_histogram(scored.distances, scored.same, threshold=scored.threshold),
        caption="Distances of pairs; the threshold is the validation people's.",
        alt="Distances of pairs of one person and of two",
    )
    page.pictures(
        _neighbour_rows(outcome),
        caption="Test pictures (left) and their nearest neighbours; queries whose nearest "
        "neighbour is another person come first.",
    )


def _neighbour_rows(outcome: Outcome) -> list[list[Picture]]:
    scored, test = outcome.scored[NETWORK], outcome.test
    count = min(NEIGHBOURS, len(test) - 1)
    found = search.nearest(
        scored.embeddings, scored.embeddings, count, query_keys=test.ids, gallery_keys=test.ids
    ).indices
    right = test.labels[found] == test.labels[:, None]
    first = np.unique(test.labels, return_index=True)[1]
    failures = np.flatnonzero(~right[:, 0])
    queries = list(dict.fromkeys([*failures[: QUERIES // 2], *first]))[:QUERIES]
    return [
        [Picture(test.images[query], f"{test.labels[query]}")]
        + [
            Picture(test.images[hit], f"{test.labels[hit]}", "right" if good else "wrong")
            for hit, good in zip(found[query], right[query], strict=True)
        ]
        for query in queries
    ]


def _mean_roc(outcomes: Sequence[Outcome], name: str, far: float) -> tuple[FloatArray, FloatArray]:
    """Vertical averaging: at each false accept rate, the mean true accept rate over the folds."""
    rates = np.geomspace(far / 10, 1.0, ROC_POINTS)
    columns = []
    for outcome in outcomes:
        curve = metrics.roc(outcome.scored[name].distances, outcome.scored[name].same)
        columns.append(curve.tar[np.searchsorted(curve.far, rates, side="right") - 1])
    return rates, np.mean(columns, axis=0)


def _numbered(outcomes: Sequence[Outcome]) -> list[tuple[int, Outcome]]:
    return list(enumerate(outcomes, start=1))


def _numbers(curves: Curves) -> list[int]:
    return sorted({pictures for by in curves.values() for pictures in by})


def _cell(rates: Rates | None) -> str | None:
    return f"{rates.mean:.4f} ± {rates.spread:.4f}" if rates else None
