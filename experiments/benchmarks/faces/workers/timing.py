"""What every worker does: read its request, time passes over the files, print one JSON line."""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def request() -> dict[str, Any]:
    """The settings of this measurement, from the command line."""
    settings: dict[str, Any] = json.loads(sys.argv[1])
    return settings


def files(settings: dict[str, Any]) -> list[Path]:
    """The pictures, sorted."""
    return sorted(Path(settings["folder"]).glob("*.jpg"))


def measure(
    work: Callable[[list[Path]], int], settings: dict[str, Any], versions: dict[str, str]
) -> None:
    """Time one pass after a small one that is not timed, and print the result.

    Args:
        work: called with files; returns how many faces it embedded.
        settings: the request.
        versions: of the libraries.
    """
    paths = files(settings)
    work(paths[: max(2, len(paths) // 8)])
    worked, start = time.process_time(), time.perf_counter()
    faces = work(paths)
    seconds, cpu = time.perf_counter() - start, time.process_time() - worked
    answer = {
        "rate": len(paths) / seconds,
        "cpu": cpu / len(paths) * 1e3,
        "pictures": len(paths),
        "faces": faces,
        "versions": versions,
    }
    print(json.dumps(answer))


def grown(
    work: Callable[[list[Path]], int], settings: dict[str, Any], versions: dict[str, str]
) -> None:
    """The most memory that the process held after a fifth of the pictures and after all of them.

    The distinct ones once before: what libraries take for themselves grows over the first calls.
    """
    paths = files(settings)
    wanted = [paths[i % len(paths)] for i in range(settings["memory_pictures"])]
    work(paths)
    work(wanted[: max(1, len(wanted) // 5)])
    first = _peak()
    faces = work(wanted)
    answer = {
        "megabytes_after_a_fifth": first,
        "megabytes_after_all": _peak(),
        "pictures": len(wanted),
        "distinct": len(paths),
        "faces": faces,
        "versions": versions,
    }
    print(json.dumps(answer))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
