"""The landmark experiment itself."""

from typing import Any

from experiments import _audit
from experiments.mtfl_landmarks import data, present
from experiments.mtfl_landmarks.config import LandmarkSettings
from experiments.mtfl_landmarks.evaluate import by_point, by_pose, evaluate
from experiments.mtfl_landmarks.train import train
from simlearn import landmarks
from simlearn.runs import Run


def run(config: LandmarkSettings, folder: Run) -> dict[str, Any]:
    """Read, train, score, show."""
    parts = data.parts(config)
    print(present.protocol(parts, config), flush=True)
    leakage = _audit.check(
        {"training": parts.training, "validation": parts.validation, "scored": parts.scored},
        config,
        data_set="rendered-faces" if config.data is None else config.data_set,
    )
    trained = train(parts, config, folder)
    landmarks.save(trained.predictor, folder.directory / "faces.landmarks")
    outcome = evaluate(parts.scored, trained.predictor, config)
    print(f"\n{present.table(outcome)}\n")
    page = present.report(folder.directory, parts, outcome, trained, config)
    print(f"report:      {page} (open it in a browser)")
    poses = by_pose(outcome.best, outcome.faces)
    return {
        "protocol": present.protocol(parts, config),
        "rendered": config.data is None,
        "scores": {name: scored.as_json() for name, scored in outcome.methods.items()},
        "points_percent": by_point(outcome.best, outcome.faces),
        "poses": {
            name: {"raw": raw._asdict(), "after_one_offset": after._asdict()}
            for name, (raw, after) in poses.items()
        },
        "attributes": {
            name: scores._asdict() | {"confusion": scores.confusion.tolist()}
            for name, scores in outcome.attributes.items()
        },
        "parameters": {
            name: network.count_params()
            for name, network in (
                ("coarse", trained.predictor.coarse),
                ("fine", trained.predictor.fine),
            )
            if network is not None
        },
        "training_seconds": {
            name: round(progress.seconds, 1) for name, progress in trained.progress.items()
        },
        "audit": leakage,
        "data_fingerprint": {part.name: part.fingerprint() for part in parts},
    }
