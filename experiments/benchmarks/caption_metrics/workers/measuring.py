"""What every worker does: read the captions, time one task once, print one JSON line."""

import json
import resource
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

SETTINGS: dict[str, Any] = json.loads(sys.argv[1])
# Images of the call before the timed one, which loads what is loaded late.
_WARM_UP = 20

Task = Callable[[], dict[str, float] | list[int]]
Prepare = Callable[[dict[str, Any]], Task]


def measure(tasks: dict[str, Prepare], versions: dict[str, str]) -> None:
    """Time one task and print the result.

    Args:
        tasks: by name; each takes `references` and `hypotheses` with `reference_words` and
            `hypothesis_words`, lists by image, prepares what is not timed, and returns what is.
        versions: of the libraries.
    """
    try:
        answer = _measured(tasks[SETTINGS["task"]]) | {"versions": versions}
    except Exception as error:
        traceback.print_exc()
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)


def _measured(prepare: Prepare) -> dict[str, Any]:
    captions = json.loads(Path(SETTINGS["captions"]).read_text(encoding="utf-8"))
    prepare({name: values[:_WARM_UP] for name, values in captions.items()})()
    task = prepare(captions)
    before, reset = _status("VmRSS"), _reset_peak()
    cpu, start = _cpu(), time.perf_counter()
    found = task()
    seconds, cpu = time.perf_counter() - start, _cpu() - cpu
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    peak = _status("VmHWM") if reset else own
    # A child such as Java holds its memory while this process holds its own.
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return {
        "seconds": seconds,
        "cpu": cpu,
        "peak": peak + child,
        "memory": max(0, peak - before) + child,
        "found": found,
    }


def _cpu() -> float:
    """Seconds of all cores, those of ended children included."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


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
