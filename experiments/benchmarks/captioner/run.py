"""The benchmark itself: the problem, the processes in turns, what they found beside ours."""

import dataclasses
import sys
import tempfile
from pathlib import Path
from typing import Any

from experiments.benchmarks._command import Outcome
from experiments.benchmarks._environments import EnvironmentFailedError, python_of
from experiments.benchmarks._processes import Limits, log, machine_now, measure
from experiments.benchmarks.captioner import problem
from experiments.benchmarks.captioner.compare import (
    UNITS,
    Found,
    compared,
    complaints,
    difference,
    load,
    summary,
    table,
)
from experiments.benchmarks.captioner.config import CaptionerSettings, SizeName, Task
from experiments.benchmarks.captioner.environments import RECIPE

_FOLDER = Path(__file__).parent / "workers"
_WORKERS = {"ours": "ours", "plain": "torch_plain", "batched": "torch_batched"}


def run(config: CaptionerSettings) -> Outcome:
    """Measure everything that the settings ask for."""
    machine = machine_now()
    pythons, absent = _subjects(config)
    missing = [f"{name}: {why}" for name, why in absent.items()]
    results: dict[str, dict[str, Found]] = {}
    for size in config.sizes:
        results[size] = {}
        with tempfile.TemporaryDirectory() as folder:
            pictures = max(config.pictures, config.batch)
            problem.write(Path(folder), problem.SIZES[size], pictures, config.seed)
            for task in config.tasks:
                found = compared(_of_task(config, size, task, pythons, Path(folder)))
                results[size][task] = found
                missing += [f"{size}, {text}" for text in complaints(task, found)]
    result = {
        "benchmark": "captioner",
        "config": {k: str(v) for k, v in dataclasses.asdict(config).items()},
        "machine": machine,
        "results": results,
    }
    return Outcome(table(results), result, tuple(missing))


def _subjects(config: CaptionerSettings) -> tuple[dict[str, str | Path], dict[str, str]]:
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
    config: CaptionerSettings,
    size: SizeName,
    task: Task,
    pythons: dict[str, str | Path],
    folder: Path,
) -> Found:
    """Each subject's measurements of one task, summed up, and how far it is from ours."""
    limits = Limits(memory=config.max_memory * 1e9, seconds=config.max_seconds)
    names = ("batch", "steps", "beams", "repeats", "threads", "seed")
    request = {name: getattr(config, name) for name in names}
    request |= {"task": task, "problem": str(folder / "problem.npz")}
    path_of_ours = folder / f"{task}_ours.npz"
    answers: dict[str, list[dict[str, Any]]] = {subject: [] for subject in pythons}
    for number in range(config.rounds):
        for subject, python in pythons.items():
            # What failed once would fail again.
            if answers[subject] and "error" in answers[subject][-1]:
                continue
            path = folder / f"{task}_{subject}.npz"
            worker = _FOLDER / f"{_WORKERS[subject]}.py"
            answer = measure(worker, python, request | {"found": str(path)}, limits)
            if "error" not in answer and path_of_ours.is_file():
                # The processes of a subject all find the same, up to rounding.
                answer["differs"] = difference(load(path_of_ours), load(path))
            said = answer.get("error") or f"{answer['rate']:.1f} {UNITS[task]}"
            log(f"{size}, {task}, round {number + 1}, {subject}: {said}")
            answers[subject].append(answer)
    return {subject: summary(parts) for subject, parts in answers.items()}
