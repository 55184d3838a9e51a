"""Settings of `python -m experiments.caption_flickr8k`."""

import dataclasses
from typing import Literal

from experiments._captioning.config import PhotoSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Flickr8kSettings(PhotoSettings):
    """Caption the pictures of Flickr8k; from files to a table of scores beside baselines.

    `--data` is a folder or zip with Flickr8k's pictures, `Flickr8k.token.txt` and its lists.
    README.md in this folder has the protocol and the results.
    """

    split: Literal["dev", "test"] = "dev"
    """What the result is of. The dev pictures also stop the training; the test pictures are for
    the final figure."""
