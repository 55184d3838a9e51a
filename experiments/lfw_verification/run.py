"""The verification experiment itself."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from experiments.lfw_verification import baselines, embed, pairs, present, score
from experiments.lfw_verification.config import VerificationSettings
from simlearn import faces, metrics, search
from simlearn.runs import Run


def run(config: VerificationSettings, folder: Run) -> dict[str, Any]:
    """Read the pairs, embed their pictures, score them, show it."""
    told = pairs.load(config)
    gone = len(told.pictures.missing())
    print(f"{told.name}: {len(told.same)} pairs, {gone} pictures missing", flush=True)
    outcomes = _models(config, told, config.cache or folder.directory / "cache")
    classical = dict(baselines.scored(told, config)) if config.baselines else {}
    print(f"\n{present.table(outcomes, classical)}\n", flush=True)
    best = max(outcomes, key=lambda name: outcomes[name].scored.folds.mean, default=None)
    reported = best if config.protocol == "view1" else next(iter(outcomes), None)
    saved = _saved(outcomes, told, config, folder.directory)
    page = present.report(
        folder.directory / "report.html", told, outcomes, classical, reported, config
    )
    print(f"report: {page} (open it in a browser)")
    return {
        "protocol": present.protocol(told, config),
        "model": None if config.model is None else str(config.model),
        "scores": {name: outcome.scored.as_json() for name, outcome in outcomes.items()},
        "unfound": {name: outcome.embedded.unfound for name, outcome in outcomes.items()},
        "reported": reported,
        "baselines": {
            name: {"accuracy": found.mean, "standard_error": found.standard_error}
            for name, found in classical.items()
        },
        "saved": saved,
        "missing_pictures": gone,
        "data_fingerprint": _fingerprint(told),
    }


def _models(
    config: VerificationSettings, told: pairs.Pairs, cache: Path
) -> dict[str, present.Outcome]:
    if config.model is None:
        return {}
    embedder = faces.load_embedder(config.model)
    found = None
    if set(config.laying) != {"fixed"}:
        found = embed.find(told, config, cache)
        print(f"faces found in {len(found)} of {len(told.pictures)} pictures", flush=True)
    outcomes: dict[str, present.Outcome] = {}
    for laying in config.laying:
        seen = None if laying == "fixed" else found
        embedded = embed.embed(told, embedder, seen, laying, config, cache)
        distances = score.of_vectors(embedded.vectors, embedded.missing, told)
        scored = score.score(distances, told, resamples=config.resamples, seed=config.seed)
        outcomes[laying] = present.Outcome(embedded, scored)
    return outcomes


def _saved(
    outcomes: dict[str, present.Outcome],
    told: pairs.Pairs,
    config: VerificationSettings,
    directory: Path,
) -> str | None:
    """On View 1, the best model with the threshold and the calibration that all its pairs choose.

    A fixed box only where nothing else was asked for: commands look for faces.
    """
    found = [name for name in outcomes if name != "fixed"] or list(outcomes)
    if not found or config.protocol != "view1":
        return None
    best = max(found, key=lambda name: outcomes[name].scored.folds.mean)
    embedder, scored = outcomes[best].embedded.embedder, outcomes[best].scored
    kept = ~np.isnan(scored.distances)
    given: dict[str, Any] = {
        "distance": search.cosine,
        "data": told.name if best != "fixed" else f"{told.name}, fixed box",
        "data_fingerprint": _fingerprint(told),
        "model_fingerprint": embedder.fingerprint,
    }
    distances, same = scored.distances[kept], told.same[kept]
    rule = metrics.best_accuracy_threshold
    threshold = metrics.choose_threshold(distances, same, rule, **given)
    target = directory / "embedder"
    faces.FaceModel(embedder, threshold, faces.calibrate(distances, same, **given)).save(target)
    print(f"model, threshold and calibration: {target}\n  {threshold}", flush=True)
    return str(target)


def _fingerprint(told: pairs.Pairs) -> str:
    total = hashlib.sha256()
    for row in range(len(told.pictures)):
        total.update(told.pictures.paths[row].encode("utf-8", "surrogateescape"))
        total.update(told.pictures.checksum(row).to_bytes(8, "little"))
    for column in (told.left, told.right, told.same, told.fold):
        total.update(np.ascontiguousarray(column).astype("<i8").tobytes())
    return total.hexdigest()
