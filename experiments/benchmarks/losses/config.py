"""Settings of `python -m experiments.benchmarks.losses`."""

import dataclasses
import os
from pathlib import Path
from typing import Any, Literal

from experiments._command import require
from experiments.benchmarks._command import Settings, folder_of
from experiments.benchmarks.losses.case import PEERS
from experiments.benchmarks.losses.cases import CASES
from simlearn.errors import UserError

Peer = Literal[
    "tensorflow-addons", "pytorch-metric-learning", "sentence-transformers", "tensorflow-similarity"
]


@dataclasses.dataclass(frozen=True, kw_only=True)
class LossesSettings(Settings):
    """Measure loss and gradient of one batch, ours and peers': time, peak memory, value.

    Every measurement runs in a process of its own, on the CPU, with the same numbers and the same
    number of threads. The peers get environments of their own, made by this command with pip the
    first time. README.md in this folder says what the columns mean.
    """

    losses: tuple[str, ...] = ()
    """Names of the losses; by default all."""

    batches: tuple[int, ...] = (128, 256, 512, 1024, 2048, 4096, 8192)
    """Batch sizes B."""

    dim: int = 128
    """Length of the embeddings, D."""

    per_class: int = 4
    """Items of each class in a batch."""

    peers: tuple[Peer, ...] = PEERS  # type: ignore[assignment]
    """Which peers to measure; `--peers` alone for none."""

    environments: Path | None = None
    """Folder of the peers' environments; by default $SIMLEARN_RUNS/benchmarks/environments, with
    runs for $SIMLEARN_RUNS where that is not set."""

    repeats: int = 7
    """Least number of timed calls, of which the median counts; calls go on for one second."""

    threads: int = os.cpu_count() or 1
    """Threads of every subject."""

    chunk: int = 1024
    """Rows at a time of the streamed form, which is measured where B is larger."""

    max_memory: float = 12.0
    """Gigabytes that a process may hold; one that holds more is ended, "out of memory"."""

    max_seconds: float = 300.0
    """Seconds that a process may run, imports and compilation included; then it is "too slow"."""

    def smoke_values(self) -> dict[str, Any]:
        """Two losses, one small batch, nothing to install."""
        return {
            "losses": ("semi-hard", "supcon"),
            "batches": (32,),
            "peers": (),
            "repeats": 2,
            "chunk": 16,
        }

    def check(self) -> None:
        """Refuse what cannot work, before anything is installed.

        Raises:
            UserError: a setting is out of its range.
        """
        super().check()
        if unknown := [name for name in self.losses if name not in CASES]:
            raise UserError(f"expected --losses among {', '.join(CASES)}, received {unknown[0]!r}")
        if not self.batches:
            raise UserError("expected at least one of --batches, received none")
        require("--batches", min(self.batches), 2)
        require("--dim", self.dim, 2)
        require("--per-class", self.per_class, 1)
        require("--repeats", self.repeats, 1)
        require("--threads", self.threads, 1)
        require("--chunk", self.chunk, 1)
        require("--max-memory", self.max_memory, 0.1)
        require("--max-seconds", self.max_seconds, 1)

    @property
    def environments_folder(self) -> Path:
        """Where the peers' environments are."""
        return (self.environments or folder_of("environments")).resolve()
