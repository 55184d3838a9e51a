"""Files of word vectors: word2vec's text and binary formats, and GloVe's text."""

import bz2
import gzip
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from caption.word_vectors._train import import_gensim
from caption.word_vectors._vectors import WordVectors
from simlearn._files import open_atomically
from simlearn.errors import DatasetError, UserError

_OPENERS: Final[dict[str, Callable[[Path], Any]]] = {".gz": gzip.open, ".bz2": bz2.open}
_MOST_DIMENSIONS: Final = 65_536


def load_word2vec(
    path: str | Path,
    *,
    binary: bool = False,
    limit: int | None = None,
    only: Container[str] | None = None,
) -> WordVectors:
    """Read vectors that word2vec, fastText or gensim wrote.

    Args:
        path: A line with the number of words and of dimensions, then for each word a line; or the
            same in binary. Packed with gzip or bzip2 where its name ends so.
        binary: Whether the vectors are binary float32, as in GoogleNews' file; gensim reads them.
        limit: how many words to read, from the start; None for all.
        only: words to keep, such as a vocabulary's `numbers`; None for all.

    Raises:
        DatasetError: The file cannot be read or is not of this format; with the line, of text.
        UserError: `binary`, and gensim is missing.
    """
    path = Path(path)
    if binary:
        return _selected(_binary(path, limit), only, path)
    with _opened(path) as file:
        count, dim = _header(file.readline(), path)
        wanted = count if limit is None else min(limit, count)
        rows, found = _rows(file, path, dim, first=2, limit=wanted, only=only)
    if found < wanted:
        raise DatasetError(f"{path}:1: expected {count} vectors as this line says, found {found}")
    return _made(rows, path, dim)


def load_glove(
    path: str | Path, *, limit: int | None = None, only: Container[str] | None = None
) -> WordVectors:
    """Read vectors that GloVe wrote: for each word a line, with no line before them.

    Its largest files hold words with spaces; all but the last numbers of a line are the word.

    Args:
        path: as of `load_word2vec`.
        limit: as of `load_word2vec`.
        only: as of `load_word2vec`.

    Raises:
        DatasetError: The file cannot be read or a line is not of this format.
    """
    path = Path(path)
    with _opened(path) as file:
        # The first word of every file of theirs is without a space.
        dim = len(file.readline().split()) - 1
    if dim < 2:
        raise DatasetError(f"{path}:1: expected a word and the numbers of its vector")
    with _opened(path) as file:
        rows, _ = _rows(file, path, dim, first=1, limit=limit, only=only)
    return _made(rows, path, dim)


def save_word2vec(vectors: WordVectors, path: str | Path, *, binary: bool = False) -> None:
    """Write vectors in word2vec's format, to the last bit, whole or not at all.

    Args:
        vectors: What to write.
        path: Where to.
        binary: Whether as binary float32, or else as text.

    Raises:
        UserError: A word is empty or has a space or line end in it, which the format cannot hold.
    """
    for word in vectors.words:
        if not word or any(character in " \t\r\n\v\f" for character in word):
            raise UserError(f"expected words without spaces, and received {word!r}")
    with open_atomically(Path(path)) as file:
        file.write(f"{len(vectors)} {vectors.dim}\n".encode())
        for word, vector in zip(vectors.words, vectors.vectors, strict=True):
            values = (
                vector.astype("<f4").tobytes()
                if binary
                else " ".join(f"{value:.9g}" for value in vector).encode()
            )
            file.write(word.encode("utf-8") + b" " + values + b"\n")


def _opened(path: Path) -> IO[bytes]:
    if not path.is_file():
        raise DatasetError(f"{path}: expected a file of word vectors, and found none")
    file: IO[bytes] = _OPENERS.get(path.suffix, lambda plain: plain.open("rb"))(path)
    return file


def _header(line: bytes, path: Path) -> tuple[int, int]:
    parts = line.split()
    if len(parts) != 2 or not all(part.isdigit() for part in parts):
        raise DatasetError(
            f"{path}:1: expected the number of words and of dimensions, and received "
            f"{line[:40]!r}; load_glove reads files without such a line"
        )
    count, dim = map(int, parts)
    if not count or not 1 <= dim <= _MOST_DIMENSIONS:
        raise DatasetError(
            f"{path}:1: expected words of 1 to {_MOST_DIMENSIONS} dimensions, "
            f"and received {count} of {dim}"
        )
    return count, dim


Rows = dict[str, NDArray[np.float32]]


def _rows(
    file: IO[bytes],
    path: Path,
    dim: int,
    *,
    first: int,
    limit: int | None,
    only: Container[str] | None,
) -> tuple[Rows, int]:
    """The vectors by word, and how many lines there were; of a word that comes again the first."""
    rows: Rows = {}
    found = 0
    for number, line in enumerate(_lines(file, path), start=first):
        if limit is not None and found == limit:
            break
        word, values = _split(line, dim, f"{path}:{number}")
        found += 1
        if word not in rows and (only is None or word in only):
            rows[word] = _numbers(values, f"{path}:{number}")
    return rows, found


def _lines(file: IO[bytes], path: Path) -> Iterator[bytes]:
    try:
        yield from file
    except (OSError, EOFError) as error:
        raise DatasetError(f"{path}: expected a file to read: {error}") from error


def _split(line: bytes, dim: int, where: str) -> tuple[str, list[bytes]]:
    parts = line.rstrip().rsplit(b" ", dim)
    if len(parts) != dim + 1:
        raise DatasetError(
            f"{where}: expected a word and {dim} numbers, and received {len(parts)} parts"
        )
    try:
        return parts[0].decode("utf-8"), parts[1:]
    except UnicodeDecodeError:
        raise DatasetError(f"{where}: expected UTF-8, and received {parts[0][:40]!r}") from None


def _numbers(values: list[bytes], where: str) -> NDArray[np.float32]:
    try:
        vector = np.array(values, np.float32)
    except ValueError as error:
        raise DatasetError(f"{where}: expected {len(values)} numbers: {error}") from None
    if not np.isfinite(vector).all():
        raise DatasetError(f"{where}: expected {len(values)} finite numbers")
    return vector


def _made(rows: Rows, path: Path, dim: int) -> WordVectors:
    if not rows:
        raise DatasetError(f"{path}: expected vectors of the words asked for, and found none")
    return WordVectors(tuple(rows), np.stack(list(rows.values())).reshape(-1, dim))


def _binary(path: Path, limit: int | None) -> WordVectors:
    with _opened(path) as file:
        count, dim = _header(file.readline(), path)
    # Before gensim makes room for what a damaged first line says.
    if path.suffix not in _OPENERS and path.stat().st_size < 4 * count * dim:
        raise DatasetError(
            f"{path}: expected {count} vectors of {dim} float32 numbers, "
            f"and found {path.stat().st_size} bytes"
        )
    models = import_gensim()
    try:
        loaded = models.KeyedVectors.load_word2vec_format(
            str(path), binary=True, limit=limit, unicode_errors="replace"
        )
    except (EOFError, OSError, ValueError, MemoryError) as error:
        raise DatasetError(f"{path}: expected word2vec's binary format: {error}") from error
    return WordVectors(tuple(loaded.index_to_key), loaded.vectors)


def _selected(vectors: WordVectors, only: Container[str] | None, path: Path) -> WordVectors:
    if only is None:
        return vectors
    rows = {w: vectors.vectors[row] for row, w in enumerate(vectors.words) if w in only}
    return _made(rows, path, vectors.dim)
