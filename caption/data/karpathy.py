"""The splits of Karpathy and Fei-Fei: COCO, Flickr8k and Flickr30k, with captions cut into words.

Most published scores on COCO are on these splits: 5,000 pictures each to choose and to
report on, both from the validation part of 2014. The rest of that part, 30,504 pictures, is
called `restval`; some papers train on it, others do not.

Reference:
    Karpathy, Fei-Fei: Deep Visual-Semantic Alignments for Generating Image Descriptions.
    CVPR 2015.
"""

from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from caption.data._json import objects, read_json_file
from caption.data._karpathy import SPLITS, identities, sentences, split_of
from caption.data._located import located
from caption.data.records import CaptionedPictures
from simlearn.data._annotations import check_split, read_json
from simlearn.data.files import Files, Root, open_files
from simlearn.data.records import StoredPictures
from simlearn.errors import DatasetError

_NAMES: Final = ("dataset_coco.json", "dataset_flickr8k.json", "dataset_flickr30k.json")
_FOLDERS: Final = {
    "flickr8k": ("Flicker8k_Dataset", "Flickr8k_Dataset"),
    "flickr30k": ("flickr30k-images", "flickr30k_images"),
}


def load(
    root: Root,
    split: Literal["train", "restval", "val", "test"] = "train",
    *,
    restval: bool | None = None,
    pictures: Root | None = None,
) -> CaptionedPictures:
    """Read one split of a `dataset_*.json`.

    Args:
        root: The JSON file; or a folder or zip that holds one of `dataset_coco.json`,
            `dataset_flickr8k.json` and `dataset_flickr30k.json`, up to two folders down.
        split: `"train"`, `"restval"`, `"val"` or `"test"`.
        restval: Whether `"train"` shall hold the pictures of `restval` too. There is no default
            where the file has such pictures, because scores after training on 82,783 and on
            113,287 pictures of COCO cannot be compared. Other splits do not take it.
        pictures: Folder or zip with the pictures; by default the folder of the JSON file, or
            `root`.

    Returns:
        Pictures in the order of the file, with tokens. Ids are the file's `cocoid`, else its
        `imgid`, else the position in the whole file. A picture may be missing on disk; the
        pipeline skips and counts it.

    Raises:
        DatasetError: The file is missing or is not what the format says, it has no such split, or
            `restval` is missing for a `"train"` that could have it, or given for another split.
    """
    check_split(split, SPLITS, "Karpathy's split")
    document, where, files = _opened(root, pictures)
    images = objects(document, "images", where)
    of_split = [split_of(image, f"{where}: images[{i}]") for i, image in enumerate(images)]
    taken = _taken(split, restval, "restval" in of_split, where)
    kept = [number for number, name in enumerate(of_split) if name in taken]
    if not kept:
        raise DatasetError(f"{where}: expected pictures of the split {split!r}, and found none")
    ids, names = identities(images, where)
    captions = [sentences(images[number], f"{where}: images[{number}]") for number in kept]
    dataset = Path(where).stem.removeprefix("dataset_")
    paths = located(files, names, _FOLDERS.get(dataset, ()))
    return CaptionedPictures(
        pictures=StoredPictures(files, [paths[number] for number in kept]),
        ids=np.array([ids[number] for number in kept], np.int64),
        captions=tuple(raw for raw, _ in captions),
        name=f"{dataset}-karpathy-{'+'.join(taken)}",
        tokens=tuple(tokens for _, tokens in captions),
    )


def _opened(root: Root, pictures: Root | None) -> tuple[Any, str, Files]:
    """The document, its name for messages, and where the pictures are."""
    if not isinstance(root, Files) and Path(root).suffix.lower() == ".json":
        folder = Path(root).parent if pictures is None else pictures
        return read_json_file(root), str(root), open_files(folder)
    files = open_files(root)
    present = [name for name in files.names((".json",)) if name.rpartition("/")[2] in _NAMES]
    if len(present) != 1:
        raise DatasetError(
            f"{files}: expected one of {', '.join(_NAMES)}, and found "
            f"{', '.join(present) or 'none'}; the JSON file itself can be given instead"
        )
    where = files.where(present[0])
    return read_json(files, present[0]), where, files if pictures is None else open_files(pictures)


def _taken(split: str, restval: bool | None, has_restval: bool, where: str) -> tuple[str, ...]:
    """The file's splits that make up the one asked for."""
    if split != "train":
        if restval is not None:
            raise DatasetError(f"restval belongs to the split 'train', and came with {split!r}")
        return (split,)
    if has_restval and restval is None:
        raise DatasetError(
            f"{where}: has pictures called restval; "
            "say restval=True to train on them too, restval=False to leave them out"
        )
    return ("train", "restval") if has_restval and restval else ("train",)
