"""The benchmark itself: the processes in turns, the tables."""

import dataclasses
import statistics
import sys
from pathlib import Path
from typing import Any

from experiments.benchmarks._command import Outcome
from experiments.benchmarks._environments import EnvironmentFailedError, python_of
from experiments.benchmarks._processes import (
    OUT_OF_MEMORY,
    TOO_SLOW,
    Limits,
    log,
    machine_now,
    measure,
)
from experiments.benchmarks.retrieval.config import RetrievalSettings
from experiments.benchmarks.retrieval.environments import RECIPES

_FOLDER = Path(__file__).parent / "workers"
_WORKERS = {
    "ours": "ours",
    "pytorch-metric-learning": "metric_learning",
    "open-metric-learning": "open_metric_learning",
}
_SCORES = ("recall_at_1", "r_precision", "map_at_r")
# Scores farther apart than this are not the same.
TOLERANCE = 1e-6

Found = dict[str, dict[str, Any]]


def run(config: RetrievalSettings) -> Outcome:
    """Measure everything that the settings ask for."""
    machine = machine_now()
    pythons, absent = _subjects(config)
    tables, results, missing = [], {}, [f"{k}: {v}" for k, v in absent.items()]
    for per_class in config.per_class:
        answers: dict[str, list[dict[str, Any]]] = {subject: [] for subject in pythons}
        for number in range(config.rounds):
            for subject, python in pythons.items():
                # A limit that was hit once would be hit again.
                if answers[subject] and "error" in answers[subject][-1]:
                    continue
                answer = _measure(config, subject, python, per_class)
                log(f"{per_class} a class, round {number + 1}, {subject}: {_progress(answer)}")
                answers[subject].append(answer)
        found = compared({subject: summary(parts) for subject, parts in answers.items()})
        title = f"{config.items} x {config.dim} generated float32, {per_class} a class"
        tables.append(f"{title}, {config.threads} threads\n\n{table(found)}")
        results[str(per_class)] = found
        missing += [f"{per_class} a class, {text}" for text in _complaints(found)]
    result = {
        "benchmark": "retrieval",
        "config": {k: str(v) for k, v in dataclasses.asdict(config).items()},
        "machine": machine,
        "results": results,
    }
    return Outcome("\n\n".join(tables), result, tuple(missing))


def _subjects(config: RetrievalSettings) -> tuple[dict[str, str | Path], dict[str, str]]:
    """The interpreter of each subject, and why others have none."""
    pythons: dict[str, str | Path] = {"ours": sys.executable}
    absent: dict[str, str] = {}
    for peer in config.peers:
        try:
            pythons[peer] = python_of(RECIPES[peer], config.environments_folder)
        except EnvironmentFailedError as error:
            absent[peer] = str(error)
    return pythons, absent


def _measure(
    config: RetrievalSettings, subject: str, python: str | Path, per_class: int
) -> dict[str, Any]:
    shared = {k: getattr(config, k) for k in ("items", "dim", "separation", "threads", "seed")}
    limits = Limits(memory=config.max_memory * 1e9, seconds=config.max_seconds)
    worker = _FOLDER / f"{_WORKERS[subject]}.py"
    return measure(worker, python, shared | {"per_class": per_class}, limits)


def summary(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """Median, fastest and slowest of a subject's processes; memory of the one that took most."""
    failed = [answer["error"] for answer in answers if "error" in answer]
    if failed:
        return {"error": failed[0]}
    seconds = [answer["seconds"] for answer in answers]
    most = {key: max(answer[key] for answer in answers) for key in ("memory", "peak")}
    return (
        answers[0]
        | most
        | {
            "seconds": statistics.median(seconds),
            "fastest": min(seconds),
            "slowest": max(seconds),
            "cpu": statistics.median(answer["cpu"] for answer in answers),
        }
    )


def compared(found: Found) -> Found:
    """With the ratios of each subject to ours, and how far its scores are from ours."""
    ours = found["ours"]
    if "error" in ours:
        return found
    for answer in found.values():
        if "error" not in answer:
            answer["time_ratio"] = answer["seconds"] / ours["seconds"]
            answer["memory_ratio"] = answer["memory"] / ours["memory"] if ours["memory"] else None
            pairs = ((answer["scores"][name], ours["scores"][name]) for name in _SCORES)
            answer["difference"] = max(abs(theirs - own) for theirs, own in pairs)
    return found


def table(found: Found) -> str:
    """One line a subject."""
    head = ("subject", "seconds", "slowest", "x ours", "cpu s", "MB", "x ours", "peak MB")
    lines: list[tuple[str, ...]] = [(*head, *_SCORES, "differs")]
    for subject, answer in found.items():
        lines.append((subject, *_cells(answer)))
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _cells(answer: dict[str, Any]) -> tuple[str, ...]:
    if "error" in answer:
        short = answer["error"] if answer["error"] in (OUT_OF_MEMORY, TOO_SLOW) else "failed"
        return (short, *("" for _ in range(10)))
    time, memory = answer.get("time_ratio"), answer.get("memory_ratio")
    return (
        f"{answer['seconds']:.2f}",
        f"{answer['slowest']:.2f}",
        f"{time:.2f}" if time else "",
        f"{answer['cpu']:.1f}",
        f"{answer['memory'] / 1e6:.0f}",
        f"{memory:.2f}" if memory else "",
        f"{answer['peak'] / 1e6:.0f}",
        *(f"{answer['scores'][name]:.6f}" for name in _SCORES),
        f"{answer['difference']:.0e}" if "difference" in answer else "",
    )


def _complaints(found: Found) -> list[str]:
    """What failed, other than at a limit, and whose scores are not ours."""
    complaints = []
    for subject, answer in found.items():
        limit = subject != "ours" and answer.get("error") in (OUT_OF_MEMORY, TOO_SLOW)
        if "error" in answer and not limit:
            complaints.append(f"{subject}: {answer['error']}")
        elif answer.get("difference", 0.0) > TOLERANCE:
            complaints.append(
                f"{subject}: scores differ from ours by {answer['difference']:.1e}, "
                f"expected at most {TOLERANCE:.0e}"
            )
    return complaints


def _progress(answer: dict[str, Any]) -> str:
    if "error" in answer:
        return str(answer["error"])
    return f"{answer['seconds']:.2f} s, {answer['memory'] / 1e6:.0f} MB"
