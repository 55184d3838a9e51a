"""The benchmark itself: the files, the processes in turns, the table."""

import dataclasses
import io
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from experiments.benchmarks._command import Outcome
from experiments.benchmarks._pictures import given
from experiments.benchmarks._processes import Limits, log, machine_now, measure
from experiments.benchmarks.faces.config import FacesSettings
from simlearn._quiet import load_keras

_FOLDER: Final = Path(__file__).parent / "workers"
_WORKERS: Final = {"ours": "ours", "mtcnn": "one_by_one"}
_SIDE: Final = 250


def run(config: FacesSettings) -> Outcome:
    """Measure everything that the settings ask for."""
    machine = machine_now()
    with tempfile.TemporaryDirectory() as folder:
        about = _write(config, Path(folder))
        model = _model(Path(folder) / "model.keras", config.seed)
        subjects = ["ours", *config.peers]
        found: dict[str, list[dict[str, Any]]] = {subject: [] for subject in subjects}
        for number in range(config.rounds):
            for subject in subjects:
                answer = _measure(config, subject, folder, model, memory=0)
                log(f"round {number + 1}, {subject}: {_progress(answer)}")
                found[subject].append(answer)
        memory = None
        if config.memory_pictures:
            memory = _measure(config, "ours", folder, model, memory=config.memory_pictures)
    results = {subject: _summary(answers) for subject, answers in found.items()}
    missing = [f"{k}: {v['error']}" for k, v in results.items() if "error" in v]
    if memory is not None and "error" in memory:
        missing.append(f"memory: {memory['error']}")
    result = {
        "benchmark": "faces",
        "config": {k: str(v) for k, v in dataclasses.asdict(config).items()},
        "machine": machine,
        "pictures": about,
        "results": results,
        "memory": memory,
    }
    text = f"{about}\n\n{_table(results)}\n{_memory_line(memory)}"
    return Outcome(text.rstrip(), result, tuple(missing))


def _measure(
    config: FacesSettings, subject: str, folder: str, model: Path, *, memory: int
) -> dict[str, Any]:
    limits = Limits(memory=16e9, seconds=config.max_seconds)
    settings = {
        "folder": folder,
        "model": str(model),
        "min_face": config.min_face,
        "memory_pictures": memory,
    }
    return measure(_FOLDER / f"{_WORKERS[subject]}.py", sys.executable, settings, limits)


def _model(path: Path, seed: int) -> Path:
    """MobileFaceNet with random weights, which take as long as any."""
    load_keras()
    import keras

    from simlearn.backbones import mobilefacenet

    keras.utils.set_random_seed(seed)
    mobilefacenet().save(path)
    return path


def _summary(answers: list[dict[str, Any]]) -> dict[str, Any]:
    failed = [answer["error"] for answer in answers if "error" in answer]
    if failed:
        return {"error": failed[0]}
    rates = [answer["rate"] for answer in answers]
    return answers[0] | {
        "rate": statistics.median(rates),
        "slowest": min(rates),
        "fastest": max(rates),
        "rates": rates,
        "cpu": statistics.median(answer["cpu"] for answer in answers),
    }


def _table(results: dict[str, dict[str, Any]]) -> str:
    ours = results["ours"]
    heads = ("subject", "images/s", "slowest", "fastest", "ours x", "cpu ms", "ours x", "faces")
    lines: list[tuple[str, ...]] = [heads]
    for subject, found in results.items():
        if "error" in found:
            lines.append((subject, "failed", "", "", "", "", "", found["error"]))
            continue
        known = "error" not in ours
        faster = f"{ours['rate'] / found['rate']:.2f}" if known else ""
        leaner = f"{found['cpu'] / ours['cpu']:.2f}" if known and ours["cpu"] else ""
        rates = (f"{found[key]:.2f}" for key in ("rate", "slowest", "fastest"))
        lines.append((subject, *rates, faster, f"{found['cpu']:.1f}", leaner, str(found["faces"])))
    widths = [max(len(line[i]) for line in lines) for i in range(8)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i in (0, 7) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _memory_line(memory: dict[str, Any] | None) -> str:
    if memory is None or "error" in memory:
        return ""
    return (
        f"\nmemory of ours: {memory['megabytes_after_a_fifth']:.0f} MB at most over "
        f"{memory['pictures'] // 5} pictures, {memory['megabytes_after_all']:.0f} MB over "
        f"{memory['pictures']}, {memory['distinct']} of them distinct"
    )


def _progress(answer: dict[str, Any]) -> str:
    return str(answer["error"]) if "error" in answer else f"{answer['rate']:.2f} images/s"


def _write(config: FacesSettings, folder: Path) -> str:
    """JPEG files, as every subject reads them; says what they are."""
    sizes = []
    for number, content in enumerate(_contents(config)):
        with Image.open(io.BytesIO(content)) as picture:
            sizes.append(picture.size)
        (folder / f"{number:06}.jpg").write_bytes(content)
    source = "one photograph cut differently" if config.data is None else config.data.name
    width, height = np.mean(sizes, axis=0).round().astype(int)
    return (
        f"{len(sizes)} distinct JPEG files of {source}, {width}x{height} on average, faces of at "
        f"least {config.min_face} pixels"
    )


def _contents(config: FacesSettings) -> Iterator[bytes]:
    if config.data is None:
        yield from _cut(config)
        return
    yield from given(config.data, config.pictures)


def _cut(config: FacesSettings) -> Iterator[bytes]:
    """Squares around the face of scikit-image's astronaut, each elsewhere and of other light."""
    from skimage import data

    photograph = data.astronaut()
    random = np.random.default_rng(config.seed)
    for _ in range(config.pictures):
        left, top = int(random.integers(40, 165)), int(random.integers(0, 40))
        light = random.uniform(0.8, 1.1)
        pixels = photograph[top : top + _SIDE, left : left + _SIDE] * light
        stream = io.BytesIO()
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(stream, "JPEG", quality=90)
        yield stream.getvalue()
