"""Settings of `python -m experiments.benchmarks.caption_metrics`."""

import dataclasses
from pathlib import Path
from typing import Any, Literal

from experiments._command import require
from experiments.benchmarks._command import Settings, folder_of

Peer = Literal["pycocoevalcap"]
Task = Literal["tokens", "tokens_coco", "bleu", "rouge_l", "cider_d", "cider_d_prepared", "meteor"]
TASKS: tuple[Task, ...] = (
    "tokens",
    "tokens_coco",
    "bleu",
    "rouge_l",
    "cider_d",
    "cider_d_prepared",
    "meteor",
)
DEFAULT: tuple[Task, ...] = TASKS[:-1]


@dataclasses.dataclass(frozen=True, kw_only=True)
class CaptionMetricsSettings(Settings):
    """Measure the metrics of the COCO caption evaluation, ours and its Python port's.

    Every measurement runs in a process of its own, with the same captions. The port gets an
    environment of its own, made by this command with pip the first time; its tokeniser and METEOR
    need Java. README.md in this folder says what the columns mean.
    """

    captions: Path | None = None
    """File of captions in COCO's format, each image's first caption scored against its others;
    by default captions are generated."""

    images: int = 5000
    """Images; a file with fewer is gone through again from its start."""

    references: int = 4
    """References of each generated image; of a file's image at most these are taken."""

    tasks: tuple[Task, ...] = DEFAULT
    """What to measure; METEOR only on request, with --meteor-data."""

    meteor_data: Path | None = None
    """Folder of METEOR's data, such as that of an installed pycocoevalcap."""

    peers: tuple[Peer, ...] = ("pycocoevalcap",)
    """What to measure beside ours; `--peers` without a name for nothing."""

    rounds: int = 3
    """Processes of each subject and task, in turns; the median of them counts."""

    environments: Path | None = None
    """Folder of the peers' environments; by default $SIMLEARN_RUNS/benchmarks/environments, with
    runs for $SIMLEARN_RUNS where that is not set."""

    max_memory: float = 8.0
    """Gigabytes that a process may hold; one that holds more is ended, "out of memory"."""

    max_seconds: float = 600.0
    """Seconds that a process may run, imports included; then it is "too slow"."""

    def smoke_values(self) -> dict[str, Any]:
        """A few images, nothing to install."""
        return {"images": 50, "peers": (), "rounds": 1}

    def check(self) -> None:
        """Refuse what cannot work, before anything is installed.

        Raises:
            UserError: a setting is out of its range.
        """
        super().check()
        require("--images", self.images, 2)
        require("--references", self.references, 1)
        require("--rounds", self.rounds, 1)
        require("--max-memory", self.max_memory, 0.1)
        require("--max-seconds", self.max_seconds, 1)

    @property
    def environments_folder(self) -> Path:
        """Where the peers' environments are."""
        return (self.environments or folder_of("environments")).resolve()
