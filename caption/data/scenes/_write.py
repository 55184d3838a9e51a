"""Rendered scenes as files, laid out as COCO lays out its own."""

import json
from pathlib import Path
from typing import Any, Literal

from caption.data.scenes._record import RenderedScenes
from simlearn._files import write_atomically
from simlearn.errors import UserError


def write(
    folder: str | Path,
    scenes: RenderedScenes,
    *,
    split: Literal["train", "val"] = "train",
    year: Literal[2014, 2017] = 2014,
    form: Literal["png", "jpg"] = "png",
) -> Path:
    """Write pictures and captions where `caption.data.coco.load` and other tools look for COCO's.

    Files of the same name are overwritten. The annotations are written last.

    Args:
        folder: Will hold `annotations/captions_{split}{year}.json` and `{split}{year}/`.
        scenes: What to write, of any split.
        split: What to call it: COCO knows `"train"` and `"val"`.
        year: Decides the names of the pictures.
        form: `"png"` keeps every pixel; `"jpg"` is smaller, and what COCO has.

    Returns:
        Path of the annotations.

    Raises:
        UserError: An argument is none of those above, or the folder cannot be written to.
    """
    for value, choices in ((split, ("train", "val")), (year, (2014, 2017)), (form, ("png", "jpg"))):
        if value not in choices:
            raise UserError(f"expected one of {choices}, and received {value!r}")
    part = f"{split}{year}"
    stem = f"COCO_{part}_" if year == 2014 else ""
    names = [f"{stem}{number:012d}.{form}" for number in scenes.ids]
    path = Path(folder) / "annotations" / f"captions_{part}.json"
    document = json.dumps(_document(scenes, names)).encode()
    try:
        (Path(folder) / part).mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(exist_ok=True)
        for row, name in enumerate(names):
            options: dict[str, Any] = {"quality": 95, "subsampling": 0} if form == "jpg" else {}
            scenes.pictures.open(row).save(Path(folder) / part / name, **options)
        write_atomically(path, document)
    except OSError as error:
        raise UserError(f"{folder}: expected a folder to write to: {error}") from error
    return path


def _document(scenes: RenderedScenes, names: list[str]) -> dict[str, Any]:
    height, width = scenes.labels.shape[1:]
    images = [
        {"id": int(number), "file_name": name, "height": height, "width": width}
        for number, name in zip(scenes.ids, names, strict=True)
    ]
    annotations = [
        {"image_id": int(number), "caption": caption}
        for number, captions in zip(scenes.ids, scenes.captions, strict=True)
        for caption in captions
    ]
    return {
        "info": {"description": f"{scenes.name}: rendered pictures, not photographs"},
        "licenses": [],
        "images": images,
        "annotations": [{"id": key, **entry} for key, entry in enumerate(annotations, start=1)],
    }
