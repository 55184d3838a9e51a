"""Parts of the reader of Karpathy's splits: the fields of an image."""

from typing import Any, Final

from caption.data._json import caption_text, file_name, identity, objects, require_new, texts
from simlearn.data._annotations import field, shown
from simlearn.errors import DatasetError

SPLITS: Final = ("train", "restval", "val", "test")


def split_of(image: Any, where: str) -> str:
    """The split that an image is in."""
    split: str = field(image, "split", str, where)
    if split not in SPLITS:
        raise DatasetError(
            f"{where}: expected 'split' as one of {', '.join(SPLITS)}, and received {shown(split)}"
        )
    return split


def identities(images: list[Any], where: str) -> tuple[list[int], list[str]]:
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


def sentences(image: Any, where: str) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """The captions of an image, as they are and cut into words."""
    raw, tokens = [], []
    for number, sentence in enumerate(objects(image, "sentences", where)):
        place = f"{where}.sentences[{number}]"
        raw.append(caption_text(sentence, "raw", place))
        tokens.append(texts(sentence, "tokens", place))
    if not raw:
        raise DatasetError(f"{where}: expected captions of the image, found none")
    return tuple(raw), tuple(tokens)
