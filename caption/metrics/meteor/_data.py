"""METEOR's data files: where they are found and what is read from them."""

import hashlib
import importlib.util
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simlearn.errors import UserError

_FUNCTION: Final = "function/english.words"
_PREFIXES: Final = "nonbreaking/english.prefixes"
_SYNSETS: Final = "synonym/english.synsets"
_EXCEPTIONS: Final = "synonym/english.exceptions"
_TABLE: Final = "paraphrase-en.gz"
_JAR: Final = "meteor-1.5.jar"
_HELP: Final = (
    "METEOR needs meteor-1.5.jar (or its folders function, nonbreaking and synonym) and "
    "paraphrase-en.gz: pip install pycocoevalcap brings both, or give the folder that holds them"
)


@dataclass(frozen=True)
class Lexicon:
    """What METEOR knows of English words.

    Attributes:
        functions: function words, which count less than content words.
        prefixes: abbreviations that keep their dot.
        number_prefixes: abbreviations that keep it before a number.
        synsets: a word's synonym sets in WordNet, as text, numbers joined by spaces.
        bases: an irregular form's base forms.
        digest: of the files' text, in hexadecimal.
    """

    functions: frozenset[str]
    prefixes: frozenset[str]
    number_prefixes: frozenset[str]
    synsets: dict[str, str]
    bases: dict[str, list[str]]
    digest: str


@dataclass(frozen=True)
class DataFiles:
    """Where the data lie: a jar or a folder with the small files, and the paraphrase table."""

    words: Path
    table: Path


def find_data(data: str | os.PathLike[str] | None) -> DataFiles:
    """Find METEOR's data files.

    Args:
        data: A folder: with `meteor-1.5.jar` or the folders that it holds, and `paraphrase-en.gz`
            in it or in its `data`; by default that of an installed pycocoevalcap.

    Raises:
        UserError: Something is missing; the message says what and how to get it.
    """
    if data is None:
        folder = _installed()
        if folder is None:
            raise UserError(f"expected METEOR's data files, and pycocoevalcap is absent. {_HELP}")
    else:
        folder = Path(data)
        if not folder.is_dir():
            raise UserError(f"{folder}: expected a folder with METEOR's data files. {_HELP}")
    for root in (folder, folder / "meteor"):
        words = [root / _JAR] if (root / _JAR).is_file() else []
        words += [root] if (root / _FUNCTION).is_file() else []
        tables = [path for path in (root / _TABLE, root / "data" / _TABLE) if path.is_file()]
        if words and tables:
            return DataFiles(words[0], tables[0])
        if words or tables:
            missing = _TABLE if words else f"{_JAR} or {_FUNCTION}"
            raise UserError(f"{root}: expected {missing} there too, and it is missing. {_HELP}")
    raise UserError(f"{folder}: expected {_JAR} and {_TABLE}, and neither is there. {_HELP}")


def _installed() -> Path | None:
    spec = importlib.util.find_spec("pycocoevalcap")
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) if places else None


def read_lexicon(files: DataFiles) -> Lexicon:
    """Read the small files.

    Raises:
        UserError: One is missing or is not what it should be.
    """
    names = (_FUNCTION, _PREFIXES, _SYNSETS, _EXCEPTIONS)
    texts = {name: _text(files.words, name) for name in names}
    prefixes, number_prefixes = _prefixes(texts[_PREFIXES])
    bases: dict[str, list[str]] = {}
    for base, forms in _pairs(files.words, _EXCEPTIONS, texts[_EXCEPTIONS]).items():
        for form in forms.split():
            bases.setdefault(form, []).append(base)
    return Lexicon(
        functions=frozenset(texts[_FUNCTION].split()),
        prefixes=prefixes,
        number_prefixes=number_prefixes,
        synsets=_pairs(files.words, _SYNSETS, texts[_SYNSETS]),
        bases=bases,
        digest=hashlib.sha256("\0".join(texts.values()).encode()).hexdigest(),
    )


def _prefixes(text: str) -> tuple[frozenset[str], frozenset[str]]:
    always: set[str] = set()
    before_numbers: set[str] = set()
    for line in text.split("\n"):
        parts = line.split()
        if not parts or line.startswith("#"):
            continue
        (before_numbers if "#NUMERIC_ONLY#" in parts else always).add(parts[0])
    return frozenset(always), frozenset(before_numbers)


def _pairs(words: Path, name: str, text: str) -> dict[str, str]:
    """What a file of two lines an entry holds."""
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    if len(lines) % 2:
        raise UserError(f"{words}: {name}: expected an even number of lines, got {len(lines)}")
    return dict(zip(lines[::2], lines[1::2], strict=True))


def _text(words: Path, name: str) -> str:
    try:
        if words.is_dir():
            return (words / name).read_text(encoding="utf-8")
        with zipfile.ZipFile(words) as jar:
            return jar.read(name).decode("utf-8")
    except (OSError, KeyError, UnicodeDecodeError, zipfile.BadZipFile) as error:
        raise UserError(f"{words}: expected METEOR's {name} in it: {error}. {_HELP}") from error


def fingerprint(table: Path) -> str:
    """Name a gzip file's content without reading all of it.

    Of its size, its first and its last 64 KiB: the last bytes are gzip's own checksum of the text.

    Raises:
        UserError: The file cannot be read or is no gzip file.
    """
    try:
        with table.open("rb") as file:
            start = file.read(1 << 16)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - (1 << 16)))
            end = file.read()
    except OSError as error:
        raise UserError(f"{table}: expected a paraphrase table to read: {error}") from error
    if not start.startswith(b"\x1f\x8b"):
        raise UserError(f"{table}: expected a gzip file, got one that starts with {start[:2]!r}")
    return hashlib.sha256(str(size).encode() + b":" + start + end).hexdigest()[:24]


__all__ = ["DataFiles", "Lexicon", "find_data", "fingerprint", "read_lexicon"]
