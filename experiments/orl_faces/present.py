"""Show both parts: a page to read, TensorBoard's projector."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from experiments.orl_faces import tables
from experiments.orl_faces.config import PUBLISHED_PICTURES, OrlSettings
from experiments.orl_faces.score import tar_at
from experiments.orl_faces.unknown import NETWORK, Outcome
from simlearn import baselines, figures, metrics, search, tensorboard
from simlearn._typing import FloatArray
from simlearn.report import Picture, Report

NEIGHBOURS = 7
QUERIES = 8
ROC_POINTS = 200


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
    curves: tables.Curves,
    outcomes: Sequence[Outcome],
    eigenfaces: baselines.LinearEmbedding,
    fisherfaces: baselines.LinearEmbedding,
    config: OrlSettings,
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
    page.section("Unknown people")
    page.text(unknown)
    _add_verification(page, outcomes, config)
    _add_identification(page, outcomes, config)
    _add_training(page, outcomes)
    _add_fold(page, outcomes[0], config.seed)
    page.save(path)


def _add_recognition(page: Report, protocol: str, curves: tables.Curves) -> None:
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
            [str(pictures), *(tables.cell(curves[name].get(pictures)) for name in curves)]
            for pictures in tables.numbers(curves)
        ],
        caption="Rank-1 rate, mean ± standard deviation over the splits; empty where a method "
        "cannot be fitted.",
    )
    beside = tables.beside_published(curves)
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


def _add_verification(page: Report, outcomes: Sequence[Outcome], config: OrlSettings) -> None:
    found = tables.summary(outcomes)
    measured = [scores["far"]["mean"] for scores in found.values()]
    # The measured FAR goes into the caption: with it the table is wider than the page.
    columns = {key: title for key, title in tables.VERIFICATION.items() if key != "far"}
    page.table(
        ["method", *columns.values()],
        tables.summary_rows(found, columns, interval=True),
        caption=f"Verification: mean over the folds. In brackets the 95 % interval from "
        f"{config.resamples} draws of each fold's people with replacement, with the methods as "
        "fitted; elsewhere ± the standard deviation over the folds. TAR is read where the false "
        f"accept rate is at most {config.far:g}; measured are {min(measured):.4f} to "
        f"{max(measured):.4f}. Accuracy is at the threshold that was best on the "
        "validation people.",
    )
    page.table(
        ["AUC of the network minus that of", "95 % low", "95 % high"],
        [
            [name, scores["auc"]["ahead_low"], scores["auc"]["ahead_high"]]
            for name, scores in found.items()
            if name != NETWORK
        ],
        caption="In the same draws: above 0 the network is ahead, below 0 behind.",
    )
    page.figure(
        figures.roc_curves({name: _mean_roc(outcomes, name, config.far) for name in found}),
        caption="True accept rate at each false accept rate, the mean over the folds: distances of "
        "two folds have no common scale.",
        alt="ROC curves on unknown people",
    )


def _add_identification(page: Report, outcomes: Sequence[Outcome], config: OrlSettings) -> None:
    found = tables.summary(outcomes)
    page.table(
        ["method", *tables.IDENTIFICATION.values()],
        tables.summary_rows(found, tables.IDENTIFICATION),
        caption="Identification with one gallery picture a person: mean ± standard deviation over "
        "the folds. Rank 1 is among all of a fold's test people. DIR is the share of known probes "
        "whose person is the nearest and within the threshold, where half of the people are "
        f"strangers, of whose probes at most {config.alarms:g} are named; then at the threshold "
        "that does so on the validation people, with the alarms it raises here.",
    )
    ranks = min(len(outcome.scored[NETWORK].matches) for outcome in outcomes)
    curves = {
        name: np.array([outcome.scored[name].matches[:ranks] for outcome in outcomes])
        for name in found
    }
    page.figure(
        figures.curves_with_spread(
            {
                name: (np.arange(1, ranks + 1), by.mean(axis=0), by.std(axis=0, ddof=1))
                for name, by in curves.items()
            },
            xlabel="rank",
            ylabel="probes whose person is that near",
        ),
        caption="Cumulative match curves: mean over the folds in a band of one standard deviation.",
        alt="Cumulative match curves on unknown people",
    )


def _add_training(page: Report, outcomes: Sequence[Outcome]) -> None:
    page.section("Training of the network")
    page.table(
        ["fold", *(f"AUC with {loss}" for loss in outcomes[0].trained.validation_auc), "kept"],
        [
            [str(number), *outcome.trained.validation_auc.values(), outcome.trained.loss]
            for number, outcome in enumerate(outcomes, start=1)
        ],
        caption="Each fold keeps the loss of the highest AUC on its validation people.",
    )
    page.figure(
        figures.learning_curves(
            {
                f"fold {number}, {outcome.trained.loss}": outcome.trained.progress[
                    outcome.trained.loss
                ].history
                for number, outcome in enumerate(outcomes, start=1)
            }
        ),
        caption="Loss that was kept and spread of the embeddings, which is 0 where all are the "
        "same, by epoch, on the training and the validation people of each fold.",
        alt="Learning curves of the network's trainings",
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
        columns.append(tar_at(curve, rates))
    return rates, np.mean(columns, axis=0)
