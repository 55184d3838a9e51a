"""The benchmark itself: the files, the processes in turns, the table."""

import dataclasses
import io
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from caption.data.scenes import render
from experiments.benchmarks._command import Outcome
from experiments.benchmarks._environments import EnvironmentFailedError, python_of
from experiments.benchmarks._pictures import given
from experiments.benchmarks._processes import Limits, log, machine_now, measure
from experiments.benchmarks.input.config import InputSettings
from experiments.benchmarks.input.environments import PYTORCH

_FOLDER = Path(__file__).parent / "workers"
_WORKERS = {
    "ours": "ours",
    "keras": "keras_directory",
    "pytorch": "torch_loader",
    "libjpeg": "libjpeg",
}
_CLASSES = 8
# What happens to every picture: degrees, and shares as `simlearn.data.augment` defines them.
_WORK = {"rotation": 10.0, "scale": 0.1, "shift": 0.05, "brightness": 0.2, "contrast": 0.2}


def run(config: InputSettings) -> Outcome:
    """Measure everything that the settings ask for."""
    machine = machine_now()
    with tempfile.TemporaryDirectory() as folder:
        about = _write(config, Path(folder))
        subjects, absent = _subjects(config)
        found: dict[str, list[dict[str, Any]]] = {subject: [] for subject in subjects}
        for number in range(config.rounds):
            for subject, python in subjects.items():
                answer = _measure(config, subject, python, folder)
                log(f"round {number + 1}, {subject}: {_progress(answer)}")
                found[subject].append(answer)
    results = {subject: _summary(answers) for subject, answers in found.items()}
    missing = [f"{k}: {v['error']}" for k, v in results.items() if "error" in v]
    missing += [f"{k}: {v}" for k, v in absent.items()]
    result = {
        "benchmark": "input",
        "config": {k: str(v) for k, v in dataclasses.asdict(config).items()},
        "machine": machine,
        "pictures": about,
        "work": _WORK,
        "results": results,
    }
    return Outcome(f"{about}\n\n{_table(results)}", result, tuple(missing))


def _subjects(config: InputSettings) -> tuple[dict[str, str | Path], dict[str, str]]:
    """The interpreter of each subject, and why others have none."""
    subjects: dict[str, str | Path] = {"ours": sys.executable}
    absent: dict[str, str] = {}
    for peer in config.peers:
        try:
            subjects[peer] = (
                sys.executable
                if peer == "keras"
                else python_of(PYTORCH, config.environments_folder)
            )
        except EnvironmentFailedError as error:
            absent[peer] = str(error)
    return subjects, absent


def _measure(
    config: InputSettings, subject: str, python: str | Path, folder: str
) -> dict[str, Any]:
    shared = {k: getattr(config, k) for k in ("size", "batch", "epochs", "seed")}
    limits = Limits(memory=16e9, seconds=config.max_seconds)
    worker = _FOLDER / f"{_WORKERS[subject]}.py"
    return measure(worker, python, shared | _WORK | {"folder": folder}, limits)


def _summary(answers: list[dict[str, Any]]) -> dict[str, Any]:
    failed = [answer["error"] for answer in answers if "error" in answer]
    if failed:
        return {"error": failed[0]}
    rates = [statistics.median(answer["rates"]) for answer in answers]
    return answers[0] | {
        "rate": statistics.median(rates),
        "slowest": min(rates),
        "fastest": max(rates),
        "rates": [answer["rates"] for answer in answers],
        "cpu": statistics.median(answer["cpu"] for answer in answers),
    }


def _table(results: dict[str, dict[str, Any]]) -> str:
    ours = results["ours"]
    lines = [("subject", "images/s", "slowest", "fastest", "ours x", "cpu ms", "ours x", "batch")]
    for subject, found in results.items():
        if "error" in found:
            lines.append((subject, "failed", "", "", "", "", "", found["error"]))
            continue
        known = "error" not in ours
        faster = f"{ours['rate'] / found['rate']:.2f}" if known else ""
        leaner = f"{found['cpu'] / ours['cpu']:.2f}" if known and ours["cpu"] else ""
        rates = (f"{found[key]:.0f}" for key in ("rate", "slowest", "fastest"))
        lines.append((subject, *rates, faster, f"{found['cpu']:.2f}", leaner, found["batch"]))
    widths = [max(len(line[i]) for line in lines) for i in range(8)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i in (0, 7) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _progress(answer: dict[str, Any]) -> str:
    if "error" in answer:
        return str(answer["error"])
    return f"{statistics.median(answer['rates']):.0f} images/s"


def _write(config: InputSettings, folder: Path) -> str:
    """A folder per class of JPEG files, as every subject reads it; says what they are."""
    sizes, total = [], 0
    for number, content in enumerate(_contents(config)):
        with Image.open(io.BytesIO(content)) as picture:
            sizes.append(picture.width * picture.height)
        total += len(content)
        target = folder / f"class{number % _CLASSES}" / f"{number:06}.jpg"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(content)
    source = "rendered scenes" if config.data is None else config.data.name
    return (
        f"{len(sizes)} JPEG files of {source}, {np.mean(sizes) / 1e6:.2f} megapixels and "
        f"{total / len(sizes) / 1e3:.0f} kB on average, to {config.size}x{config.size}"
    )


def _contents(config: InputSettings) -> Iterator[bytes]:
    if config.data is None:
        yield from _rendered(config)
        return
    yield from given(config.data, config.pictures)


def _rendered(config: InputSettings) -> Iterator[bytes]:
    scenes = render(config.pictures, seed=config.seed, size=(375, 500))
    for row in range(config.pictures):
        stream = io.BytesIO()
        scenes.pictures.open(row).save(stream, "JPEG", quality=90)
        yield stream.getvalue()
