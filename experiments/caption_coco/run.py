"""The experiment on COCO itself."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from caption.data import coco, karpathy
from caption.data.records import CaptionedPictures
from experiments._captioning import photos
from experiments.caption_coco.config import CocoSettings
from simlearn.errors import UserError
from simlearn.runs import Run

Records = tuple[CaptionedPictures, CaptionedPictures, CaptionedPictures]


def run(config: CocoSettings, folder: Run) -> dict[str, Any]:
    """Read, train, score and show."""
    root = config.data or Path(os.environ.get("SIMLEARN_DATA") or "data") / "coco"
    if not root.exists():
        raise UserError(
            f"{root}: expected a folder or zip with COCO, and found nothing; "
            "datasets/coco/README.md says where it comes from"
        )
    if config.karpathy is not None and config.annotations is not None:
        raise UserError("expected --karpathy or --annotations, received both")
    records, data = _records(config, root)
    return photos.run(config, folder, records, title="Captions of COCO", data=data)


def _records(config: CocoSettings, root: Path) -> tuple[Records, str]:
    if config.karpathy is not None:
        train = karpathy.load(config.karpathy, "train", restval=True, pictures=root)
        held = [karpathy.load(config.karpathy, split, pictures=root) for split in ("val", "test")]
        return (train, held[0], held[1]), "COCO, Karpathy's split with restval"
    if config.annotations is not None:
        record = photos.present_only(coco.load_file(config.annotations, root))
        return _cut(record, config.seed, (8, 1, 1)), f"COCO, {config.annotations.name} cut 8:1:1"
    train = photos.present_only(coco.load(root, "train", year=config.year))
    held_out = photos.present_only(coco.load(root, "val", year=config.year))
    validation, test, _ = _cut(held_out, config.seed, (1, 1, 0))
    return (train, validation, test), f"COCO {config.year}, validation pictures cut in two"


def _cut(record: CaptionedPictures, seed: int, parts: tuple[int, int, int]) -> Records:
    """The pictures in random order, in three parts of these sizes to each other."""
    order = np.random.default_rng(seed).permutation(len(record))
    edges = np.round(np.cumsum(parts)[:2] / sum(parts) * len(record)).astype(int)
    names = ("train", "validation", "test")
    cut = np.split(order, edges)
    if not all(len(rows) for rows, part in zip(cut, parts, strict=True) if part):
        raise UserError(f"{record.name}: expected enough pictures to cut, got {len(record)}")
    first, second, third = (
        record.take(np.sort(rows), name=f"{record.name}-{name}")
        for rows, name in zip(cut, names, strict=True)
    )
    return first, second, third
