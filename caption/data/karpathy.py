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

from caption.data._json import (
    caption_text,
    file_name,
    identity,
    objects,
    read_json_file,
    require_new,
    texts,
)
from caption.data._located import located
from caption.data.records import CaptionedPictures
from simlearn.data._annotations import check_split, field, read_json, shown
from simlearn.data.files import Files, Root, open_files
from simlearn.data.records import StoredPictures
from simlearn.errors import DatasetError

_SPLITS: Final = ("train", "restval", "val", "test")
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
    check_split(split, _SPLITS, "Karpathy's split")
    document, where, files = _opened(root, pictures)
    images = objects(document, "images", where)
    of_split = [_split(image, f"{where}: images[{i}]") for i, image in enumerate(images)]
    taken = _taken(split, restval, "restval" in of_split, where)
    kept = [number for number, name in enumerate(of_split) if name in taken]
    if not kept:
        raise DatasetError(f"{where}: expected pictures of the split {split!r}, and found none")
    ids, names = _identities(images, where)
    sentences = [_sentences(images[number], f"{where}: images[{number}]") for number in kept]
    dataset = Path(where).stem.removeprefix("dataset_")
    paths = located(files, names, _FOLDERS.get(dataset, ()))
    return CaptionedPictures(
        pictures=StoredPictures(files, [paths[number] for number in kept]),
        ids=np.array([ids[number] for number in kept], np.int64),
        captions=tuple(raw for raw, _ in sentences),
        name=f"{dataset}-karpathy-{'+'.join(taken)}",
        tokens=tuple(tokens for _, tokens in sentences),
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


def _split(image: Any, where: str) -> str:
    split: str = field(image, "split", str, where)
    if split not in _SPLITS:
        raise DatasetError(
            f"{where}: expected 'split' as one of {', '.join(_SPLITS)}, and received {shown(split)}"
        )
    return split


def _identities(images: list[Any], where: str) -> tuple[list[int], list[str]]:
    """Id and path of every image of the file, each of which occurs once."""
    # What one image has, all must have: a damaged key must not change what the others mean.
    has = {key for key in ("cocoid", "imgid", "filepath") if any(key in i for i in images)}
    key = "cocoid" if "cocoid" in has else "imgid" if "imgid" in has else None
    ids, names = [], []
    seen_ids: dict[int, str] = {}
    seen_names: dict[str, str] = {}
    for number, image in enumerate(images):
        place = f"{where}: images[{number}]"
        name = file_name(image, "filename", place)
        if "filepath" in has:
            name = f"{file_name(image, 'filepath', place)}/{name}"
        require_new(seen_names, name, "filename", place)
        names.append(name)
        ids.append(number if key is None else identity(image, key, place))
        require_new(seen_ids, ids[-1], key or "position", place)
    return ids, names


def _sentences(image: Any, where: str) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """The captions of an image, as they are and cut into words."""
    raw, tokens = [], []
    for number, sentence in enumerate(objects(image, "sentences", where)):
        place = f"{where}.sentences[{number}]"
        raw.append(caption_text(sentence, "raw", place))
        tokens.append(texts(sentence, "tokens", place))
    if not raw:
        raise DatasetError(f"{where}: expected captions of the image, found none")
    return tuple(raw), tuple(tokens)
