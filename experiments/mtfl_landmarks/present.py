"""Show what was found: tables for the terminal and a page to read."""

from pathlib import Path
from typing import Any, Final

import numpy as np

from experiments.mtfl_landmarks import data
from experiments.mtfl_landmarks.config import LandmarkSettings
from experiments.mtfl_landmarks.data import Parts
from experiments.mtfl_landmarks.evaluate import LIMIT, OFFSET_FOLDS, Outcome, by_point, by_pose
from experiments.mtfl_landmarks.train import Trained
from simlearn import figures, metrics
from simlearn.landmarks import draw
from simlearn.report import Picture, Report

_WORST: Final = 24
_A_ROW: Final = 4
_SIDE: Final = 200
_METHOD_COLUMNS: Final = (
    "method",
    "mean error",
    "failures",
    "area",
    "after offset: mean error",
    "failures after",
    "area after",
)


def protocol(parts: Parts, config: LandmarkSettings) -> str:
    """What was measured on what, in a few sentences."""
    what = "Rendered faces" if config.data is None else f"{config.data_set.upper()}"
    told = data.attributes(parts.training, config)
    beside = f" and {len(told)} attributes" if told else ""
    return (
        f"{what}: {len(parts.training):,} faces to learn from, {len(parts.validation):,} of the "
        f"training rows held out to follow it, {len(parts.scored):,} scored that no network saw. "
        f"{len(parts.training.landmarks)} points{beside}. Errors are over {_distance(config)}, "
        f"in percent; a face fails above {LIMIT:.0%}. 'After offset': less one offset of two "
        f"numbers, estimated for each fifth of the faces on the other {OFFSET_FOLDS - 1}."
    )


def _distance(config: LandmarkSettings) -> str:
    if not config.scale:
        return "the inter-ocular distance"
    return "the distance of {} and {}".format(*config.scale)


def method_rows(outcome: Outcome) -> list[list[Any]]:
    """One row a method: scores in percent."""
    rows: list[list[Any]] = []
    for name, scored in outcome.methods.items():
        row: list[Any] = [name]
        for errors in (scored.errors, scored.offset_errors):
            scores = metrics.landmark_scores(errors, limit=LIMIT)
            row += [100 * scores.mean_error, 100 * scores.failure_rate, scores.area]
        rows.append(row)
    return rows


def attribute_rows(outcome: Outcome) -> list[list[Any]]:
    """One row an attribute: percentages beside the majority's."""
    return [
        [
            name,
            100 * scores.accuracy,
            100 * scores.majority_accuracy,
            100 * scores.balanced_accuracy,
            100 / np.count_nonzero(scores.confusion.sum(axis=1)),
        ]
        for name, scores in outcome.attributes.items()
    ]


def table(outcome: Outcome) -> str:
    """The scores as plain text."""
    lines = [f"{'':16}{'error':>8}{'failures':>10}{'area':>8}   after one offset"]
    for name, error, failures, area, *after in method_rows(outcome):
        offset = f"{after[0]:>8.2f}{after[1]:>10.1f}{after[2]:>8.3f}"
        lines.append(f"{name:16}{error:>8.2f}{failures:>10.1f}{area:>8.3f}   {offset}")
    if outcome.attributes:
        lines += ["", f"{'':16}{'accuracy':>9}{'majority':>10}{'balanced':>10}{'chance':>8}"]
        lines += [
            f"{name:16}{a:>9.1f}{m:>10.1f}{b:>10.1f}{c:>8.1f}"
            for name, a, m, b, c in attribute_rows(outcome)
        ]
    return "\n".join(lines)


def report(
    directory: Path, parts: Parts, outcome: Outcome, trained: Trained, config: LandmarkSettings
) -> Path:
    """Write the page; returns its path."""
    title = "Landmarks of rendered faces" if config.data is None else "Landmarks"
    page = Report(title, subtitle=protocol(parts, config))
    _add_points(page, outcome)
    _add_attributes(page, outcome)
    _add_worst(page, outcome)
    page.section("Training")
    page.figure(
        figures.learning_curves(
            {name: progress.history for name, progress in trained.progress.items()}
        ),
        caption="By epoch of up to 100 batches; losses are unweighted but for `loss`.",
        alt="Learning curves",
    )
    path = directory / "report.html"
    page.save(path)
    return path


def _add_points(page: Report, outcome: Outcome) -> None:
    page.section("Points")
    page.table(
        _METHOD_COLUMNS,
        method_rows(outcome),
        caption="The mean shape is that of the training faces, in the middle of each picture. "
        f"Offset of the last method: {outcome.best.offset} pixels.",
    )
    curves = {}
    for name, scored in outcome.methods.items():
        curves[name] = metrics.cumulative_errors(scored.errors, limit=2 * LIMIT)
    offset = metrics.cumulative_errors(outcome.best.offset_errors, limit=2 * LIMIT)
    page.figure(
        figures.cumulative_error_curves(curves | {f"{name}, after one offset": offset}),
        caption="Share of faces whose mean error is at most x.",
        alt="Cumulative error curves",
    )
    page.table(
        ["point", "error", "after offset"],
        [[name, *errors] for name, errors in by_point(outcome.best, outcome.faces).items()],
        caption="Mean error of each point, in percent.",
    )
    poses = by_pose(outcome.best, outcome.faces)
    if poses:
        page.table(
            ["head pose", "faces", "error", "failures", "error after", "failures after"],
            [
                [
                    name,
                    raw.pictures,
                    *(100 * raw.mean_error, 100 * raw.failure_rate),
                    *(100 * after.mean_error, 100 * after.failure_rate),
                ]
                for name, (raw, after) in poses.items()
            ],
            caption="By head pose, in percent. Eyes are close together in a profile, and errors "
            "are over their distance.",
        )


def _add_attributes(page: Report, outcome: Outcome) -> None:
    if not outcome.attributes:
        return
    page.section("Attributes")
    page.table(
        ["attribute", "accuracy", "majority", "balanced accuracy", "chance"],
        attribute_rows(outcome),
        caption="In percent. Majority: what always saying the most frequent value scores; chance: "
        "its balanced accuracy.",
    )
    schema = {one.name: one for one in outcome.faces.attributes}
    for name, scores in outcome.attributes.items():
        values = schema[name].values
        page.table(
            [f"{name}: is", *(f"told {value}" for value in values), "right"],
            [
                [value, *row.tolist(), f"{100 * row[place] / max(row.sum(), 1):.0f} %"]
                for place, (value, row) in enumerate(zip(values, scores.confusion, strict=True))
            ],
            caption=f"Faces by true {name} (rows) and by what was told (columns).",
        )


def _add_worst(page: Report, outcome: Outcome) -> None:
    page.section("The worst")
    scored = np.flatnonzero(np.isfinite(outcome.best.errors).any(axis=1))
    means = np.full(len(outcome.faces), -np.inf)
    means[scored] = np.nanmean(outcome.best.errors[scored], axis=1)
    worst = np.argsort(-means)[: min(_WORST, len(scored))]
    pictures = [
        Picture(
            draw(
                outcome.faces.pictures.open(int(row)),
                outcome.best.points[row],
                true=np.where(
                    outcome.faces.visible[row][:, None], outcome.faces.points[row], np.nan
                ),
            ),
            f"{100 * means[row]:.0f} % (id {outcome.faces.ids[row]})",
        )
        for row in worst
    ]
    page.pictures(
        [pictures[start : start + _A_ROW] for start in range(0, len(pictures), _A_ROW)],
        caption="The faces with the largest errors: discs were found, crosses are the labels.",
        side=_SIDE,
    )
