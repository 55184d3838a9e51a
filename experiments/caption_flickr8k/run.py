"""The experiment on Flickr8k itself."""

import os
from pathlib import Path
from typing import Any

from caption.data import flickr
from caption.encoder import Encoder, FeatureCache, mobilenet_v2, vgg16
from experiments._captioning import prepare
from experiments._captioning.prepare import Split
from experiments._captioning.run import caption
from experiments.caption_flickr8k.config import Flickr8kSettings
from simlearn.errors import UserError
from simlearn.runs import Run

_SMOKE = 24


def run(config: Flickr8kSettings, folder: Run) -> dict[str, Any]:
    """Read, train, score and show."""
    shared = Path(os.environ.get("SIMLEARN_DATA") or "data")
    root = config.data or shared / "flickr8k"
    if not root.exists():
        raise UserError(
            f"{root}: expected a folder or zip with Flickr8k, and found nothing; "
            "datasets/flickr8k/README.md says where it comes from"
        )
    records = {
        name: flickr.load_8k(root, name) for name in dict.fromkeys(("train", "dev", config.split))
    }
    if config.smoke:
        records = {name: record.take(slice(_SMOKE)) for name, record in records.items()}
    encoder = _encoder(config)
    cache = FeatureCache(config.cache or folder.directory.parent / "features")
    found = {
        name: prepare.split_of(record, cache.of(record.pictures, encoder))
        for name, record in records.items()
    }
    splits: tuple[Split, Split, Split] = found["train"], found["dev"], found[config.split]
    prepared = prepare.prepare(config, splits, encoder)
    protocol = (
        f"Flickr8k: {len(splits[0].record)} pictures to train, {len(splits[1].record)} to stop the "
        f"training and choose, scores of {len(splits[2].record)} ({config.split}); "
        f"{config.encoder} frozen, beam of {config.beams}, seed {config.seed}."
    )
    return caption(config, prepared, folder, title="Captions of Flickr8k", protocol=protocol)


def _encoder(config: Flickr8kSettings) -> Encoder:
    make = {"mobilenet_v2": mobilenet_v2, "vgg16": vgg16}[config.encoder]
    weights = "imagenet" if config.weights is None else str(config.weights)
    return make(weights=weights, size=(config.side, config.side))
