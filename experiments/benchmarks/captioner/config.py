"""Settings of `python -m experiments.benchmarks.captioner`."""

import dataclasses
from pathlib import Path
from typing import Any, Literal

from experiments._command import require
from experiments.benchmarks._command import Settings, folder_of

SizeName = Literal["coco", "flickr8k", "tiny"]
Task = Literal["training", "beam"]
Peer = Literal["plain", "batched"]
TASKS: tuple[Task, ...] = ("training", "beam")
PEERS: tuple[Peer, ...] = ("plain", "batched")


@dataclasses.dataclass(frozen=True, kw_only=True)
class CaptionerSettings(Settings):
    """Measure training and beam search of one captioner, ours and PyTorch's.

    Every measurement runs in a process of its own, on the same features, captions and weights, and
    what comes out must be the same. PyTorch gets an environment of its own, made by this command
    with pip the first time. README.md in this folder says what the network and the columns are.
    """

    sizes: tuple[SizeName, ...] = ("coco", "flickr8k")
    """Of pictures and vocabulary: 196 locations x 512 channels and 10,000 words, as VGG16 sees
    COCO; 49 x 1280 and 1,200, as MobileNetV2 sees Flickr8k."""

    tasks: tuple[Task, ...] = TASKS
    """What to measure."""

    peers: tuple[Peer, ...] = PEERS
    """What to measure beside ours: PyTorch as tutorials write it, and in whole batches; `--peers`
    without a name for nothing."""

    batch: int = 32
    """Pictures in a batch of training, with five captions each."""

    steps: int = 4
    """Batches of a timed repeat of training."""

    pictures: int = 64
    """Pictures that are captioned, in one batch by those that take batches."""

    beams: int = 5
    """Hypotheses of the beam search."""

    repeats: int = 3
    """Timed repeats in each process, after one that is not timed; their median counts."""

    rounds: int = 3
    """Processes of each subject and task, in turns; the median of them counts."""

    threads: int = 2
    """Threads of every process."""

    environments: Path | None = None
    """Folder of the peers' environments; by default $SIMLEARN_RUNS/benchmarks/environments, with
    runs for $SIMLEARN_RUNS where that is not set."""

    max_memory: float = 16.0
    """Gigabytes that a process may hold; one that holds more is ended, "out of memory"."""

    max_seconds: float = 900.0
    """Seconds that a process may run, imports included; then it is "too slow"."""

    def smoke_values(self) -> dict[str, Any]:
        """A tiny network, nothing to install."""
        small = {"batch": 3, "pictures": 4, "steps": 1, "repeats": 1, "rounds": 1}
        return small | {"sizes": ("tiny",), "peers": ()}

    def check(self) -> None:
        """Refuse what cannot work, before anything is installed.

        Raises:
            UserError: a setting is out of its range.
        """
        super().check()
        for name in ("batch", "steps", "pictures", "repeats", "rounds", "threads"):
            require(f"--{name}", getattr(self, name), 1)
        require("--beams", self.beams, 1, 20)
        require("--max-memory", self.max_memory, 0.1)
        require("--max-seconds", self.max_seconds, 1)

    @property
    def environments_folder(self) -> Path:
        """Where the peers' environments are."""
        return (self.environments or folder_of("environments")).resolve()
