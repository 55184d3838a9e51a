"""The experiment on Flickr8k itself."""

import os
from pathlib import Path
from typing import Any

from caption.data import flickr
from experiments._captioning import photos
from experiments.caption_flickr8k.config import Flickr8kSettings
from simlearn.errors import UserError
from simlearn.runs import Run


def run(config: Flickr8kSettings, folder: Run) -> dict[str, Any]:
    """Read, train, score and show."""
    root = config.data or Path(os.environ.get("SIMLEARN_DATA") or "data") / "flickr8k"
    if not root.exists():
        raise UserError(
            f"{root}: expected a folder or zip with Flickr8k, and found nothing; "
            "datasets/flickr8k/README.md says where it comes from"
        )
    train, dev = flickr.load_8k(root, "train"), flickr.load_8k(root, "dev")
    test = dev if config.split == "dev" else flickr.load_8k(root, "test")
    return photos.run(
        config, folder, (train, dev, test), title="Captions of Flickr8k", data="Flickr8k"
    )
