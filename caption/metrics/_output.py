"""What the command prints and writes: a table, records, each image's scores."""

import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simlearn._files import write_atomically
from simlearn.errors import UserError

if TYPE_CHECKING:
    from caption.metrics.bootstrap import Comparison, Interval
    from caption.metrics.readers import Identity
    from caption.metrics.scores import CaptionScores


def record(comparison: "Comparison") -> dict[str, Any]:
    """A comparison as JSON holds it."""

    def ends(interval: "Interval") -> list[float]:
        return [interval.low, interval.high]

    return {
        "score": comparison.first.estimate,
        "interval": ends(comparison.first),
        "other_score": comparison.second.estimate,
        "other_interval": ends(comparison.second),
        "difference": comparison.difference.estimate,
        "difference_interval": ends(comparison.difference),
        "p_value": comparison.p_value,
    }


def as_json(value: Any) -> str:
    """A line of JSON, with null for what is no number: SPICE's NaN is no JSON."""
    return json.dumps(_without_nan(value), allow_nan=False)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def check_target(given: str) -> None:
    """Refuse, before anything is computed, a file that cannot be written.

    Raises:
        UserError: It is a folder or no regular file, or its folder is missing or read-only.
    """
    path = Path(given)
    reason = None
    if path.is_dir():
        reason = "that is a folder"
    elif path.exists() and not path.is_file():
        reason = "that is no regular file"
    elif not path.parent.is_dir():
        reason = f"the folder {path.parent} is not there"
    elif not os.access(path.parent, os.W_OK):
        reason = f"the folder {path.parent} cannot be written"
    if reason:
        raise UserError(f"{given}: expected a file to write each image's scores to: {reason}")


def write_per_image(given: str, scores: "CaptionScores", captions: "dict[Identity, str]") -> None:
    """One record for each image, each on a line of its own."""
    rows = [
        as_json(
            {"image_id": key, "caption": caption}
            | {name: float(values[row]) for name, values in scores.per_image.items()}
        )
        for row, (key, caption) in enumerate(captions.items())
    ]
    try:
        write_atomically(Path(given), ("[\n" + ",\n".join(rows) + "\n]\n").encode())
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"{given}: each image's scores cannot be written: {reason}") from error


def table(result: dict[str, Any]) -> str:
    """The result as people read it."""
    comparison = result.get("comparison")
    lines = [f"{result['images']} images"]
    for name, value in result["scores"].items():
        line = f"{name:<10} {value:.4f}"
        if comparison:
            found = comparison[name]
            low, high = found["difference_interval"]
            line += (
                f"  other {found['other_score']:.4f}  difference {found['difference']:+.4f} "
                f"[{low:+.4f}, {high:+.4f}]  p {found['p_value']:.4f}"
            )
        lines.append(line)
    for name, value in result.get("diversity", {}).items():
        if name != "lengths":
            shown = "-" if value is None else f"{value:.4f}".rstrip("0").rstrip(".")
            lines.append(f"{name:<12} {shown}")
    return "\n".join([*lines, *result["signatures"].values()])
