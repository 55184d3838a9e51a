"""`simlearn faces cluster DIR`."""

import shutil
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simlearn import clustering, metrics, search
from simlearn.errors import UserError
from simlearn.faces._commands._people import folder_names, shown
from simlearn.faces._commands._seeing import Seen, answer, required_threshold, see
from simlearn.faces._commands._settings import Cluster
from simlearn.faces._face_model import FaceModel
from simlearn.faces._found import largest
from simlearn.faces._paths import picture_paths
from simlearn.report import Picture, Report

# All distances of so many faces are held at once, 400 MB; of more, those of near neighbours.
_MOST: Final = 10_000
_ROW: Final = 12


def cluster(settings: Cluster) -> int:
    """Group the faces in pictures; 0."""
    if settings.folders is not None:
        _require_empty(settings.folders)
    model = FaceModel.load(settings.model)
    threshold, where = _threshold(model, settings)
    paths = picture_paths(settings.pictures)
    truth = None
    if settings.labelled:
        truth = folder_names(settings.pictures, paths, otherwise="without --labelled any will do")
    seen = see(paths, model, settings, thumbnails=settings.sheet is not None)
    groups = grouped(seen.vectors, threshold)
    if settings.folders is not None:
        _copy(seen, groups, settings.folders)
    if settings.sheet is not None:
        _sheet(seen, groups, where).save(settings.sheet)
    content: dict[str, Any] = {
        "people": [
            [_face(seen, int(row)) for row in np.flatnonzero(groups == group)]
            for group in range(int(groups.max(initial=-1)) + 1)
        ],
        "threshold": threshold,
        "threshold_from": where,
    }
    lines = [
        f"person {number}: {', '.join(face['picture'] for face in faces)}"
        for number, faces in enumerate(content["people"], start=1)
    ]
    if truth is not None:
        content["scores"] = _scores(seen, groups, truth)
        lines += [f"{name}: {shown(value)}" for name, value in content["scores"].items()]
    lines.append(f"{len(groups)} faces of {len(content['people'])} people")
    answer(settings, content, [*lines, f"threshold: {where}"])
    return 0


def _threshold(model: FaceModel, settings: Cluster) -> tuple[float, str]:
    """Where a pair is as likely of one person as not, given how rare such pairs are."""
    calibration = model.calibration
    if settings.threshold is not None or calibration is None:
        return required_threshold(model, settings)
    value = calibration.prior(settings.prior).threshold()
    return value, (
        f"cosine <= {value:.4f}, where a pair is as likely of one person as of two, "
        f"{settings.prior:g} of all pairs being so beforehand; calibrated on {calibration.pairs} "
        f"pairs of {calibration.data}"
    )


def grouped(vectors: NDArray[np.float32], threshold: float) -> NDArray[np.int64]:
    """The person of each face, by number, the most frequent first."""
    if len(vectors) <= _MOST:
        return clustering.threshold_clusters(vectors, threshold, distance=search.cosine)
    return clustering.graph_clusters(vectors, threshold, distance=search.cosine)


def _face(seen: Seen, row: int) -> dict[str, Any]:
    return {
        "picture": seen.pictures.where(int(seen.faces.owner[row])),
        "box": seen.faces.boxes[row].round(1).tolist(),
    }


def _scores(seen: Seen, groups: NDArray[np.int64], truth: list[str]) -> dict[str, float | int]:
    """Of the largest face of each picture that has one."""
    rows = largest(seen.faces)
    if not len(rows):
        raise UserError("expected faces to score, found none")
    labels = [truth[owner] for owner in seen.faces.owner[rows]]
    found = metrics.b_cubed(labels, groups[rows])
    return {
        "B-cubed precision": found.precision,
        "B-cubed recall": found.recall,
        "B-cubed F": found.f_score,
        "adjusted Rand index": metrics.adjusted_rand_index(labels, groups[rows]),
        "people": len(set(labels)),
        "pictures scored": len(rows),
        "pictures without a face": len(truth) - len(rows),
    }


def _require_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder}: expected a folder that is new or empty")


def _copy(seen: Seen, groups: NDArray[np.int64], folder: Path) -> None:
    """Each picture into the folder of each person on it; the pictures themselves stay."""
    for row, group in enumerate(groups.tolist()):
        owner = int(seen.faces.owner[row])
        source = seen.pictures.paths[owner]
        target = folder / f"person_{group + 1:04d}" / f"{owner:05d}_{source.name}"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                shutil.copyfile(source, target)
        except OSError as error:
            raise UserError(f"cannot write {target}: {error.strerror or error}") from error


def _sheet(seen: Seen, groups: NDArray[np.int64], where: str) -> Report:
    people = int(groups.max(initial=-1)) + 1
    page = Report("People", subtitle=f"{len(groups)} faces of {people} people; {where}")
    shown = seen.thumbnails if seen.thumbnails is not None else np.empty((0, 1, 1, 3), np.uint8)
    for group in range(people):
        rows = np.flatnonzero(groups == group)
        faces = [
            Picture(shown[row], seen.pictures.paths[int(seen.faces.owner[row])].name)
            for row in rows
        ]
        grid = [faces[i : i + _ROW] for i in range(0, len(faces), _ROW)]
        page.pictures(grid, caption=f"Person {group + 1}: {len(rows)} faces")
    return page
