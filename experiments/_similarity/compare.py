"""The whole comparison: train both embeddings, score them beside classical ones, show them."""

import dataclasses
import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments import _audit, _page
from experiments._similarity import evaluate, present, train
from experiments._similarity.config import SimilaritySettings
from simlearn import baselines, training
from simlearn.data import LabelledImages, Splits
from simlearn.report import Report
from simlearn.runs import Run


def compare(
    data: Splits,
    config: SimilaritySettings,
    run: Run,
    *,
    title: str,
    protocol: str,
    data_set: str,
    unknown: Mapping[str, str] | None = None,
    page: Report | None = None,
) -> dict[str, Any]:
    """Train, score and show; everything lands in the run's folder.

    Args:
        data: train, validation and test pictures.
        config: the settings.
        run: the open run.
        title: of the report, or of its chapter.
        protocol: one sentence that says what was measured on what.
        data_set: name of the data set for the leakage audit.
        unknown: what the audit cannot check, and why.
        page: gets a chapter on it; by default the run has a report of its own.

    Returns:
        The scores of each embedding, and what they were measured on.

    Raises:
        UserError: a setting does not fit the data, or the parts share pictures.
    """
    train.check(data, config)
    leakage = _audit.check(data._asdict(), config, data_set=data_set, unknown=unknown)
    embeds = _classical(data.train, config.dim)
    trainings = {}
    for name, fit in {"siamese": train.siamese, "triplet": train.triplet}.items():
        model, trainings[name] = fit(data, config, run)
        training.save_model(model, run.directory / name / "embedding.keras")
        embeds[name] = lambda images, model=model: model.predict(images, batch_size=256, verbose=0)
    evaluations = {
        name: evaluate.evaluate(embed, data, pair_images=config.pair_images, seed=config.seed)
        for name, embed in embeds.items()
    }
    print(f"\n{protocol}\n\n{present.table(evaluations)}\n")
    present.projector(run.directory, evaluations, data.test)
    with _page.of_run(run, page, title=title, protocol=protocol) as shown:
        present.fill(
            shown, data=data, evaluations=evaluations, trainings=trainings, seed=config.seed
        )
    print(f"TensorBoard: {_tensorboard()} --logdir {shlex.quote(str(run.directory))}")
    return {
        "protocol": protocol,
        "scores": {name.replace(" ", "_"): e.scores for name, e in evaluations.items()},
        "training_seconds": {name: round(p.seconds, 1) for name, p in trainings.items()},
        "audit": leakage,
        "data_fingerprint": {part.name: part.fingerprint() for part in data},
    }


def _classical(train: LabelledImages, dim: int) -> dict[str, Any]:
    """Raw pixels, and eigenfaces and Fisherfaces under the names that they have without faces.

    There are many pictures for the few pixels, so the scatter within classes is well known.
    """
    every = baselines.Eigenfaces().fit(train.images)
    return {
        "raw pixels": baselines.raw_pixels,
        "PCA": dataclasses.replace(every, basis=every.basis[:dim]),
        "LDA": baselines.Fisherfaces(whiten=True).fit(train.images, train.labels),
    }


def _tensorboard() -> str:
    """The command as it can be typed here: beside this Python, unless that is on the path."""
    beside = Path(sys.executable).with_name("tensorboard")
    if shutil.which("tensorboard") or not beside.exists():
        return "tensorboard"
    return shlex.quote(os.path.relpath(beside))
