"""Flickr8k and Flickr30k: people and animals doing something, five captions a picture.

Flickr8k has official lists of 6,000, 1,000 and 1,000 pictures. Flickr30k has no official split;
papers use Karpathy's, which `caption.data.karpathy` reads from `dataset_flickr30k.json`.

References:
    Hodosh, Young, Hockenmaier: Framing Image Description as a Ranking Task. JAIR 2013.
    Young, Lai, Hodosh, Hockenmaier: From Image Descriptions to Visual Denotations. TACL 2014.
"""

from typing import Final, Literal

import numpy as np

from caption.data._located import located
from caption.data.records import CaptionedPictures
from simlearn.data._annotations import Line, check_split, read_lines
from simlearn.data.files import Files, Root, inside, open_files
from simlearn.data.records import StoredPictures

CAPTIONS: Final = 5
"""How many captions each picture has."""

_TOKENS_8K: Final = "Flickr8k.token.txt"
_TOKENS_30K: Final = "results_20130124.token"
_LISTS: Final = {
    "train": "Flickr_8k.trainImages.txt",
    "dev": "Flickr_8k.devImages.txt",
    "test": "Flickr_8k.testImages.txt",
}


def load_8k(
    root: Root, split: Literal["train", "dev", "test", "all"] = "train"
) -> CaptionedPictures:
    """Read one split of Flickr8k.

    Args:
        root: A folder or zip with `Flickr8k.token.txt` and beside it the lists of the splits, up
            to two folders down, and anywhere the pictures; or `Files`. The two official zips may
            be left packed in one folder.
        split: `"train"`, `"dev"`, `"test"`, or `"all"`: every picture that has captions, also
            those on no list.

    Returns:
        Pictures in the order of the list. An id is the position of the picture in the file of
        captions. A picture may be missing on disk, as one is in the common archive; the pipeline
        skips and counts it.

    Raises:
        DatasetError: A file is missing or is not what the format says.
    """
    check_split(split, (*_LISTS, "all"), "Flickr8k")
    files = open_files(root)
    texts = files.find(_TOKENS_8K) if split == "all" else files.find(_TOKENS_8K, _LISTS[split])
    captions = _captions(read_lines(texts, _TOKENS_8K))
    chosen = list(captions) if split == "all" else _chosen(texts, _LISTS[split], captions)
    usual = ("Flicker8k_Dataset", "Flickr8k_Dataset")
    return _record(files, captions, chosen, usual, f"flickr8k-{split}")


def load_30k(root: Root) -> CaptionedPictures:
    """Read all of Flickr30k, which has no official split.

    Args:
        root: A folder or zip with `results_20130124.token`, up to two folders down, and anywhere
            the pictures; or `Files`.

    Returns:
        As of `load_8k`, in the order of the file of captions.

    Raises:
        DatasetError: The file is missing or is not what the format says.
    """
    files = open_files(root)
    captions = _captions(read_lines(files.find(_TOKENS_30K), _TOKENS_30K))
    usual = ("flickr30k-images", "flickr30k_images")
    return _record(files, captions, list(captions), usual, "flickr30k")


def _captions(lines: list[Line]) -> dict[str, tuple[str, ...]]:
    """The five captions of each picture, from rows `name.jpg#k<TAB>caption`."""
    rows: dict[str, dict[int, str]] = {}
    last: dict[str, Line] = {}
    for line in lines:
        # Names are odd in places (`x.jpg.1`): all that comes before the last # is one.
        head, tab, caption = line.text.partition("\t")
        name, mark, number = head.rpartition("#")
        if not tab or not mark or not caption.strip():
            raise line.error("a row like 'name.jpg#0<TAB>caption'", line.text)
        position = line.integer(number, "the number of the caption", 0, CAPTIONS - 1)
        name = inside(name, where=line.where)
        of_picture = rows.setdefault(name, {})
        if position in of_picture:
            raise line.error("each caption of a picture once", head)
        of_picture[position] = caption
        last[name] = line
    for name, of_picture in rows.items():
        if len(of_picture) < CAPTIONS:
            missing = min(set(range(CAPTIONS)) - set(of_picture))
            raise last[name].error(f"{CAPTIONS} captions of {name}", f"none with number {missing}")
    return {name: tuple(c[k] for k in range(CAPTIONS)) for name, c in rows.items()}


def _chosen(files: Files, name: str, captions: dict[str, tuple[str, ...]]) -> list[str]:
    """The pictures on the list of a split."""
    chosen: dict[str, Line] = {}
    for line in read_lines(files, name):
        (picture,) = line.tokens(1)
        if picture not in captions:
            raise line.error("a picture that has captions", picture)
        if picture in chosen:
            raise line.error(f"each picture once, after {chosen[picture].where}", picture)
        chosen[picture] = line
    return list(chosen)


def _record(
    files: Files,
    captions: dict[str, tuple[str, ...]],
    chosen: list[str],
    usual: tuple[str, ...],
    name: str,
) -> CaptionedPictures:
    position = {picture: number for number, picture in enumerate(captions)}
    paths = located(files, list(captions), usual)
    return CaptionedPictures(
        pictures=StoredPictures(files, [paths[position[picture]] for picture in chosen]),
        ids=np.array([position[picture] for picture in chosen], np.int64),
        captions=tuple(captions[picture] for picture in chosen),
        name=name,
    )
