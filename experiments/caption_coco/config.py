"""Settings of `python -m experiments.caption_coco`."""

import dataclasses
from pathlib import Path
from typing import Any, Literal

from experiments._captioning.config import PhotoSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class CocoSettings(PhotoSettings):
    """Caption the pictures of COCO; from files to a table of scores beside baselines.

    `--data` is a folder or zip with COCO's pictures and captions as they are released; the official
    validation pictures are cut in two, to stop the training and to score. `--karpathy` takes the
    split that papers use instead, `--annotations` any one file of captions. README.md in this
    folder has the protocol and the results.
    """

    karpathy: Path | None = None
    """`dataset_coco.json` with the split that papers use; the pictures are those of `--data`."""

    annotations: Path | None = None
    """One file of captions in COCO's format, whose pictures are cut at random, 8 to 1 to 1."""

    year: Literal[2014, 2017] = 2014
    """Of the official release."""

    encoder: Literal["mobilenet_v2", "vgg16"] = "vgg16"
    """What looks at the pictures; it does not learn."""

    words: Literal["random", "word2vec"] = "word2vec"
    """Where the word vectors start."""

    width: int = 512
    """Units of the hidden state."""

    word_width: int = 300
    """Length of the word vectors."""

    min_count: int = 5
    """How often a word must occur in the training captions to be known."""

    def smoke_values(self) -> dict[str, Any]:
        """Little of everything."""
        return super().smoke_values() | {"min_count": 2}
