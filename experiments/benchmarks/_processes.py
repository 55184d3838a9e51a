"""One measurement in one process, held to a time and a memory limit."""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[2]
_POLL_SECONDS = 0.02

OUT_OF_MEMORY = "out of memory"
TOO_SLOW = "too slow"
# Words of TensorFlow, PyTorch, NumPy and Python for an allocation that was refused.
_REFUSED = ("OOM when allocating", "can't allocate memory", "MemoryError", "bad_alloc")


@dataclass(frozen=True)
class Limits:
    """What a process may use.

    Attributes:
        memory: bytes of resident memory.
        seconds: wall-clock time.
    """

    memory: float
    seconds: float


def measure(
    worker: Path, python: str | Path, request: dict[str, Any], limits: Limits
) -> dict[str, Any]:
    """Run a worker, and return what it measured.

    Args:
        worker: the script; `ours.py` runs with this package, the others without.
        python: the interpreter of its environment.
        request: what the script takes, as JSON, for its only argument.
        limits: beyond which the process is ended.

    Returns:
        The measurement, or `{"error": why not}`.
    """
    command = [str(python), str(worker), json.dumps(request)]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=_environment(worker.stem)
        )
        try:
            ended = _wait(process, limits)
        finally:
            process.kill()
            process.wait()
        out.seek(0)
        err.seek(0)
        return {"error": ended} if ended else _answer(out.read(), err.read(), process.returncode)


def _wait(process: subprocess.Popen[bytes], limits: Limits) -> str | None:
    """Wait for the end of a process; says which limit it hit, if one."""
    deadline = time.monotonic() + limits.seconds
    while process.poll() is None:
        if _resident(process.pid) > limits.memory:
            return OUT_OF_MEMORY
        if time.monotonic() > deadline:
            return TOO_SLOW
        time.sleep(_POLL_SECONDS)
    return None


def _resident(pid: int) -> int:
    """Bytes of memory that a process holds; 0 where there is no /proc, or no process any more."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _answer(out: str, err: str, status: int) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
    except (ValueError, IndexError):
        last = (err.strip().splitlines() or ["no output"])[-1]
        answer = {"error": f"ended with status {status}: {last}"}
    # The kernel ends whoever takes the machine's last memory with signal 9.
    if status == -9 or any(words in str(answer.get("error")) for words in _REFUSED):
        answer = {"error": OUT_OF_MEMORY}
    return answer


def _environment(worker: str) -> dict[str, str]:
    """Variables of a worker's process: the CPU alone, nothing of ours in the peers' paths."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "TF_"))}
    kept |= {
        "CUDA_VISIBLE_DEVICES": "",
        "HF_HUB_OFFLINE": "1",
        "PYTHONHASHSEED": "0",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TOKENIZERS_PARALLELISM": "false",
    }
    if worker == "ours":
        paths = filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")])
        kept |= {"KERAS_BACKEND": "tensorflow", "PYTHONPATH": os.pathsep.join(paths)}
    return kept


def log(text: str) -> None:
    """One line on stderr."""
    print(text, file=sys.stderr, flush=True)


def machine_now() -> dict[str, Any]:
    """What the times depend on; a warning where others keep the machine busy."""
    cpus, load = os.cpu_count() or 1, os.getloadavg()[0]
    if load > cpus / 2:
        log(f"{load:.1f} processes are running on {cpus} cores: the times will be too long")
    return {"machine": platform.machine(), "cpus": cpus, "load_at_start": round(load, 2)}
