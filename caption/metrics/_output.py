"""What the command prints and writes: a table, records, each image's scores."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simlearn._files import write_atomically

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


def write_per_image(path: Path, scores: "CaptionScores", captions: "dict[Identity, str]") -> None:
    """One record for each image, each on a line of its own."""
    rows = [
        json.dumps(
            {"image_id": key, "caption": caption}
            | {name: float(values[row]) for name, values in scores.per_image.items()}
        )
        for row, (key, caption) in enumerate(captions.items())
    ]
    write_atomically(path, ("[\n" + ",\n".join(rows) + "\n]\n").encode())


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
