"""The experiment on the AT&T faces itself."""

import os
import shlex
from pathlib import Path
from typing import Any

import numpy as np

from experiments import _audit
from experiments.orl_faces import methods, present, recognition, tables, unknown
from experiments.orl_faces.config import OrlSettings
from simlearn import audit, baselines
from simlearn.data import LabelledFiles, LabelledImages, decoded, orl
from simlearn.data.frames import Stretch
from simlearn.errors import UserError
from simlearn.runs import Run

SIZE = (112, 92)
"""Height and width of the pictures for the classical methods: the set's own."""

SMALL = (56, 46)
"""Height and width for the network."""

_SMOKE_PEOPLE = 10


def run(config: OrlSettings, folder: Run) -> dict[str, Any]:
    """Read the faces; score known and unknown people, and show both."""
    record = _load(config)
    faces = _decoded(record, SIZE)
    unknown.check(faces, config)
    leakage = _audited(faces, config)
    classical = methods.classical(config)
    curves = recognition.curves(
        faces, classical, splits=config.splits, seed=config.seed, run=folder
    )
    known = (
        f"{len(np.unique(record.labels))} people of {record.name}; the nearest training picture "
        f"names each other picture; {config.splits} random splits for each number of training "
        "pictures."
    )
    print(f"\n{known}\n\n{tables.recognition_table(curves)}\n", flush=True)
    outcomes = unknown.outcomes(faces, _decoded(record, SMALL), classical, config, folder)
    strangers = (
        f"{config.folds} folds of people: a fold's people are tested by what was fitted on others, "
        f"{config.validation_people} more of whom choose the network's loss and the thresholds. "
        "Pairs are all pairs of a fold's test pictures."
    )
    found = tables.summary(outcomes)
    print(f"\n{strangers}\n\n{tables.unknown_table(found)}\n")
    _show(config, folder, faces, known, strangers, curves, outcomes)
    return {
        "protocol": {"known": known, "unknown": strangers},
        "recognition": {
            name: {
                str(pictures): {"mean": r.mean, "spread": r.spread, "trials": r.trials}
                for pictures, r in by.items()
            }
            for name, by in curves.items()
        },
        "beside_published": tables.beside_published(curves),
        "unknown": found,
        "training": [_training(outcome) for outcome in outcomes],
        "audit": leakage,
        "data_fingerprint": faces.fingerprint(),
    }


def _training(outcome: unknown.Outcome) -> dict[str, Any]:
    trained = outcome.trained
    return {
        "kept": trained.loss,
        "validation_auc": trained.validation_auc,
        "seconds": {loss: round(p.seconds, 1) for loss, p in trained.progress.items()},
    }


def _audited(faces: LabelledImages, config: OrlSettings) -> list[dict[str, Any]]:
    """What each fold of people shares with the others; a picture that is twice in the set too."""
    disjoint = ("identities", *audit.PICTURES)
    return [
        _audit.check(fold._asdict(), config, data_set="orl", disjoint=disjoint)
        for fold in unknown.folds(faces, config)
    ]


def _show(
    config: OrlSettings,
    folder: Run,
    faces: LabelledImages,
    known: str,
    strangers: str,
    curves: tables.Curves,
    outcomes: list[unknown.Outcome],
) -> None:
    page = folder.directory / "report.html"
    first = unknown.folds(faces, config)[0].train
    present.projector(folder.directory, outcomes)
    present.report(
        page,
        known=known,
        unknown=strangers,
        curves=curves,
        outcomes=outcomes,
        eigenfaces=baselines.Eigenfaces().fit(first.images),
        fisherfaces=baselines.Fisherfaces().fit(first.images, first.labels),
        config=config,
    )
    print(f"report:      {page} (open it in a browser)")
    print(f"TensorBoard: tensorboard --logdir {shlex.quote(str(folder.directory))}")


def _load(config: OrlSettings) -> LabelledFiles:
    shared = Path(os.environ.get("SIMLEARN_DATA") or "data")
    root = shared / "orl" if config.data is None else config.data
    if not root.exists():
        raise UserError(
            f"{root}: expected a folder or zip with the AT&T faces, and found nothing; "
            f"python datasets/orl/prepare.py --data {shared} downloads them into {shared}/orl"
        )
    record = orl.load(root)
    if config.smoke:
        record = record.take(record.labels < _SMOKE_PEOPLE)
    people, counts = np.unique(record.labels, return_counts=True)
    needed = max(4 * config.folds, config.folds + config.validation_people + 2)
    if len(people) < needed or counts.min() < 3:
        raise UserError(
            f"{root}: expected at least {needed} people for {config.folds} folds with "
            f"{config.validation_people} to validate, and 3 pictures of each; "
            f"found {len(people)} people with {counts.min()} or more"
        )
    return record


def _decoded(record: LabelledFiles, size: tuple[int, int]) -> LabelledImages:
    return decoded.labelled_images(record, frame=Stretch(size), channels=1)
