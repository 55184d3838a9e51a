"""Files of references and of hypotheses, read strictly: what is wrong is said, with file and id.

Read are COCO's and Karpathy's JSON, lists of results, Flickr's token files and plain lines. Which
one a file is shows its content.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from caption.data._json import identity, objects, require_new, text
from simlearn.data._annotations import Line, json_of, shown
from simlearn.data._annotations import field as json_field
from simlearn.data.files import LARGEST_ANNOTATION
from simlearn.errors import DatasetError

Identity: TypeAlias = int | str
"""What tells an image apart: COCO's number, or the name of its file."""

LONGEST: Final = 65_536
"""Characters of a caption; one of more is a damaged file, not a caption."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029\ufeff]")
_NUMBERED: Final = re.compile(r"[^\t]+#[0-9]+\t")


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


@dataclass(frozen=True)
class _Captions:
    """How captions are read: whether one may be blank."""

    blank: bool

    def check(self, caption: str, place: str) -> str:
        """The caption as it is."""
        if not self.blank and not caption.strip():
            raise DatasetError(f"{place}: expected a caption, and received {caption!r}")
        if len(caption) > LONGEST:
            raise DatasetError(
                f"{place}: expected a caption of at most {LONGEST} characters, "
                f"and received {len(caption)}: {shown(caption)}"
            )
        return caption


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
    content = _content(path)
    captions, where = _Captions(blank), str(path)
    if not _is_json(content, where):
        lines = _lines(content, where)
        if _NUMBERED.match(lines[0].text):
            return _checked(References(where, _flickr(lines, captions)))
        return _checked(References(where, dict(_plain(lines, captions))))
    document = json_of(content, where)
    if isinstance(document, list):
        return _checked(References(where, _grouped(document, where, captions)))
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
            the image's file; rows `name.jpg#0<TAB>caption`; or plain lines, in the order of the
            references.
        references: whose images to expect, each once.
        blank: Whether a hypothesis may be blank.

    Returns:
        The hypothesis by the id of its image, in the order of the references.

    Raises:
        DatasetError: The file cannot be read, an image occurs twice, has no references or no
            hypothesis, or a caption is blank or too long.
    """
    content, where, captions = _content(path), str(path), _Captions(blank)
    if _is_json(content, where):
        document = json_of(content, where)
        if not isinstance(document, list):
            raise DatasetError(f"{where}: expected a list of results, got {shown(document)}")
        return _matched(_results(document, where, captions), where, references)
    lines = _lines(content, where)
    if _NUMBERED.match(lines[0].text):
        return _matched(_rows(lines, captions), where, references)
    if len(lines) != len(references.captions):
        raise DatasetError(
            f"{where}: expected {len(references.captions)} lines, one for each image of "
            f"{references.path}, and received {len(lines)}"
        )
    found = _plain(lines, captions)
    return {
        key: _single(texts, line)
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
    for line in _lines(_content(path), str(path)):
        name = line.text.strip()
        numeric = int(name) if name.isascii() and name.isdigit() else name
        key = next((k for k in (name, numeric) if k in references.captions), None)
        key = references.names.get(name) if key is None else key
        if key is None:
            raise line.error(f"an image of {references.path}", name)
        if key in kept:
            raise line.error("each image once", name)
        kept[key] = references.captions[key]
    return References(references.path, kept, references.names)


def _content(path: str | Path) -> bytes:
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST_ANNOTATION + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DatasetError(f"{path}: expected a file to read: {reason}") from error
    if len(content) > LARGEST_ANNOTATION:
        raise DatasetError(f"{path}: expected at most {LARGEST_ANNOTATION} bytes, found more")
    if not content:
        raise DatasetError(f"{path}: expected captions, and found an empty file")
    return content


def _is_json(content: bytes, where: str) -> bool:
    return where.lower().endswith(".json") or re.match(rb'\s*(\{\s*"|\[\s*\{)', content) is not None


def _lines(content: bytes, where: str) -> list[Line]:
    """All lines, blank ones too: to drop one would shift those after it."""
    lines = []
    parts = content.removesuffix(b"\n").split(b"\n")
    for number, raw in enumerate(parts, start=1):
        line = Line("", f"{where}:{number}")
        try:
            line.text = raw.removesuffix(b"\r").decode()
        except UnicodeDecodeError:
            raise line.error("text in UTF-8", raw[:40]) from None
        if damage := _CONTROL.search(line.text):
            raise line.error("text without control characters", damage.group())
        lines.append(line)
    return lines


def _plain(lines: list[Line], captions: _Captions) -> Iterator[tuple[Identity, tuple[str, ...]]]:
    """One image a line, its captions between tabs."""
    for number, line in enumerate(lines, start=1):
        yield number, tuple(captions.check(t, line.where) for t in line.text.split("\t"))


def _single(texts: tuple[str, ...], line: Line) -> str:
    if len(texts) != 1:
        raise line.error("one caption", f"{len(texts)} between tabs")
    return texts[0]


def _rows(lines: list[Line], captions: _Captions) -> Iterator[tuple[str, Identity, str]]:
    """Place, name and caption of rows `name.jpg#0<TAB>caption`."""
    for line in lines:
        head, tab, caption = line.text.partition("\t")
        name, mark, number = head.rpartition("#")
        if not tab or not mark or not name:
            raise line.error("a row like 'name.jpg#0<TAB>caption'", line.text)
        line.integer(number, "the number of the caption", 0, 10**6)
        place = f"{line.where}: image {shown(name)}"
        yield place, name, captions.check(caption, place)


def _flickr(lines: list[Line], captions: _Captions) -> dict[Identity, tuple[str, ...]]:
    found: dict[Identity, tuple[str, ...]] = {}
    seen: dict[str, str] = {}
    for line, (place, name, caption) in zip(lines, _rows(lines, captions), strict=True):
        require_new(seen, line.text.partition("\t")[0], "caption of an image", place)
        found[name] = (*found.get(name, ()), caption)
    return found


def _results(
    document: list[Any], where: str, captions: _Captions
) -> Iterator[tuple[str, Identity, str]]:
    """Place, id and caption of each record."""
    for number, record in enumerate(document):
        place = f"{where}: [{number}]"
        key: Identity = json_field(record, "image_id", (int, str), place)
        place = f"{place}: image {shown(key)}"
        yield place, key, captions.check(text(record, "caption", place), place)


def _grouped(
    document: list[Any], where: str, captions: _Captions
) -> dict[Identity, tuple[str, ...]]:
    found: dict[Identity, list[str]] = {}
    for _, key, caption in _results(document, where, captions):
        found.setdefault(key, []).append(caption)
    return {key: tuple(texts) for key, texts in found.items()}


def _coco(document: Any, where: str, captions: _Captions) -> References:
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


def _karpathy(document: Any, where: str, split: str, captions: _Captions) -> References:
    # Only here: it loads the readers of pictures, which take a tenth of a second.
    from caption.data import karpathy

    images = objects(document, "images", where)
    of_split = [karpathy._split(image, f"{where}: images[{i}]") for i, image in enumerate(images)]
    keys, paths = karpathy._identities(images, where)
    found: dict[Identity, tuple[str, ...]] = {}
    names: dict[str, Identity] = {}
    for number, (key, image) in enumerate(zip(keys, images, strict=True)):
        if of_split[number] == split:
            place = f"{where}: images[{number}]"
            raw, _ = karpathy._sentences(image, place)
            found[key] = tuple(captions.check(one, f"{place}: image {key}") for one in raw)
            names[paths[number].rpartition("/")[2]] = key
    if not found:
        splits = ", ".join(sorted(set(of_split))) or "none"
        raise DatasetError(f"{where}: expected images of the split {split!r}, and found {splits}")
    return References(where, found, names)


def _checked(references: References) -> References:
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
    for place, key, caption in results:
        known = key if key in references.captions else references.names.get(str(key))
        if known is None or known not in references.captions:
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
