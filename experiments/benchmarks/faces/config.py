"""Settings of `python -m experiments.benchmarks.faces`."""

import dataclasses
from pathlib import Path
from typing import Any, Literal

from experiments._command import require
from experiments.benchmarks._command import Settings

Peer = Literal["mtcnn"]
PEERS: tuple[Peer, ...] = ("mtcnn",)


@dataclasses.dataclass(frozen=True, kw_only=True)
class FacesSettings(Settings):
    """Measure images a second from files to embeddings: ours, and mtcnn and Keras one by one.

    Both detect with the same weights and the same smallest face, and embed with the same network.
    Every measurement runs in a process of its own. README.md in this folder says what the work is.
    """

    data: Path | None = None
    """Folder or zip with JPEG files of people, anywhere in it; by default 250x250 cuts of
    scikit-image's photograph of Eileen Collins (NASA, public domain)."""

    pictures: int = 128
    """How many distinct pictures, evenly from the sorted names of `--data`."""

    min_face: int = 20
    """Smallest face, in pixels, of both subjects: mtcnn's default."""

    peers: tuple[Peer, ...] = PEERS
    """What to measure beside ours; `--peers` without a name for nothing."""

    rounds: int = 3
    """Processes of each subject, in turns; the median of them counts."""

    memory_pictures: int = 5000
    """How many pictures one more process of ours takes in one call, the distinct ones over and
    over, to see whether memory grows; 0 for none."""

    max_seconds: float = 3600.0
    """Seconds that a process may run."""

    def smoke_values(self) -> dict[str, Any]:
        """A few pictures, ours alone."""
        return {"pictures": 4, "peers": (), "rounds": 1, "memory_pictures": 0, "min_face": 60}

    def check(self) -> None:
        """Refuse what cannot work, before anything is measured.

        Raises:
            UserError: a setting is out of its range.
        """
        super().check()
        require("--pictures", self.pictures, 2)
        require("--min-face", self.min_face, 12)
        require("--rounds", self.rounds, 1)
        require("--memory-pictures", self.memory_pictures, 0)
        require("--max-seconds", self.max_seconds, 1)
