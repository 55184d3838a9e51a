"""Omniglot's drawings in memory, cut into the parts of a split."""

import dataclasses
import os
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.omniglot_oneshot.config import OmniglotSettings
from simlearn.data import LabelledImages, decoded, omniglot
from simlearn.data.frames import Stretch
from simlearn.errors import UserError

GROUND = 255
_CHARACTERS = omniglot.CHARACTERS["background"]
_ALPHABETS = 30
_HELD_OUT_ALPHABETS = 6
_TRAINING_CHARACTERS = 1200
_HELD_OUT_CHARACTERS = 172
# The splits are the same for every seed of the training.
_SPLIT_SEED = 0


class Drawings(NamedTuple):
    """Drawings with what is known of each.

    Attributes:
        images: their pictures, labels and ids.
        alphabets: int64 `(n,)`.
        drawers: int64 `(n,)`; a drawer's number means another person in each alphabet.
    """

    images: LabelledImages
    alphabets: NDArray[np.int64]
    drawers: NDArray[np.int64]

    def take(self, rows: NDArray[np.bool_], name: str) -> "Drawings":
        """The drawings of a mask."""
        return Drawings(self.images.take(rows, name=name), self.alphabets[rows], self.drawers[rows])


class Parts(NamedTuple):
    """What to train on and what to score."""

    training: Drawings
    scored: Drawings


def folder_of(config: OmniglotSettings) -> Path:
    """Where Omniglot lies.

    Raises:
        UserError: nothing lies there.
    """
    shared = Path(os.environ.get("SIMLEARN_DATA") or "data")
    root = shared / "omniglot" if config.data is None else config.data
    if not root.exists():
        raise UserError(
            f"{root}: expected a folder or zip with Omniglot, and found nothing; "
            f"python datasets/omniglot/prepare.py --data {shared} downloads it"
        )
    return root


def parts(config: OmniglotSettings) -> Parts:
    """Read and cut the drawings as the settings say."""
    root = folder_of(config)
    background = _read(root, "background", config.side)
    if config.split == "lake":
        if not config.validate:
            return Parts(background, _read(root, "evaluation", config.side))
        random = np.random.default_rng(_SPLIT_SEED)
        held_out = random.permutation(np.unique(background.alphabets))[:_HELD_OUT_ALPHABETS]
        return _cut(background, np.isin(background.alphabets, held_out), "held-out alphabets")
    everything = _together(background, _read(root, "evaluation", config.side))
    order = np.random.default_rng(_SPLIT_SEED).permutation(np.unique(everything.images.labels))
    training, test = order[:_TRAINING_CHARACTERS], order[_TRAINING_CHARACTERS:]
    if not config.validate:
        return _cut(everything, np.isin(everything.images.labels, test), "other characters")
    rest = everything.take(np.isin(everything.images.labels, training), "omniglot")
    held_out = np.isin(rest.images.labels, training[-_HELD_OUT_CHARACTERS:])
    return _cut(rest, held_out, "held-out characters")


def quarter_turns(drawings: Drawings) -> Drawings:
    """Each drawing under four quarter turns, each turn of a character a class of its own.

    Alphabets are numbered apart by their turn likewise; ids stay unique.
    """
    images = drawings.images
    turned = [np.rot90(images.images, turn, axes=(1, 2)) for turn in range(4)]
    turns = np.repeat(np.arange(4), len(images))
    return Drawings(
        LabelledImages(
            images=np.concatenate(turned),
            labels=4 * np.tile(images.labels, 4) + turns,
            ids=4 * np.tile(images.ids, 4) + turns,
            name=f"{images.name}, quarter turns",
        ),
        alphabets=4 * np.tile(drawings.alphabets, 4) + turns,
        drawers=np.tile(drawings.drawers, 4),
    )


def _read(root: Path, split: Literal["background", "evaluation"], side: int) -> Drawings:
    record = omniglot.load(root, split)
    images = decoded.labelled_images(record, frame=Stretch((side, side)), channels=1, fill=GROUND)
    kept = np.isin(record.ids, images.ids)
    # Characters and alphabets of the evaluation set are numbered on from those of the background.
    characters, alphabets = (0, 0) if split == "background" else (_CHARACTERS, _ALPHABETS)
    return Drawings(
        dataclasses.replace(images, labels=images.labels + characters),
        omniglot.alphabets(record)[kept] + alphabets,
        omniglot.drawers(record)[kept],
    )


def _together(first: Drawings, second: Drawings) -> Drawings:
    images = LabelledImages(
        images=np.concatenate([first.images.images, second.images.images]),
        labels=np.concatenate([first.images.labels, second.images.labels]),
        ids=np.concatenate([first.images.ids, second.images.ids]),
        name="omniglot",
    )
    return Drawings(
        images,
        alphabets=np.concatenate([first.alphabets, second.alphabets]),
        drawers=np.concatenate([first.drawers, second.drawers]),
    )


def _cut(drawings: Drawings, scored: NDArray[np.bool_], name: str) -> Parts:
    return Parts(
        drawings.take(~scored, "omniglot training"), drawings.take(scored, f"omniglot {name}")
    )
