"""The people: to train on, to choose by, to report on; nobody in two of them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from experiments.facenet.config import FacenetSettings
from simlearn.data import (
    LabelledFiles,
    LabelledImages,
    casia_webface,
    decoded,
    folders,
    orl,
    splitting,
    vggface2,
)
from simlearn.data.rendered import faces as rendered
from simlearn.errors import UserError
from simlearn.faces import FixedBox

_READERS: dict[str, Callable[[Path], LabelledFiles]] = {
    "casia": casia_webface.load,
    "vggface2": vggface2.load,
    "orl": orl.load,
    "folders": folders.load,
}


class Parts(NamedTuple):
    """Pictures of different people."""

    train: LabelledImages
    validation: LabelledImages
    test: LabelledImages


def parts(config: FacenetSettings, cache: Path) -> Parts:
    """Read and split.

    Args:
        config: the settings.
        cache: folder for decoded pictures.

    Raises:
        UserError: there are too few people or pictures.
    """
    everyone = people(config, cache)
    rest, test = splitting.split_by_class(everyone, share=config.test_share, seed=config.seed)
    share = config.validation_share / (1 - config.test_share)
    if not share < 1:
        raise UserError(
            "expected --validation-share and --test-share of less than 1 together, received "
            f"{config.validation_share} and {config.test_share}"
        )
    train, validation = splitting.split_by_class(rest, share=share, seed=config.seed + 1)
    found = Parts(*(
        part.take(slice(None), name=f"{everyone.name}-{name}")
        for name, part in zip(Parts._fields, (train, validation, test), strict=True)
    ))  # fmt: skip
    for part in found:
        _require_pairs(part)
    return found


def people(config: FacenetSettings, cache: Path) -> LabelledImages:
    """Everyone, in pictures of the size that is trained on."""
    record = files(config)
    if record is None:
        return rendered.people(
            config.rendered_people, config.rendered_pictures, size=config.size, seed=config.seed
        )
    frame = FixedBox((config.size, config.size), share=config.share)
    return decoded.labelled_images(record, frame=frame, channels=3, cache=cache)


def files(config: FacenetSettings) -> LabelledFiles | None:
    """Everyone's files, which ids name; None where people are rendered.

    Raises:
        UserError: they are not there, or lie otherwise.
    """
    layout, root = config.layout, config.data
    if layout == "auto":
        layout = "rendered" if root is None else "folders"
        shared = Path(os.environ.get("SIMLEARN_DATA") or "data") / "orl"
        if root is None and shared.exists():
            layout, root = "orl", shared
    if layout == "rendered":
        return None
    if root is None:
        root = Path(os.environ.get("SIMLEARN_DATA") or "data") / "orl"
    if not root.exists():
        raise UserError(f"{root}: expected a folder or zip of faces, and found nothing")
    return _READERS[layout](root)


def _require_pairs(part: LabelledImages) -> None:
    _, counts = np.unique(part.labels, return_counts=True)
    if len(counts) < 3 or np.count_nonzero(counts > 1) < 2:
        raise UserError(
            f"expected at least 3 people in {part.name}, two of them with 2 pictures, found "
            f"{len(counts)} with {counts.max()} at most"
        )
