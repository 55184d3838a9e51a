"""Files of references and of hypotheses, read strictly: what is wrong is said, with file and id.

Read are COCO's and Karpathy's JSON, lists of results, Flickr's token files and plain lines. Which
one a file is shows its content.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from caption.data._json import identity, objects, require_new, text
from caption.data._karpathy import identities, sentences, split_of
from caption.metrics._formats import (
    LONGEST,
    NUMBERED,
    CaptionCheck,
    Identity,
    content_of,
    flickr_captions,
    grouped_results,
    is_json,
    lines_in,
    plain_captions,
    result_captions,
    single_caption,
)
from simlearn.data._annotations import Line, json_of, shown
from simlearn.errors import DatasetError

__all__ = ["LONGEST", "Identity", "References", "only", "read_hypotheses", "read_references"]


@dataclass(frozen=True)
class References:
    """The references of a file.

    Attributes:
        path: of the file.
        captions: of each image, by its id, in the order of the file.
        names: the id by the name of the image's file, where the file holds both.
    """

    path: str
    captions: dict[Identity, tuple[str, ...]]
    names: dict[str, Identity] = field(default_factory=dict)


def read_references(path: str | Path, *, split: str = "test", blank: bool = False) -> References:
    """Read references, whichever of the formats they are in.

    Args:
        path: COCO's captions, `{"images": [...], "annotations": [...]}`; Karpathy's
            `dataset_*.json`; a list `[{"image_id": 42, "caption": "..."}, ...]` with any number
            for an image; rows `name.jpg#0<TAB>caption`; or plain lines, one for each image, its
            references between tabs, whose ids are the numbers of the lines from 1.
        split: of Karpathy's file: `"train"`, `"restval"`, `"val"` or `"test"`.
        blank: Whether a reference may be blank.

    Raises:
        DatasetError: The file cannot be read or is not what its format says.
    """
    content = content_of(path)
    captions, where = CaptionCheck(blank), str(path)
    if not is_json(content, where):
        lines = lines_in(content, where)
        if NUMBERED.match(lines[0].text):
            return _checked(References(where, _flickr(lines, captions)))
        return _checked(References(where, dict(plain_captions(lines, captions))))
    document = json_of(content, where)
    if isinstance(document, list):
        return _checked(References(where, grouped_results(document, where, captions)))
    if not isinstance(document, dict) or "images" not in document:
        raise DatasetError(
            f"{where}: expected COCO's captions, Karpathy's splits or a list of "
            f"captions with their image_id, and received {shown(document)}"
        )
    if "annotations" in document:
        return _checked(_coco(document, where, captions))
    return _checked(_karpathy(document, where, split, captions))


def read_hypotheses(
    path: str | Path, references: References, *, blank: bool = False
) -> dict[Identity, str]:
    """Read one hypothesis for each image that has references.

    Args:
        path: results `[{"image_id": 42, "caption": "..."}, ...]`, where the id may be the name of
            the image's file, and 42 and "42" are the same; rows `name.jpg#0<TAB>caption`; or plain
            lines, in the order of the references.
        references: whose images to expect, each once.
        blank: Whether a hypothesis may be blank.

    Returns:
        The hypothesis by the id of its image, in the order of the references.

    Raises:
        DatasetError: The file cannot be read, an image occurs twice, has no references or no
            hypothesis, or a caption is blank or too long.
    """
    content, where, captions = content_of(path), str(path), CaptionCheck(blank)
    if is_json(content, where):
        document = json_of(content, where)
        if not isinstance(document, list):
            raise DatasetError(f"{where}: expected a list of results, got {shown(document)}")
        return _matched(result_captions(document, where, captions), where, references)
    lines = lines_in(content, where)
    if NUMBERED.match(lines[0].text):
        return _matched(flickr_captions(lines, captions), where, references)
    if len(lines) != len(references.captions):
        raise DatasetError(
            f"{where}: expected {len(references.captions)} lines, one for each image of "
            f"{references.path}, and received {len(lines)}"
        )
    found = plain_captions(lines, captions)
    return {
        key: single_caption(texts, line)
        for key, (_, texts), line in zip(references.captions, found, lines, strict=True)
    }


def only(references: References, path: str | Path) -> References:
    """The references of the images on a list.

    Args:
        references: of these and perhaps other images.
        path: A text with an id or a name on each line, such as `Flickr_8k.testImages.txt`.

    Raises:
        DatasetError: An image on the list has no references or is there twice.
    """
    kept: dict[Identity, tuple[str, ...]] = {}
    known = _Known(references)
    for line in lines_in(content_of(path), str(path)):
        name = line.text.strip()
        key = known.key(name)
        if key is None:
            raise line.error(f"an image of {references.path}", name)
        if key in kept:
            raise line.error("each image once", name)
        kept[key] = references.captions[key]
    return References(references.path, kept, references.names)


class _Known:
    """Images by whatever a file may call them: 42, "42" or the name of the image's file."""

    def __init__(self, references: References) -> None:
        self._references = references
        self._by_text = {str(key): key for key in references.captions}

    def key(self, given: Identity) -> Identity | None:
        """The image's id among the references, or None where they hold no such image."""
        found = self._by_text.get(str(given), self._references.names.get(str(given)))
        return found if found in self._references.captions else None


def _flickr(lines: list[Line], captions: CaptionCheck) -> dict[Identity, tuple[str, ...]]:
    found: dict[Identity, tuple[str, ...]] = {}
    seen: dict[str, str] = {}
    for line, (place, name, caption) in zip(lines, flickr_captions(lines, captions), strict=True):
        require_new(seen, line.text.partition("\t")[0], "caption of an image", place)
        found[name] = (*found.get(name, ()), caption)
    return found


def _coco(document: Any, where: str, captions: CaptionCheck) -> References:
    found: dict[Identity, list[str]] = {}
    names: dict[str, Identity] = {}
    seen: dict[Identity, str] = {}
    for number, image in enumerate(objects(document, "images", where)):
        place = f"{where}: images[{number}]"
        key = identity(image, "id", place)
        require_new(seen, key, "id", place)
        found[key] = []
        if isinstance(name := image.get("file_name"), str):
            names[name] = key
    for number, annotation in enumerate(objects(document, "annotations", where)):
        place = f"{where}: annotations[{number}]"
        key = identity(annotation, "image_id", place)
        if key not in found:
            raise DatasetError(f"{place}: expected the id of an image, and received {key}")
        place = f"{place}: image {key}"
        found[key].append(captions.check(text(annotation, "caption", place), place))
    return References(where, {key: tuple(texts) for key, texts in found.items()}, names)


def _karpathy(document: Any, where: str, split: str, captions: CaptionCheck) -> References:
    images = objects(document, "images", where)
    of_split = [split_of(image, f"{where}: images[{i}]") for i, image in enumerate(images)]
    keys, paths = identities(images, where)
    found: dict[Identity, tuple[str, ...]] = {}
    names: dict[str, Identity] = {}
    for number, (key, image) in enumerate(zip(keys, images, strict=True)):
        if of_split[number] == split:
            place = f"{where}: images[{number}]"
            raw, _ = sentences(image, place)
            found[key] = tuple(captions.check(one, f"{place}: image {key}") for one in raw)
            names[paths[number].rpartition("/")[2]] = key
    if not found:
        splits = ", ".join(sorted(set(of_split))) or "none"
        raise DatasetError(f"{where}: expected images of the split {split!r}, and found {splits}")
    return References(where, found, names)


def _checked(references: References) -> References:
    seen: dict[str, Identity] = {}
    for key in references.captions:
        if (other := seen.setdefault(str(key), key)) != key:
            raise DatasetError(
                f"{references.path}: expected each image under one id, "
                f"and found both {other!r} and {key!r}"
            )
    for key, texts in references.captions.items():
        if not texts:
            raise DatasetError(
                f"{references.path}: expected references of the image {key}, and found none"
            )
    if not references.captions:
        raise DatasetError(f"{references.path}: expected references, and found none")
    return references


def _matched(
    results: Iterator[tuple[str, Identity, str]], where: str, references: References
) -> dict[Identity, str]:
    """Hypotheses in the order of the references, one for each image."""
    found: dict[Identity, str] = {}
    seen: dict[Identity, str] = {}
    images = _Known(references)
    for place, key, caption in results:
        known = images.key(key)
        if known is None:
            raise DatasetError(
                f"{place}: expected an image that has references in {references.path}"
            )
        require_new(seen, known, "image", place)
        found[known] = caption
    missing = [key for key in references.captions if key not in found]
    if missing:
        others = f" and {len(missing) - 1} others" if len(missing) > 1 else ""
        raise DatasetError(
            f"{where}: expected a hypothesis for every image of {references.path}, "
            f"and found none for image {missing[0]}{others}"
        )
    return {key: found[key] for key in references.captions}
