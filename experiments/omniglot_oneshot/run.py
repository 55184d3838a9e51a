"""The Omniglot experiment itself."""

from typing import Any, Final

import keras
import numpy as np

from experiments import _audit
from experiments.omniglot_oneshot import data, evaluate, present
from experiments.omniglot_oneshot.config import OmniglotSettings
from experiments.omniglot_oneshot.train import train
from simlearn import audit, baselines, training
from simlearn.data import LabelledImages, omniglot
from simlearn.runs import Run

# What PCA and LDA are fitted on: more changes little and takes minutes.
_CLASSICAL_CHARACTERS: Final = 200


def run(config: OmniglotSettings, folder: Run) -> dict[str, Any]:
    """Read, train, score, show."""
    parts = data.parts(config)
    # Asked for before the training, so that a missing file is known at once.
    runs = omniglot.runs(data.folder_of(config)) if present.scores_runs(config) else ()
    leakage = _audit.check(
        {"training": parts.training.images, "scored": parts.scored.images},
        config,
        data_set="omniglot",
        disjoint=("identities", *audit.PICTURES),
    )
    if config.split == "vinyals":
        # The field counts each quarter turn of a character as another character, in tests too.
        parts = parts._replace(scored=data.quarter_turns(parts.scored))
    model, progress = train(parts.training, config, folder)
    training.save_model(model, folder.directory / "embedding.keras")
    results = {}
    for name, embed in _embeds(model, parts.training.images, config).items():
        vectors = embed(parts.scored.images.images)
        published = evaluate.published_runs(embed, runs, config) if runs else None
        results[name] = present.Result(
            vectors, evaluate.score(vectors, parts.scored, config), published
        )
    print(f"\n{present.protocol(parts, config)}\n\n{present.table(results)}\n")
    page = present.report(folder.directory, parts, results, progress, config)
    print(f"report:      {page} (open it in a browser)")
    return {
        "protocol": present.protocol(parts, config),
        "scores": {name: result.as_json() for name, result in results.items()},
        "training_seconds": round(progress.seconds, 1),
        "audit": leakage,
        "data_fingerprint": {part.images.name: part.images.fingerprint() for part in parts},
    }


def _embeds(
    model: keras.Model, learned: LabelledImages, config: OmniglotSettings
) -> dict[str, evaluate.Embed]:
    """Drawings to vectors, by name: the classical ones first."""
    few = learned.take(np.isin(learned.labels, np.unique(learned.labels)[:_CLASSICAL_CHARACTERS]))
    ink = data.GROUND - few.images
    principal = baselines.Eigenfaces(components=config.dim).fit(ink)
    discriminant = baselines.Fisherfaces(
        components=config.dim, principal=2 * config.dim, whiten=True
    ).fit(ink, few.labels)
    return {
        "raw pixels": lambda images: baselines.raw_pixels(data.GROUND - images),
        "PCA": lambda images: principal(data.GROUND - images),
        "LDA": lambda images: discriminant(data.GROUND - images),
        "network": lambda images: model.predict(images, batch_size=256, verbose=0),
    }
