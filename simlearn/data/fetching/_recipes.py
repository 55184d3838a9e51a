"""A data set's recipe: where its files come from, and how many records they should give."""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from simlearn.data.fetching._archives import extract
from simlearn.data.fetching._downloads import fetch, known_hash, mismatch
from simlearn.data.fetching._parts import Part, check_part, number_text
from simlearn.data.fetching._scripts import print_error, say, script_main
from simlearn.data.files import Files
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
        The exit status: 0 where all is as in the official release by count, even where a download
        is not the published one; 1 where something is missing or counts differ; 2 where nothing is
        there, or a file is not what its format says.
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
    others = 0
    for download in recipe.downloads:
        needed = not download.parts or set(download.parts) & set(wanted)
        if not options.check and needed and not _provided(download, names, root):
            _get(download, root)
        elif (root / download.name).is_file():
            others += _is_another(download, root)
    names = names if options.check else _names(root)
    # Those that are there are looked at too, unless the caller has named some.
    there = [part.name for part in recipe.parts if _found(part.needs, names)]
    if not there:
        raise _absent(recipe, root, options)
    shown = [p for p in recipe.parts if p.name in wanted or (p.name in there and not options.part)]
    problems, absent, errors = 0, 0, set()
    for part in shown:
        if part.name not in there:
            say(f"{recipe.name}-{part.name}: not there")
            absent += 1
            continue
        try:
            problems += check_part(part, Files(root), recipe.name)
        except UserError as error:
            if str(error) not in errors:  # Several parts may need one file.
                print_error(error)
            errors.add(str(error))
    if (absent or errors) and not options.check:
        _say_by_hand(recipe, root)
    _say_result(recipe, root, problems + absent, others, damaged=bool(errors))
    return 2 if errors else min(problems + absent, 1)


def _say_result(recipe: Recipe, root: Path, problems: int, others: int, *, damaged: bool) -> None:
    """Say whether all is there, in one line; an error has said already that it is not."""
    if problems:
        say(
            f"{root}: incomplete, {number_text(problems, 'difference', 'differences')} from the "
            f"official release; see datasets/{recipe.name}/README.md"
        )
    elif others and not damaged:
        verb = "is not the published one" if others == 1 else "are not the published ones"
        say(f"{root}: complete by count; {number_text(others, 'file', 'files')} {verb}")
    elif not damaged:
        say(f"{root}: complete")


def _say_by_hand(recipe: Recipe, root: Path) -> None:
    if recipe.by_hand:
        say(recipe.by_hand.strip().replace("DIR/", f"{root.parent}/"))


def _names(root: Path) -> list[str]:
    return Files(root).names() if root.exists() else []


def _get(download: Download, root: Path) -> None:
    target = root / download.name
    fetch(download.urls, target, sha256=download.sha256, md5=download.md5)
    if download.folder:
        extract(target, root / download.folder, limit=download.limit, members=download.members)


def _is_another(download: Download, root: Path) -> bool:
    """Say so where a file that is there is not the published one; what it holds decides."""
    target = root / download.name
    known = known_hash(target, sha256=download.sha256, md5=download.md5)
    if problem := mismatch(target, known):
        say(f"{problem}; it is read as it is")
    return problem is not None


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
        _say_by_hand(recipe, root)
        hint = "they have to be downloaded by hand, as said above"
    elif options.check:
        hint = f"datasets/{recipe.name}/README.md says how to get them"
    else:
        hint = "what was downloaded does not hold them"
    return DatasetError(f"{root}: expected the files of {recipe.title}, and found none; {hint}")
