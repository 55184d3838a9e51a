"""What every worker does: read its request, time passes over the pictures, print one JSON line."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def request() -> dict[str, Any]:
    """The settings of this measurement, from the command line."""
    settings: dict[str, Any] = json.loads(sys.argv[1])
    return settings


def measure(
    epoch: Callable[[], tuple[int, str]], settings: dict[str, Any], versions: dict[str, str]
) -> None:
    """Time passes and print the result.

    Args:
        epoch: called for each pass; returns the number of pictures and the shape and type of a
            batch, as text.
        settings: the request.
        versions: of the libraries.
    """
    epoch()
    rates, total, worked = [], 0, _worked()
    for _ in range(settings["epochs"]):
        start = time.perf_counter()
        count, batch = epoch()
        rates.append(count / (time.perf_counter() - start))
        total += count
    cpu = (_worked() - worked) / total * 1e3
    answer = {"rates": rates, "count": count, "batch": batch, "cpu": cpu, "versions": versions}
    print(json.dumps(answer))


def _worked() -> float:
    """Seconds that the cores have worked for this process and those it started; 0 without /proc."""
    ticks, waiting = 0, ["self"]
    while waiting:
        process = Path("/proc", waiting.pop())
        try:
            # After the name, which ends in the last parenthesis: user and system time are the
            # twelfth and thirteenth fields.
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
            for task in (process / "task").iterdir():
                waiting += (task / "children").read_text().split()
        except OSError:
            continue
    return ticks / os.sysconf("SC_CLK_TCK")
