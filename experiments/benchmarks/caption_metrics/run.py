"""The benchmark itself: the processes in turns, the table."""

import dataclasses
import json
import shutil
import statistics
import sys
import tempfile
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
from experiments.benchmarks.caption_metrics.captions import captions_of
from experiments.benchmarks.caption_metrics.config import CaptionMetricsSettings
from experiments.benchmarks.caption_metrics.environments import RECIPE

_FOLDER = Path(__file__).parent / "workers"
_WORKERS = {"ours": "ours", "pycocoevalcap": "evaluation"}
_WORDS = ("tokens", "tokens_coco")
_NEED_JAVA = (*_WORDS, "meteor")
# How many times as fast as the port each is meant to be.
TARGETS = {
    "tokens": 1.5,
    "tokens_coco": 1.5,
    "bleu": 5.0,
    "rouge_l": 8.0,
    "cider_d": 6.0,
    "cider_d_prepared": 10.0,
    "meteor": 5.0,
}
# Scores farther apart than this are not the same.
# In the default mode a caption's words do not depend on the next one, so that a few differ.
TOLERANCES = dict.fromkeys(TARGETS, 1e-9) | {"meteor": 1e-6, "tokens": 1e-3}

Found = dict[str, dict[str, Any]]


def run(config: CaptionMetricsSettings) -> Outcome:
    """Measure everything that the settings ask for."""
    machine = machine_now()
    pythons, absent = _subjects(config)
    missing = [f"{name}: {why}" for name, why in absent.items()]
    results: dict[str, Found] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "captions.json")
        path.write_text(json.dumps(captions_of(config)), encoding="utf-8")
        for task in config.tasks:
            results[task] = compared(task, _of_task(config, task, pythons, path))
            missing += complaints(task, results[task])
    source = config.captions.name if config.captions else "generated captions"
    title = f"{config.images} images x {config.references} references, {source}"
    result = {
        "benchmark": "caption_metrics",
        "config": {k: str(v) for k, v in dataclasses.asdict(config).items()},
        "machine": machine,
        "results": results,
    }
    return Outcome(f"{title}\n\n{table(results)}", result, tuple(missing))


def _subjects(config: CaptionMetricsSettings) -> tuple[dict[str, str | Path], dict[str, str]]:
    """The interpreter of each subject, and why others have none."""
    pythons: dict[str, str | Path] = {"ours": sys.executable}
    absent: dict[str, str] = {}
    for peer in config.peers:
        try:
            pythons[peer] = python_of(RECIPE, config.environments_folder)
        except EnvironmentFailedError as error:
            absent[peer] = str(error)
    return pythons, absent


def _of_task(
    config: CaptionMetricsSettings, task: str, pythons: dict[str, str | Path], captions: Path
) -> Found:
    """Each subject's measurements of one task, summed up."""
    limits = Limits(memory=config.max_memory * 1e9, seconds=config.max_seconds)
    request = {"task": task, "captions": str(captions), "meteor_data": _text(config.meteor_data)}
    answers: dict[str, list[dict[str, Any]]] = {subject: [] for subject in pythons}
    for number in range(config.rounds):
        for subject, python in pythons.items():
            # What failed once would fail again.
            if answers[subject] and "error" in answers[subject][-1]:
                continue
            worker = _FOLDER / f"{_WORKERS[subject]}.py"
            if subject != "ours" and task in _NEED_JAVA and shutil.which("java") is None:
                answer: dict[str, Any] = {"error": "no Java"}
            else:
                answer = measure(worker, python, request, limits)
            log(f"{task}, round {number + 1}, {subject}: {_progress(answer)}")
            answers[subject].append(answer)
    return {subject: summary(parts) for subject, parts in answers.items()}


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


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


def compared(task: str, found: Found) -> Found:
    """With the ratios of each subject to ours, and how far what it found is from ours."""
    ours = found["ours"]
    if "error" in ours:
        return found
    for answer in found.values():
        if "error" in answer:
            continue
        answer["time_ratio"] = answer["seconds"] / ours["seconds"]
        answer["cpu_ratio"] = answer["cpu"] / ours["cpu"] if ours["cpu"] else None
        answer["peak_ratio"] = answer["peak"] / ours["peak"] if ours["peak"] else None
        answer["difference"] = _difference(task, ours["found"], answer["found"])
    if task in _WORDS:
        # A number for each caption, which nobody reads.
        for answer in found.values():
            answer.pop("found", None)
    return found


def _difference(task: str, ours: Any, theirs: Any) -> float:
    """The share of captions with other words, or the largest difference of a score."""
    if task in _WORDS:
        if len(ours) != len(theirs):
            return 1.0
        return sum(a != b for a, b in zip(ours, theirs, strict=True)) / len(ours)
    return float(max(abs(theirs[name] - value) for name, value in ours.items()))


def table(results: dict[str, Found]) -> str:
    """One line a task and subject."""
    head = ("task", "subject", "seconds", "slowest", "x ours", "aim", "cpu s", "x ours", "MB")
    lines: list[tuple[str, ...]] = [(*head, "peak MB", "x ours", "differs")]
    for task, found in results.items():
        for subject, answer in found.items():
            lines.append((task, subject, *_cells(task, subject, answer)))
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i > 1 else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _cells(task: str, subject: str, answer: dict[str, Any]) -> tuple[str, ...]:
    if "error" in answer:
        known = (OUT_OF_MEMORY, TOO_SLOW, "no Java")
        return (answer["error"] if answer["error"] in known else "failed", *[""] * 9)
    return (
        f"{answer['seconds']:.3f}",
        f"{answer['slowest']:.3f}",
        _ratio(answer, "time_ratio"),
        "" if subject == "ours" else f"{TARGETS[task]:.1f}",
        f"{answer['cpu']:.3f}",
        _ratio(answer, "cpu_ratio"),
        f"{answer['memory'] / 1e6:.0f}",
        f"{answer['peak'] / 1e6:.0f}",
        _ratio(answer, "peak_ratio"),
        f"{answer['difference']:.0e}" if "difference" in answer else "",
    )


def _ratio(answer: dict[str, Any], key: str) -> str:
    return f"{answer[key]:.2f}" if answer.get(key) else ""


def complaints(task: str, found: Found) -> list[str]:
    """What failed, other than at a limit, and what differs from ours."""
    lines = []
    for subject, answer in found.items():
        limit = subject != "ours" and answer.get("error") in (OUT_OF_MEMORY, TOO_SLOW, "no Java")
        if "error" in answer and not limit:
            lines.append(f"{task}, {subject}: {answer['error']}")
        elif answer.get("difference", 0.0) > TOLERANCES[task]:
            lines.append(
                f"{task}, {subject}: differs from ours by {answer['difference']:.1e}, "
                f"expected at most {TOLERANCES[task]:.0e}"
            )
    return lines


def _progress(answer: dict[str, Any]) -> str:
    if "error" in answer:
        return str(answer["error"])
    return f"{answer['seconds']:.3f} s, {answer['memory'] / 1e6:.0f} MB"
