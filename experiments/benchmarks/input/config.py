"""Settings of `python -m experiments.benchmarks.input`."""

import dataclasses
from pathlib import Path
from typing import Any, Literal

from experiments._command import require
from experiments.benchmarks._command import Settings, folder_of

Peer = Literal["keras", "pytorch", "libjpeg"]
PEERS: tuple[Peer, ...] = ("keras", "pytorch", "libjpeg")


@dataclasses.dataclass(frozen=True, kw_only=True)
class InputSettings(Settings):
    """Measure images a second from JPEG files to augmented float32 batches, ours and peers'.

    Every measurement runs in a process of its own, on the same files and with all cores. PyTorch
    and libjpeg get an environment of their own, made by this command with pip the first time.
    README.md in this folder says what the work is.
    """

    data: Path | None = None
    """Folder or zip with JPEG files, anywhere in it; by default rendered scenes of 500x375."""

    pictures: int = 768
    """How many pictures of `--data` to take, evenly from its sorted names."""

    size: int = 160
    """Height and width of the pictures in a batch."""

    batch: int = 64
    """Pictures in a batch."""

    peers: tuple[Peer, ...] = PEERS
    """What to measure beside ours; `--peers` without a name for nothing. `libjpeg` only decodes."""

    rounds: int = 3
    """Processes of each subject, in turns; the median of them counts."""

    epochs: int = 3
    """Timed passes over the pictures in each process, after one that is not timed."""

    environments: Path | None = None
    """Folder of the peers' environments; by default $SIMLEARN_RUNS/benchmarks/environments, with
    runs for $SIMLEARN_RUNS where that is not set."""

    max_seconds: float = 600.0
    """Seconds that a process may run."""

    def smoke_values(self) -> dict[str, Any]:
        """A few pictures, nothing to install."""
        return {"pictures": 32, "size": 32, "batch": 8, "peers": (), "rounds": 1, "epochs": 1}

    def check(self) -> None:
        """Refuse what cannot work, before anything is installed.

        Raises:
            UserError: a setting is out of its range.
        """
        super().check()
        require("--batch", self.batch, 1)
        require("--pictures", self.pictures, self.batch)
        require("--size", self.size, 1, 4096)
        require("--rounds", self.rounds, 1)
        require("--epochs", self.epochs, 1)
        require("--max-seconds", self.max_seconds, 1)

    @property
    def environments_folder(self) -> Path:
        """Where the peers' environments are."""
        return (self.environments or folder_of("environments")).resolve()
