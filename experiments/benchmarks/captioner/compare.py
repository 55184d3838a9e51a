"""Subjects beside each other: that they compute the same, and how fast."""

import statistics
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.benchmarks._processes import OUT_OF_MEMORY, TOO_SLOW

Found = dict[str, dict[str, Any]]

UNITS = {"training": "tokens/s", "beam": "images/s"}
# How many times as fast as each peer ours is meant to be.
TARGETS = {
    "training": {"plain": 1.2},
    "beam": {"plain": 3.0, "batched": 1.0},
}
# What is farther apart than this is not the same.
TOLERANCES = {"logits": 1e-4, "losses": 1e-4, "words": 0.0, "scores": 1e-4, "attention": 1e-4}


def load(path: Path) -> dict[str, NDArray[Any]]:
    """What a process found."""
    with np.load(path) as file:
        return dict(file)


def difference(ours: dict[str, NDArray[Any]], theirs: dict[str, NDArray[Any]]) -> dict[str, float]:
    """The largest difference of each array, over the largest number where that is above 1.

    Of words it is the share of captions that differ.
    """
    found = {}
    for name, one in ours.items():
        other = theirs[name]
        if one.shape != other.shape:
            found[name] = float("inf")
        elif name == "words":
            found[name] = float((one != other).any(axis=1).mean())
        else:
            scale = max(1.0, _size(one))
            found[name] = float(np.abs(one - other).max()) / scale
    return found


def _size(values: NDArray[Any]) -> float:
    """The largest number that is no stand-in for infinity."""
    return float(np.abs(values[np.abs(values) < 1e8]).max(initial=0.0))


def summary(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """Median, slowest and fastest of a subject's processes; memory of the one that took most."""
    failed = [answer["error"] for answer in answers if "error" in answer]
    if failed:
        return {"error": failed[0]}
    rates = [answer["rate"] for answer in answers]
    return (
        answers[0]
        | {key: max(answer[key] for answer in answers) for key in ("memory", "peak")}
        | {
            "rate": statistics.median(rates),
            "slowest": min(rates),
            "fastest": max(rates),
            "cpu": statistics.median(answer["cpu"] for answer in answers),
        }
    )


def compared(found: Found) -> Found:
    """With the ratios of ours to each subject; above 1 ours is better."""
    ours = found["ours"]
    if "error" in ours:
        return found
    for answer in found.values():
        if "error" not in answer:
            answer["rate_ratio"] = ours["rate"] / answer["rate"]
            answer["cpu_ratio"] = answer["cpu"] / ours["cpu"]
            answer["peak_ratio"] = answer["peak"] / ours["peak"]
    return found


def complaints(task: str, found: Found) -> list[str]:
    """What failed, other than at a limit, and what is not the same as ours."""
    lines = []
    for subject, answer in found.items():
        limit = subject != "ours" and answer.get("error") in (OUT_OF_MEMORY, TOO_SLOW)
        if "error" in answer and not limit:
            lines.append(f"{task}, {subject}: {answer['error']}")
        lines += [
            f"{task}, {subject}: {name} differ from ours by {value:.1e}, "
            f"expected at most {TOLERANCES[name]:.0e}"
            for name, value in answer.get("differs", {}).items()
            # Said this way, what is no number is told as well.
            if not value <= TOLERANCES[name]
        ]
    return lines


def table(results: dict[str, dict[str, Found]]) -> str:
    """One line a size, task and subject."""
    head = ("size", "task", "subject", "a second", "slowest", "fastest", "ours x", "aim")
    lines: list[tuple[str, ...]] = [(*head, "cpu ms", "ours x", "MB", "peak MB", "differs")]
    for size, tasks in results.items():
        for task, found in tasks.items():
            for subject, answer in found.items():
                aim = TARGETS[task].get(subject)
                lines.append((size, task, subject, *_cells(answer, f"{aim:.1f}" if aim else "")))
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i > 2 else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _cells(answer: dict[str, Any], aim: str) -> tuple[str, ...]:
    if "error" in answer:
        short = answer["error"] if answer["error"] in (OUT_OF_MEMORY, TOO_SLOW) else "failed"
        return (short, *[""] * 9)
    return (
        *(f"{answer[name]:.1f}" for name in ("rate", "slowest", "fastest")),
        _ratio(answer, "rate_ratio"),
        aim,
        f"{answer['cpu'] * 1e3:.2f}",
        _ratio(answer, "cpu_ratio"),
        f"{answer['memory'] / 1e6:.0f}",
        f"{answer['peak'] / 1e6:.0f}",
        f"{max(answer['differs'].values()):.0e}" if "differs" in answer else "",
    )


def _ratio(answer: dict[str, Any], key: str) -> str:
    return f"{answer[key]:.2f}" if key in answer else ""
