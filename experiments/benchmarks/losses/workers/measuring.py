"""Time and memory of one loss on one batch, in a process of its own.

The scripts beside this file run in the peers' environments: nothing here needs more than Python
and NumPy. A script is started with one JSON object, the request, as its argument, and prints one
JSON object, the measurement, as its last line.
"""

import importlib.metadata
import json
import os
import platform
import resource
import statistics
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

# A timed call is repeated until it has run this long, unless it ran often enough to trust a median.
_LONG_ENOUGH_SECONDS = 1.0
_OFTEN_ENOUGH = 50
# A call this slow is not repeated as often as was asked for.
_TOO_LONG_SECONDS = 60.0


class Request(NamedTuple):
    """What to measure; `loss` is an expression over the names that the script offers."""

    loss: str = ""
    batch: int = 32
    dim: int = 128
    per_class: int = 4
    seed: int = 0
    repeats: int = 7
    threads: int = 1
    compiled: bool = False

    @property
    def classes(self) -> int:
        """Number of classes in the batch."""
        return -(-self.batch // self.per_class)

    def labels(self) -> np.ndarray:
        """Class of each item, `(batch,)`, in order: a peer's SmoothAP insists on it."""
        return np.arange(self.batch) // self.per_class

    def rows(self) -> np.ndarray:
        """Unit-length float32 `(batch, dim)`, the same numbers for every subject."""
        return _unit_rows(np.random.default_rng(self.seed), self.batch, self.dim)

    def proxies(self, count: int) -> np.ndarray:
        """Unit-length float32 `(count, dim)`, where a loss has trainable proxies."""
        return _unit_rows(np.random.default_rng([self.seed, 1]), count, self.dim)


# One evaluation: its value as a float, and the gradient with respect to the rows.
Step = Callable[[], tuple[float, Any]]
# Called with labels and rows once the memory before them is known; makes the step.
Prepare = Callable[[np.ndarray, np.ndarray], Step]


def serve(load: Callable[[Request], Prepare], packages: tuple[str, ...]) -> None:
    """Answer the request on the command line.

    Args:
        load: imports the subject and returns what prepares its step.
        packages: whose versions to tell.
    """
    request = Request(**json.loads(sys.argv[1]))
    answer: dict[str, Any] = {}
    try:
        prepare = load(request)
        answer["versions"] = {name: importlib.metadata.version(name) for name in packages}
        answer["versions"]["python"] = platform.python_version()
        if request.loss:
            answer |= _measure(prepare, request)
    except Exception as error:
        traceback.print_exc()
        answer = {"error": f"{type(error).__name__}: {error}"}
    print("\n" + json.dumps(answer), flush=True)


def _measure(prepare: Prepare, request: Request) -> dict[str, Any]:
    before = _status("VmRSS")
    reset = _reset_peak()
    step = prepare(request.labels(), request.rows())
    clock = _Clock()
    first = time.perf_counter()
    value, gradient = step()
    first = time.perf_counter() - first
    norm = float(np.linalg.norm(np.asarray(gradient, "float64")))
    del gradient
    step()
    peak_of_first = _peak(reset)
    reset = reset and _reset_peak()
    seconds = _repeat(step, request.repeats)
    peak_of_rest = _peak(reset)
    peak = max(peak_of_first, peak_of_rest)
    median = statistics.median(seconds)
    return {
        "value": value,
        "gradient_norm": norm,
        "seconds": median,
        "fastest_seconds": min(seconds),
        "slowest_seconds": max(seconds),
        "repeats": len(seconds),
        "busy_elsewhere": clock.busy_elsewhere(),
        "compile_seconds": max(first - median, 0.0),
        "memory": max(peak - before, 0),
        "steady_memory": max(peak_of_rest - before, 0),
        "peak": peak,
        "peak_includes_imports": not reset,
    }


def _repeat(step: Step, repeats: int) -> list[float]:
    seconds: list[float] = []
    while not seconds or sum(seconds) < _TOO_LONG_SECONDS:
        started = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - started)
        long_enough = sum(seconds) >= _LONG_ENOUGH_SECONDS or len(seconds) >= _OFTEN_ENOUGH
        if len(seconds) >= repeats and long_enough:
            break
    return seconds


class _Clock:
    """Tells how much of the machine other processes have used since it was made."""

    def __init__(self) -> None:
        self._start = self._now()

    def busy_elsewhere(self) -> float | None:
        """Share of all cores, 0 to 1; None where the system does not tell, or too little passed."""
        wall, machine, own = (
            now - then for now, then in zip(self._now(), self._start, strict=True)
        )
        # The system counts in hundredths of a second.
        return max(machine - own, 0.0) / wall / (os.cpu_count() or 1) if wall > 0.2 else None

    @staticmethod
    def _now() -> tuple[float, float, float]:
        used = resource.getrusage(resource.RUSAGE_SELF)
        try:
            with open("/proc/stat") as lines:
                ticks = [int(field) for field in lines.readline().split()[1:]]
        except OSError:
            return time.perf_counter(), 0.0, 0.0
        user, nice, system, _, _, *interrupts = ticks[:7]
        busy = (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")
        return time.perf_counter(), busy, used.ru_utime + used.ru_stime


def _unit_rows(generator: np.random.Generator, count: int, dim: int) -> np.ndarray:
    rows = generator.standard_normal((count, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("float32")


def _status(field: str) -> int:
    """A field of this process' memory, in bytes; 0 where there is no /proc."""
    try:
        with open("/proc/self/status") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))
    except (OSError, StopIteration):
        return 0


def _reset_peak() -> bool:
    """Make the kernel forget the peak that the imports reached; False where it cannot."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        return False
    return _status("VmHWM") > 0


def _peak(reset: bool) -> int:
    # ru_maxrss starts from the parent's own, and never falls: second best.
    return _status("VmHWM") if reset else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
