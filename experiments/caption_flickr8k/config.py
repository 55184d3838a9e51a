"""Settings of `python -m experiments.caption_flickr8k`."""

import dataclasses
from pathlib import Path
from typing import Literal

from experiments._captioning.config import CaptioningSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Flickr8kSettings(CaptioningSettings):
    """Caption the pictures of Flickr8k; from files to a table of scores beside baselines.

    `--data` is a folder or zip with Flickr8k's pictures, `Flickr8k.token.txt` and its lists. The
    encoder is frozen; its features are computed once and kept. README.md in this folder has the
    protocol and the results.
    """

    encoder: Literal["mobilenet_v2", "vgg16"] = "mobilenet_v2"
    """What looks at the pictures."""

    weights: Path | None = None
    """File of the encoder's weights; by default those of ImageNet, which Keras downloads."""

    side: int = 224
    """Pixels of each side to which pictures are stretched."""

    split: Literal["dev", "test"] = "dev"
    """What the result is of. The dev pictures also stop the training; the test pictures are for
    the final figure."""

    cache: Path | None = None
    """Folder of features; by default `features` beside the run."""
