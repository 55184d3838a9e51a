"""The FaceNet experiment itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from experiments import _audit, _faces
from experiments.facenet import data, present, score
from experiments.facenet.config import FacenetSettings
from experiments.facenet.train import embed, network, train
from simlearn import audit, baselines, faces, metrics, search, training
from simlearn.data import LabelledImages
from simlearn.data.records import PictureArray
from simlearn.errors import UserError
from simlearn.runs import Run

# Pixels: as `simlearn faces` looks for them.
_SMALLEST_FACE: Final = 20
Embedding: TypeAlias = Callable[[LabelledImages], NDArray[np.float32]]


def run(config: FacenetSettings, folder: Run) -> dict[str, Any]:
    """Read, train, score, show."""
    parts = data.parts(config, folder.directory / "cache")
    for part in parts:
        print(part, flush=True)
    leakage = _audit.check(
        parts._asdict(), config, data_set="faces", disjoint=("identities", *audit.PICTURES)
    )
    training.seed_everything(config.seed)
    model = network(config)
    progress = train(model, parts.train, parts.validation, config, folder.directory)
    saved = _save(model, parts.validation, folder)
    vectors = {
        name: (embedding(parts.test), embedding(parts.validation))
        for name, embedding in _embeddings(model, parts.train, config, folder).items()
    }
    scores = {
        name: score.score(*pair, parts.test.labels, parts.validation.labels, seed=config.seed)
        for name, pair in vectors.items()
    }
    print(f"\n{present.table(scores)}\n", flush=True)
    page = present.report(folder.directory / "report.html", parts, scores, progress, vectors)
    print(f"report: {page} (open it in a browser)\nmodel:  {saved}")
    return {
        "protocol": present.protocol(parts),
        "scores": {name: one.as_json() for name, one in scores.items()},
        "training_seconds": round(sum(one.seconds for one in progress.values()), 1),
        "parameters": int(model.count_params()),
        "embedder": saved,
        "audit": leakage,
        "data_fingerprint": {part.name: part.fingerprint() for part in parts},
    }


def _embeddings(
    model: Any, people: LabelledImages, config: FacenetSettings, folder: Run
) -> dict[str, Embedding]:
    """Pictures to vectors, by name."""
    size = max(1, config.size // 48)

    def grey(part: LabelledImages) -> NDArray[np.float32]:
        small = part.images[:, ::size, ::size].astype(np.float32)
        return small @ np.array([0.299, 0.587, 0.114], np.float32)

    components = min(100, len(people) - len(np.unique(people.labels)) - 1)
    eigen = baselines.Eigenfaces(components=components).fit(grey(people))
    fisher = baselines.Fisherfaces(principal=components, whiten=True).fit(
        grey(people), people.labels
    )
    found: dict[str, Embedding] = {
        "eigenfaces": lambda part: eigen(grey(part)),
        "Fisherfaces": lambda part: fisher(grey(part)),
        "network": lambda part: embed(model, part.images),
    }
    if config.compare is not None:
        found["compared"] = _compared(config, folder.directory / "cache")
    return found


def _compared(config: FacenetSettings, cache: Path) -> Embedding:
    """Another embedder, shown each face as it wants it, or the middle of the same pixels."""
    embedder = faces.load_embedder(config.compare or "")
    record = data.files(config)
    if record is None or config.compare_laying == "fixed":
        frame = faces.FixedBox(embedder.size, share=config.compare_share / config.share)
        return lambda part: faces.embed_faces(PictureArray(part.images), frame, embedder)[0]
    stored, order = record.pictures, np.argsort(record.ids)
    ids = record.ids[order]

    def whole(part: LabelledImages) -> NDArray[np.float32]:
        pictures = stored.take(order[np.searchsorted(ids, part.ids)])
        found = _faces.most_central(pictures, min_face=_SMALLEST_FACE, cache=cache)
        print(f"{part.name}: faces found in {len(found)} of {len(pictures)} pictures", flush=True)
        frame = embedder.placing.frame(embedder.size, _faces.one_each(found))
        return faces.embed_faces(pictures, frame, embedder, cache=cache)[0]

    return whole


def _save(model: Any, validation: LabelledImages, folder: Run) -> str:
    """The model with a threshold and a calibration from validation people."""
    embedder = faces.FaceEmbedder(model, placing=faces.Cropped())
    vectors = embedder.embed(validation.images)
    distances, same = metrics.pair_distances(vectors, validation.labels, distance=search.cosine)
    given: dict[str, Any] = {
        "distance": search.cosine,
        "data": validation.name,
        "data_fingerprint": validation.fingerprint(),
        "model_fingerprint": embedder.fingerprint,
    }
    # Where error rates of both kinds meet: pairs of one person are rare among all pairs.
    threshold = metrics.choose_threshold(distances, same, metrics.equal_error_rate, **given)
    target = folder.directory / "embedder"
    calibration = None
    try:
        calibration = faces.calibrate(distances, same, **given)
    except UserError as error:  # A network that has learnt nothing, as in a smoke run.
        print(f"no calibration: {error}", flush=True)
    faces.FaceModel(embedder, threshold, calibration).save(target)
    return str(target)
