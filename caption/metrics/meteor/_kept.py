"""The compiled paraphrase table, kept between runs."""

import os
from pathlib import Path

from caption.metrics.meteor._compile import Progress, compile_table
from caption.metrics.meteor._data import fingerprint
from caption.metrics.meteor._table import ParaphraseTable, read_table
from simlearn.errors import UserError


def open_table(
    source: Path, cache: str | os.PathLike[str] | None, progress: Progress
) -> ParaphraseTable:
    """Map the compiled table of a paraphrase file; compile it where none is kept.

    Args:
        source: METEOR's file, such as `paraphrase-en.gz`.
        cache: Folder, or file with the ending `.table`; by default the user's cache folder.
        progress: Called with the share of the compilation that is done.

    Raises:
        UserError: The file or the kept table is damaged, or the table cannot be written.
    """
    mark = fingerprint(source)
    path = _cache_folder() if cache is None else Path(cache)
    if path.suffix != ".table":
        path = path / f"meteor-{mark}.table"
    if path.exists():
        table = read_table(path)
        if table.about.get("source") == mark:
            return table
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        compile_table(source, path, mark, progress)
    except OSError as error:
        raise UserError(f"{path}: expected to write the compiled table there: {error}") from error
    return read_table(path)


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "simlearn"
