"""The experiment on rendered scenes itself."""

import dataclasses
from typing import Any

import keras
import numpy as np

from caption.data import scenes
from caption.data.scenes import RenderedScenes, captions_of
from caption.encoder import Encoder
from caption.pointing import NOUNS, pointing, pooled, scene_masks
from experiments._captioning import prepare
from experiments._captioning.evaluate import Scored
from experiments._captioning.prepare import Split
from experiments._captioning.run import caption
from experiments.caption_scenes.config import ScenesSettings
from simlearn import backbones
from simlearn.errors import UserError
from simlearn.report import Report
from simlearn.runs import Run

_WIDTHS = (32, 64, 128)
_BLOCKS = (1, 1, 1)
_STRIDE = 8


def run(config: ScenesSettings, folder: Run, page: Report | None = None) -> dict[str, Any]:
    """Draw, train, score and show; in a report of its own, or in a chapter of the page."""
    if config.data is not None:
        raise UserError(f"expected no --data, received {config.data}: these scenes are rendered")
    size = (config.side, config.side)
    train = scenes.render(config.pictures, config.seed, size=size)
    validation = _said_anew(
        scenes.render(max(2, config.tested // 3), config.seed, split="validation", size=size),
        config,
    )
    test = _said_anew(
        scenes.render(config.tested, config.seed, split="held_out", size=size), config
    )
    prepared = prepare.prepare(
        config,
        (_split(train), _split(validation), _split(test)),
        Encoder(_backbone(config.side)),
        fine_tuned=True,
    )
    protocol = (
        f"Rendered scenes: {len(train)} to train encoder and captioner, {len(validation)} to stop "
        f"the training, scores of {len(test)} with combinations never trained on, against "
        f"{config.references} true captions each; beam of {config.beams}, seed {config.seed}."
    )
    return caption(
        config,
        prepared,
        folder,
        title="Captions of rendered scenes",
        protocol=protocol,
        judge=lambda scored: judged(test, scored, prepared.encoder.grid),
        page=page,
    )


def _backbone(side: int) -> keras.Model:
    """A residual network whose places each look at their own part of the picture.

    A place sees 47 pixels, not much more than the largest thing: of a picture of 64 it cannot tell
    what lies far from it, so that attention has to go there. Three strides put the centre of place
    k at pixel 8 k. Half a place of margin, and the first row and column left out, put it at
    8 k + 4, in the middle of what attention to it is drawn on.
    """
    pixels = keras.Input((side, side, 3), name="pixels")
    wide = keras.layers.ZeroPadding2D(_STRIDE // 2)(pixels)
    network = backbones.small_resnet(
        (*wide.shape[1:3], 3), widths=_WIDTHS, blocks=_BLOCKS, stem_stride=2, pooling=None
    )
    places = keras.layers.Cropping2D(((1, 0), (1, 0)))(network(wide))
    return keras.Model(pixels, places, name="scene_encoder")


def _said_anew(record: RenderedScenes, config: ScenesSettings) -> RenderedScenes:
    """The scenes with as many true captions as their captions are scored against."""
    captions = []
    for row, scene in enumerate(record.scenes):
        draw = np.random.default_rng((config.seed, 17, row))
        said = list(record.captions[row])
        while len(said) < config.references:
            said += captions_of(scene, draw)
        captions.append(tuple(said[: config.references]))
    return dataclasses.replace(record, captions=tuple(captions))


def _split(record: RenderedScenes) -> Split:
    pictures = [np.asarray(record.pictures.open(row)) for row in range(len(record))]
    return prepare.split_of(record, np.stack(pictures))


def judged(record: RenderedScenes, scored: Scored, grid: tuple[int, int]) -> dict[str, float]:
    """Whether what is named is there, and whether the attention lands on it.

    A noun is right where the scene has a thing of that shape with the colours and sizes said of it.
    """
    right, named, games = 0, 0, []
    for row, written in enumerate(scored.written):
        masks = scene_masks(record, row, written.words)
        named += sum(word in NOUNS for word in written.words)
        right += sum(mask is not None for mask in masks)
        if written.attention is not None:
            games.append(
                pointing(
                    written.attention,
                    masks,
                    grid=grid,
                    tolerance=record.labels.shape[1] / grid[0] / 2,
                )
            )
    found = {"things and attributes right": right / max(1, named)}
    game = pooled(games)
    if len(game.hits):
        found["pointing"] = game.accuracy
        found["pointing by chance"] = game.chance_accuracy
    return found
