"""Settings of `python -m experiments.benchmarks.retrieval`."""

import dataclasses
import os
from pathlib import Path
from typing import Any, Literal

from experiments._command import require
from experiments.benchmarks._command import Settings, folder_of

Peer = Literal["pytorch-metric-learning", "open-metric-learning"]
PEERS: tuple[Peer, ...] = ("pytorch-metric-learning", "open-metric-learning")


@dataclasses.dataclass(frozen=True, kw_only=True)
class RetrievalSettings(Settings):
    """Measure Recall@1, R-precision and MAP@R of embeddings among themselves, ours and peers'.

    Every measurement runs in a process of its own, on the CPU, with the same generated clusters
    and the same number of threads. The peers get environments of their own, made by this command
    with pip the first time. README.md in this folder says what the columns mean.
    """

    items: int = 60_000
    """Embeddings, each a query in turn among all others."""

    dim: int = 128
    """Length of the embeddings."""

    per_class: tuple[int, ...] = (10, 600)
    """Items of each class; one table for each."""

    separation: float = 0.7
    """Standard deviation of the classes' centres in each dimension; that of the items of a class
    around their centre is 1."""

    peers: tuple[Peer, ...] = PEERS
    """What to measure beside ours; `--peers` without a name for nothing."""

    rounds: int = 3
    """Processes of each subject, in turns; the median of them counts."""

    threads: int = os.cpu_count() or 1
    """Threads of every subject."""

    environments: Path | None = None
    """Folder of the peers' environments; by default $SIMLEARN_RUNS/benchmarks/environments, with
    runs for $SIMLEARN_RUNS where that is not set."""

    max_memory: float = 16.0
    """Gigabytes that a process may hold; one that holds more is ended, "out of memory"."""

    max_seconds: float = 1800.0
    """Seconds that a process may run, imports included; then it is "too slow"."""

    def smoke_values(self) -> dict[str, Any]:
        """A few items, nothing to install."""
        return {"items": 1500, "dim": 16, "per_class": (10, 150), "peers": (), "rounds": 1}

    def check(self) -> None:
        """Refuse what cannot work, before anything is installed.

        Raises:
            UserError: a setting is out of its range.
        """
        super().check()
        require("--items", self.items, 2)
        require("--dim", self.dim, 1)
        for size in self.per_class:
            require("--per-class", size, 2, self.items)
        require("--separation", self.separation, 0)
        require("--rounds", self.rounds, 1)
        require("--threads", self.threads, 1)
        require("--max-memory", self.max_memory, 0.1)
        require("--max-seconds", self.max_seconds, 1)

    @property
    def environments_folder(self) -> Path:
        """Where the peers' environments are."""
        return (self.environments or folder_of("environments")).resolve()
