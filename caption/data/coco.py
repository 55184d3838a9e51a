"""COCO captions: everyday scenes, each described by five or more people.

Train has 82,783 pictures in the release of 2014 and 118,287 in that of 2017; what people call
Karpathy's split is read by `caption.data.karpathy`.

Reference:
    Chen et al.: Microsoft COCO Captions: Data Collection and Evaluation Server. 2015
    (https://arxiv.org/abs/1504.00325).
"""

from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from caption.data._json import (
    caption_text,
    file_name,
    identity,
    objects,
    read_json_file,
    require_new,
    text,
)
from caption.data._located import located
from caption.data.records import CaptionedPictures
from simlearn.data._annotations import check_split, read_json, shown
from simlearn.data.files import Files, Root, open_files
from simlearn.data.records import StoredPictures
from simlearn.errors import DatasetError

_SPLITS: Final = ("train2014", "val2014", "train2017", "val2017")


def load(
    root: Root, split: Literal["train", "val"] = "train", *, year: Literal[2014, 2017] = 2014
) -> CaptionedPictures:
    """Read one split of one release.

    Args:
        root: A folder or zip with `captions_{split}{year}.json`, in `annotations/` or elsewhere
            up to two folders down, and the pictures in the folder `{split}{year}`; their zips
            may be left packed. Or `Files`.
        split: `"train"` or `"val"`.
        year: Of the release; 2014 and 2017 hold the same pictures, split in another way.

    Returns:
        Pictures in the order of the file, with COCO's ids. A picture may be missing on disk; the
        pipeline skips and counts it.

    Raises:
        DatasetError: The annotations are missing or are not what the format says.
    """
    folder = f"{split}{year}"
    check_split(folder, _SPLITS, "COCO")
    name = f"captions_{folder}.json"
    files = open_files(root)
    found = files.find(name)
    return _record(read_json(found, name), found.where(name), files, folder, f"coco-{folder}")


def load_file(
    annotations: str | Path, pictures: Root, *, name: str | None = None
) -> CaptionedPictures:
    """Read a file of captions in COCO's format, whatever its name.

    Args:
        annotations: The JSON file.
        pictures: Folder or zip with the pictures, in a folder of it or directly; or `Files`.
        name: What to call the data set; by default as the file.

    Returns:
        As of `load`.

    Raises:
        DatasetError: The file or the folder is missing, or the file is not what the format says.
    """
    path = Path(annotations)
    return _record(read_json_file(path), str(path), open_files(pictures), "", name or path.stem)


def read_results(path: str | Path) -> dict[int, str]:
    """Read a file of results, one generated caption a picture.

    Args:
        path: JSON `[{"image_id": 42, "caption": "a dog on a sofa"}, ...]`.

    Returns:
        The caption, which may be empty, by the id of its picture, in the order of the file.

    Raises:
        DatasetError: The file is missing or not what the format says, or a picture occurs twice.
    """
    document = read_json_file(path)
    if not isinstance(document, list):
        raise DatasetError(f"{path}: expected a list of results, and received {shown(document)}")
    seen: dict[int, str] = {}
    results = {}
    for number, record in enumerate(document):
        where = f"{path}: [{number}]"
        image = identity(record, "image_id", where)
        require_new(seen, image, "image_id", where)
        results[image] = text(record, "caption", where)
    return results


def _record(document: Any, where: str, files: Files, folder: str, name: str) -> CaptionedPictures:
    captions: dict[int, list[str]] = {}
    names = []
    seen_ids: dict[int, str] = {}
    seen_names: dict[str, str] = {}
    for number, image in enumerate(objects(document, "images", where)):
        place = f"{where}: images[{number}]"
        key, path = identity(image, "id", place), file_name(image, "file_name", place)
        require_new(seen_ids, key, "id", place)
        require_new(seen_names, path, "file_name", place)
        captions[key] = []
        names.append(path)
    _collect(document, where, captions)
    for key, texts in captions.items():
        if not texts:
            raise DatasetError(f"{seen_ids[key]}: expected captions of the image {key}, found none")
    return CaptionedPictures(
        pictures=StoredPictures(files, located(files, names, [folder] if folder else [])),
        ids=np.array(list(captions), np.int64),
        captions=tuple(map(tuple, captions.values())),
        name=name,
    )


def _collect(document: Any, where: str, captions: dict[int, list[str]]) -> None:
    """Append every annotation's caption to those of its image."""
    seen: dict[int, str] = {}
    for number, annotation in enumerate(objects(document, "annotations", where)):
        place = f"{where}: annotations[{number}]"
        require_new(seen, identity(annotation, "id", place), "id", place)
        image = identity(annotation, "image_id", place)
        if image not in captions:
            raise DatasetError(f"{place}: expected the id of an image, and received {image}")
        captions[image].append(caption_text(annotation, "caption", place))
