"""A data set's recipe: where its files come from, and how many records they should give."""

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from simlearn.data.fetching._archives import extract
from simlearn.data.fetching._downloads import fetch, known_hash, mismatch
from simlearn.data.fetching._scripts import print_error, say, script_main
from simlearn.data.files import Files
from simlearn.data.records import StoredPictures
from simlearn.errors import DatasetError, UserError


class Download(NamedTuple):
    """A file to download.

    Attributes:
        name: Under which it is kept.
        urls: Its addresses, tried in turn.
        provides: A regular expression for names of files; where one is there that it is found in,
            as in an unpacked copy, the file is not needed.
        sha256: The published hash, if there is one.
        md5: Likewise.
        parts: The parts of the data set that need it; by default all.
        unpacked: Whether what provides it must lie unpacked, for a reader that does not look into
            zips.
        folder: Where to unpack it; by default it stays packed, for readers read zips in place.
        limit: Most bytes to unpack.
        members: Most files and folders to unpack.
    """

    name: str
    urls: tuple[str, ...]
    provides: str
    sha256: str | None = None
    md5: str | None = None
    parts: tuple[str, ...] = ()
    unpacked: bool = False
    folder: str = ""
    limit: int = 0
    members: int = 10**6


class Part(NamedTuple):
    """A part of a data set, such as a split, that is read and counted.

    Attributes:
        name: For `--part`.
        needs: A regular expression that is found in the name of some file if the part is there.
        read: Reads a record, or a list of records, or anything that has a length.
        counts: What the official release has: `pictures`, `classes`, `pairs`, `boxes`, `videos`
            and `captions` of a record, or the length of anything else under any name.
        missing: How many pictures the official release lists and lacks; None where they are not
            looked for.
    """

    name: str
    needs: str
    read: Callable[[Files], Any]
    counts: Mapping[str, int]
    missing: int | None = 0


class Recipe(NamedTuple):
    """What `recipe_main` does for one data set.

    Attributes:
        name: Of its folder below the folder of all data sets.
        title: What it is called.
        parts: In the order in which they are shown.
        downloads: What may be downloaded without asking anyone.
        by_hand: What else must be downloaded by hand: from where, under which terms, and where to
            put it.
        usual: The parts that count where the caller names none; by default all.
    """

    name: str
    title: str
    parts: tuple[Part, ...]
    downloads: tuple[Download, ...] = ()
    by_hand: str = ""
    usual: tuple[str, ...] = ()


def recipe_main(recipe: Recipe, arguments: Sequence[str] | None = None) -> int:
    """Download what is missing, read every part, count, and compare with the official release.

    Args:
        recipe: What to do.
        arguments: Of the command line; by default those that the script was called with.

    Returns:
        The exit status: 0 where all is as in the official release, 1 where something is missing or
        counts differ, 2 where nothing is there or a file is not what its format says.
    """
    verb = "Download" if recipe.downloads else "Say how to get"
    return script_main(
        recipe.name,
        lambda root, options: _prepare(recipe, root, options),
        arguments,
        description=f"{verb} {recipe.title}, then read it and compare it with the official "
        "release. Exit status: 0 complete, 1 incomplete, 2 absent or damaged.",
        parts=[part.name for part in recipe.parts],
    )


def _prepare(recipe: Recipe, root: Path, options: argparse.Namespace) -> int:
    names = _names(root)
    wanted = options.part or recipe.usual or [part.name for part in recipe.parts]
    for download in recipe.downloads:
        needed = not download.parts or set(download.parts) & set(wanted)
        if not options.check and needed and not _provided(download, names, root):
            _get(download, root)
        elif (root / download.name).is_file():
            _note_hash(download, root)
    names = names if options.check else _names(root)
    # Those that are there are looked at too, unless the caller has named some.
    there = [part.name for part in recipe.parts if _found(part.needs, names)]
    if not there:
        raise _absent(recipe, root, options)
    shown = wanted if options.part else [*wanted, *there]
    status, problems = 0, 0
    for part in recipe.parts:
        if part.name in there and part.name in shown:
            try:
                problems += _check(recipe, part, Files(root))
            except UserError as error:
                print_error(error)
                status = 2
        elif part.name in shown:
            say(f"{recipe.name}-{part.name}: not there")
            problems += 1
    if problems:
        say(
            f"{root}: incomplete, {problems} difference{'' if problems == 1 else 's'} from the "
            f"official release; see datasets/{recipe.name}/README.md"
        )
    elif not status:
        say(f"{root}: complete")
    return status or min(problems, 1)


def _names(root: Path) -> list[str]:
    return Files(root).names() if root.exists() else []


def _get(download: Download, root: Path) -> None:
    target = root / download.name
    fetch(download.urls, target, sha256=download.sha256, md5=download.md5)
    if download.folder:
        extract(target, root / download.folder, limit=download.limit, members=download.members)


def _note_hash(download: Download, root: Path) -> None:
    """Say where a file that is there is not the published one; what it holds decides."""
    target = root / download.name
    known = known_hash(target, sha256=download.sha256, md5=download.md5)
    if problem := mismatch(target, known):
        say(f"{problem}; it is read as it is")


def _provided(download: Download, names: Sequence[str], root: Path) -> bool:
    search = re.compile(download.provides).search
    return any(
        search(name) and (not download.unpacked or (root / name).is_file()) for name in names
    )


def _found(pattern: str, names: Sequence[str]) -> bool:
    search = re.compile(pattern).search
    return any(search(name) for name in names)


def _absent(recipe: Recipe, root: Path, options: argparse.Namespace) -> DatasetError:
    if recipe.by_hand and not options.check:
        say(recipe.by_hand.strip().replace("DIR/", f"{root.parent}/"))
        hint = "they have to be downloaded by hand, as said above"
    elif options.check:
        hint = f"datasets/{recipe.name}/README.md says how to get them"
    else:
        hint = "what was downloaded does not hold them"
    return DatasetError(f"{root}: expected the files of {recipe.title}, and found none; {hint}")


def _check(recipe: Recipe, part: Part, files: Files) -> int:
    """Read one part and say what it is; returns how many things differ."""
    read = part.read(files)
    problems = 0
    for record in read if isinstance(read, list) else [read]:
        counts = _counts(record, part)
        say(_text(record, f"{recipe.name}-{part.name}", counts))
        for what, official in part.counts.items():
            if counts[what] != official:
                say(f"  differs: {counts[what]} {what}, officially {official}")
                problems += 1
        absent = [] if part.missing is None else _missing(record)
        if len(absent) > (part.missing or 0):
            say(f"  missing or empty: {len(absent)} files, the first {absent[0]}")
            problems += 1
    return problems


_LENGTHS: Final[Mapping[str, Callable[[Any], int]]] = {
    "pictures": lambda record: len(record.pictures),
    "classes": lambda record: len(np.unique(record.labels)),
    "pairs": lambda record: len(record.same),
    "boxes": lambda record: len(record.boxes),
    "videos": lambda record: len(record.videos),
    "captions": lambda record: sum(map(len, record.captions)),
}


def _counts(record: Any, part: Part) -> dict[str, int]:
    counts = {}
    for what, length in _LENGTHS.items():
        try:
            counts[what] = length(record)
        except AttributeError:  # A record of another kind.
            continue
    return counts or dict.fromkeys(part.counts, len(record))


def _text(record: Any, name: str, counts: Mapping[str, int]) -> str:
    """A record as it prints itself; anything else by its length."""
    if hasattr(record, "name"):
        return str(record)
    return f"{name}: {', '.join(f'{count} {what}' for what, count in counts.items())}"


def _missing(record: Any) -> list[str]:
    """Names of pictures, or videos, that are listed and not there."""
    pictures = getattr(record, "pictures", record)
    if hasattr(record, "paths") and hasattr(record, "captions"):  # Videos: files or folders.
        there = set(record.files.names())
        there |= {folder for name in there for folder in _above(name)}
        return [path for path in record.paths if path not in there]
    if hasattr(record, "videos"):
        seen = set(record.video.tolist())
        return [video for row, video in enumerate(record.videos) if row not in seen]
    if not isinstance(pictures, StoredPictures):
        return []
    return [path for path in pictures.paths if not _has(pictures.files, path)]


def _has(files: Files, name: str) -> bool:
    """Whether a file is there and not empty, as one that was cut off may be."""
    try:
        return files.size(name) > 0
    except DatasetError:
        return False


def _above(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]
