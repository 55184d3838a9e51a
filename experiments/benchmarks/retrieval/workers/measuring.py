"""What every worker does: make the data, time the scores once, print one JSON line.

Imported first: it sets the number of threads before any library is loaded.
"""

import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

SETTINGS: dict[str, Any] = json.loads(sys.argv[1])
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = str(SETTINGS["threads"])

import numpy as np  # noqa: E402

# Queries of the call before the timed one, which starts threads and loads what is loaded late.
_WARM_UP = 1024

Scores = Callable[[np.ndarray, np.ndarray], dict[str, float]]


def measure(scores: Scores, versions: dict[str, str]) -> None:
    """Time the scores of generated clusters and print the result.

    Args:
        scores: called with embeddings ``(items, dim)`` in float32 and labels ``(items,)``.
        versions: of the libraries.
    """
    try:
        answer = _measured(scores) | {"versions": versions}
    except Exception as error:
        traceback.print_exc()
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)


def _measured(scores: Scores) -> dict[str, Any]:
    vectors, labels = clusters()
    scores(vectors[:_WARM_UP], labels[:_WARM_UP] % 7)
    before, reset = _status("VmRSS"), _reset_peak()
    cpu, start = time.process_time(), time.perf_counter()
    found = scores(vectors, labels)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = _status("VmHWM") if reset else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "seconds": seconds,
        "cpu": cpu,
        "peak": peak,
        "memory": max(0, peak - before),
        "scores": {name: float(value) for name, value in found.items()},
    }


def clusters() -> tuple[np.ndarray, np.ndarray]:
    """Gaussian clusters in random order: float32 ``(items, dim)`` and labels ``(items,)``."""
    items, dim = SETTINGS["items"], SETTINGS["dim"]
    draw = np.random.default_rng(SETTINGS["seed"])
    labels = draw.permutation(np.arange(items) // SETTINGS["per_class"])
    centres = draw.standard_normal((labels.max() + 1, dim), np.float32)
    vectors = draw.standard_normal((items, dim), np.float32)
    for start in range(0, items, _WARM_UP):
        rows = slice(start, start + _WARM_UP)
        vectors[rows] += np.float32(SETTINGS["separation"]) * centres[labels[rows]]
    return vectors, labels


def _status(field: str) -> int:
    """A field of this process' memory, in bytes; 0 where there is no /proc."""
    try:
        with open("/proc/self/status") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))
    except (OSError, StopIteration):
        return 0


def _reset_peak() -> bool:
    """Make the kernel forget the peak that came before; False where it cannot."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        return False
    return _status("VmHWM") > 0
