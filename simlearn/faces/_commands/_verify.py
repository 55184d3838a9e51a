"""`simlearn faces verify A B`."""

from pathlib import Path
from typing import Any

import numpy as np

from simlearn import search
from simlearn.errors import UserError
from simlearn.faces._commands._seeing import Seen, answer, box_text, see, threshold_of
from simlearn.faces._commands._settings import Verify
from simlearn.faces._face_model import FaceModel
from simlearn.faces._paths import picture_paths


def verify(settings: Verify) -> int:
    """Compare two pictures; status 0, whatever the answer."""
    for path in (settings.left, settings.right):
        if path.is_dir():
            raise UserError(f"{path}: expected a picture, found a folder")
    model = FaceModel.load(settings.model)
    sides = [picture_paths([path])[0] for path in (settings.left, settings.right)]
    seen = see(sides, model, settings)
    chosen = [
        _chosen(seen, side, path, number, f"--{name}-face", every=settings.every)
        for side, path, number, name in (
            (0, settings.left, settings.left_face, "left"),
            (1, settings.right, settings.right_face, "right"),
        )
    ]
    threshold, where = threshold_of(model, settings)
    pairs = [_pair(seen, int(a), int(b), threshold, model) for a in chosen[0] for b in chosen[1]]
    content = {"pairs": pairs, "threshold": threshold, "threshold_from": where}
    lines = [_line(pair) for pair in pairs]
    if len(pairs) == 1:
        content |= pairs[0]
    answer(settings, content, [*lines, f"threshold: {where}", *_calibration(model)])
    return 0


def _chosen(
    seen: Seen, side: int, path: Path, number: int | None, option: str, *, every: bool
) -> Any:
    """Which faces of one picture are compared."""
    own = np.flatnonzero(seen.faces.owner == side)
    if not len(own):
        reason = seen.skipped.get(str(path))
        raise UserError(f"{path}: {reason or 'expected a face, found none'}")
    if number is not None:
        if not 0 <= number < len(own):
            raise UserError(f"expected {option} from 0 to {len(own) - 1} in {path}, got {number}")
        return own[number : number + 1]
    if len(own) > 1 and not every:
        boxes = ", ".join(f"{k} {box_text(seen.faces.boxes[row])}" for k, row in enumerate(own))
        raise UserError(
            f"{path}: expected one face, found {len(own)}: {boxes}; say which with {option}, or "
            "--every for all pairs"
        )
    return own


def _pair(
    seen: Seen, left: int, right: int, threshold: float | None, model: FaceModel
) -> dict[str, Any]:
    distance = float(search.cosine(seen.vectors[[left]], seen.vectors[[right]])[0, 0])
    likely = None
    if model.calibration is not None:
        likely = float(model.calibration.probability(distance))
    return {
        "left": seen.face_of(left),
        "right": seen.face_of(right),
        "same": None if threshold is None else distance <= threshold,
        "distance": distance,
        "probability": likely,
        "boxes": [seen.faces.boxes[row].round(1).tolist() for row in (left, right)],
    }


def _line(pair: dict[str, Any]) -> str:
    told = {True: "same person", False: "different people", None: "undecided"}[pair["same"]]
    likely = pair["probability"]
    shown = "" if likely is None else f", probability of one person {likely:.4f}"
    return f"{pair['left']} and {pair['right']}: {told}, distance {pair['distance']:.4f}{shown}"


def _calibration(model: FaceModel) -> list[str]:
    found = model.calibration
    if found is None:
        return []
    return [
        f"probability: where both answers are equally likely beforehand, fitted on {found.pairs} "
        f"pairs of {found.data}"
    ]
