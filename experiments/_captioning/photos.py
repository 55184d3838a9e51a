"""Photographs and a frozen encoder: what the experiments on Flickr8k and COCO share."""

from typing import Any

import numpy as np

from caption.data.records import CaptionedPictures
from caption.encoder import Encoder, FeatureCache, mobilenet_v2, vgg16
from experiments._captioning import prepare
from experiments._captioning.config import PhotoSettings
from experiments._captioning.run import caption
from simlearn.errors import UserError
from simlearn.runs import Run
from simlearn.training import seed_everything

_SMOKE = 24


def present_only(record: CaptionedPictures) -> CaptionedPictures:
    """The pictures that are there, and a line about the others.

    Raises:
        UserError: none is there.
    """
    missing = record.pictures.missing()
    kept = np.setdiff1d(np.arange(len(record)), missing)
    if not len(kept):
        raise UserError(f"{record.name}: expected pictures, and all {len(record)} are missing")
    if len(missing):
        print(f"{record.name}: {len(missing)} of {len(record)} pictures are missing, left out")
    return record.take(kept)


def run(
    config: PhotoSettings,
    folder: Run,
    records: tuple[CaptionedPictures, CaptionedPictures, CaptionedPictures],
    *,
    title: str,
    data: str,
) -> dict[str, Any]:
    """Train, score and show on photographs.

    Args:
        config: the settings.
        folder: of the run.
        records: to train, to validate and to test; the last may be the second.
        title: of the report.
        data: what to call the data in the protocol.
    """
    train, validation, test = records
    if config.smoke:
        train, validation = train.take(slice(_SMOKE)), validation.take(slice(_SMOKE))
        test = validation if records[2] is records[1] else test.take(slice(_SMOKE))
    encoder = _encoder(config)
    cache = FeatureCache(config.cache or folder.directory.parent / "features")

    def split(record: CaptionedPictures) -> prepare.Split:
        return prepare.split_of(record, cache.of(record.pictures, encoder))

    held = split(validation)
    tested = held if test is validation else split(test)
    prepared = prepare.prepare(config, (split(train), held, tested), encoder)
    same = ", the same" if test is validation else ""
    protocol = (
        f"{data}: {len(train)} pictures to train, {len(validation)} to stop the training and "
        f"choose, scores of {len(test)}{same} ({test.name}); {config.encoder} frozen, beam of "
        f"{config.beams}, seed {config.seed}."
    )
    return caption(config, prepared, folder, title=title, protocol=protocol)


def _encoder(config: PhotoSettings) -> Encoder:
    make = {"mobilenet_v2": mobilenet_v2, "vgg16": vgg16}[config.encoder]
    weights = None if config.weights == "none" else config.weights
    # Random weights are a part of the run too: the features in the cache are named by them.
    seed_everything(config.seed)
    return make(weights=weights, size=(config.side, config.side))
