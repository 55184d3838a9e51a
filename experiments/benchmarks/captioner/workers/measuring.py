"""What every worker does: read the problem, check, time repeats, print one JSON line.

Imported first: it sets the number of threads before any library is loaded. The scripts beside this
file run in the peers' environments: nothing here needs more than Python and NumPy.
"""

import gc
import json
import os
import resource
import statistics
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

SETTINGS: dict[str, Any] = json.loads(sys.argv[1])
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = str(SETTINGS["threads"])
# As the experiments set it: without AVX-512 TensorFlow else leaves oneDNN off.
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"

import numpy as np  # noqa: E402

Arrays = dict[str, np.ndarray]

LEARNING_RATE = 1e-4
# Of the plain gradient descent by which gradients are compared: what Keras and PyTorch call Adam
# differs, in where epsilon stands for one.
CHECK_RATE = 1e-3
DROPOUT = 0.5
MAX_LENGTH = 21
PAD, START, END = 0, 1, 2


class Problem(NamedTuple):
    """What the parent process wrote: `features`, `tokens`, `targets`, and weights by name."""

    features: np.ndarray
    tokens: np.ndarray
    targets: np.ndarray
    weights: Arrays

    @classmethod
    def read(cls) -> "Problem":
        """From the file that the settings name."""
        with np.load(SETTINGS["problem"]) as file:
            arrays = dict(file)
        weights = {k.removeprefix("weight_"): v for k, v in arrays.items() if k[:7] == "weight_"}
        return cls(arrays["features"], arrays["tokens"], arrays["targets"], weights)

    @property
    def checked(self) -> int:
        """Pictures of the batches on which subjects are compared."""
        return min(4, len(self.features))


class Task(NamedTuple):
    """A thing to measure.

    Attributes:
        check: what subjects are compared by, arrays by name.
        prepare: makes what is timed; that returns how many units it did.
    """

    check: Callable[[], Arrays]
    prepare: Callable[[], Callable[[], int]]


def measure(tasks: dict[str, Callable[[Problem], Task]], versions: dict[str, str]) -> None:
    """Check and time one task and print the result.

    Args:
        tasks: by name.
        versions: of the libraries.
    """
    try:
        answer = _measured(tasks[SETTINGS["task"]]) | {"versions": versions}
    except Exception as error:
        traceback.print_exc()
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)


def _measured(make: Callable[[Problem], Task]) -> dict[str, Any]:
    task = make(Problem.read())
    found: dict[str, Any] = task.check()
    np.savez(Path(SETTINGS["found"]), **found)
    del found
    gc.collect()
    before, reset = _status("VmRSS"), _reset_peak()
    repeat = task.prepare()
    repeat()
    seconds, cpus = [], []
    for _ in range(SETTINGS["repeats"]):
        cpu, start = time.process_time(), time.perf_counter()
        units = repeat()
        seconds.append((time.perf_counter() - start) / units)
        cpus.append((time.process_time() - cpu) / units)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    peak = _status("VmHWM") if reset else own
    return {
        "rate": 1 / statistics.median(seconds),
        "cpu": statistics.median(cpus),
        "peak": peak,
        "memory": max(0, peak - before),
    }


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
