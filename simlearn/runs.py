"""A run's folder: one configuration, one owner, one result.

`Run.open` claims a folder for a configuration and refuses a folder that holds another one; the
result is written last and at once, so a folder with `results.json` is a finished run. Training
inside the folder is simlearn.training's part.

Examples:
    >>> import tempfile
    >>> from pathlib import Path
    >>> from simlearn.runs import Run
    >>> folder = Path(tempfile.mkdtemp())
    >>> with Run.open(folder / "first", config={"seed": 1}) as run:
    ...     run.finish({"recall_at_1": 0.97})
    >>> with Run.open(folder / "first", config={"seed": 1}) as run:
    ...     print(run.result)
    {'recall_at_1': 0.97}
"""

import hashlib
import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import filelock

from simlearn._files import write_atomically
from simlearn.errors import RunError

__all__ = ["Run", "config_hash", "default_directory", "versions"]

_CONFIG = "config.json"
_RESULTS = "results.json"
_LOCK = ".lock"


def config_hash(config: Mapping[str, Any]) -> str:
    """Ten hexadecimal digits that name a configuration (a mapping that JSON can hold)."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:10]


def default_directory(name: str, config: Mapping[str, Any]) -> Path:
    """Where a run goes that was not told where: `$SIMLEARN_RUNS/<name>/<config hash>`.

    `$SIMLEARN_RUNS` defaults to `runs` in the current folder.
    """
    return Path(os.environ.get("SIMLEARN_RUNS") or "runs") / name / config_hash(config)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that a result depends on, where installed."""
    found = {"python": platform.python_version()}
    for package in ("simlearn", "keras", "tensorflow", "numpy", "scikit-learn"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@dataclass
class Run:
    """An open run; made by `Run.open`, a context manager that gives the folder free again.

    Attributes:
        directory: the run's folder.
        result: what an earlier, finished run of this configuration stored, or None.
    """

    directory: Path
    result: dict[str, Any] | None
    _lock: filelock.BaseFileLock | None

    @classmethod
    def open(cls, directory: str | Path, *, config: Mapping[str, Any]) -> "Run":
        """Claim `directory` for `config`, making it where it does not exist.

        Args:
            directory: the run's folder.
            config: everything the result depends on; a mapping that JSON can hold.

        Raises:
            RunError: the folder cannot be written, another process runs in it, it belongs to
                another configuration or holds something else, or a file in it is damaged.
        """
        directory = Path(directory)
        if (result := _finished(directory, config)) is not None:
            return cls(directory, result, None)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(directory / _LOCK)
            lock.acquire(blocking=False)
        except filelock.Timeout:
            raise RunError(f"another process is running in {directory}; wait for it") from None
        except OSError as error:
            raise RunError(f"cannot write to {directory}: {error.strerror}") from error
        try:
            _claim(directory, config)
            return cls(directory, _finished(directory, config), lock)
        except BaseException:
            lock.release()
            raise

    def finish(self, result: Mapping[str, Any]) -> None:
        """Store the result; from now on the run is finished.

        Raises:
            RunError: the result cannot be written.
        """
        self.result = dict(result)
        _write(self.directory / _RESULTS, result)

    def __enter__(self) -> "Run":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._lock is not None:
            self._lock.release()


def _finished(directory: Path, config: Mapping[str, Any]) -> dict[str, Any] | None:
    """The stored result; nothing is written, so a folder that cannot be is no hindrance."""
    result = _read(directory / _RESULTS)
    if result is not None:
        _compare(directory, config, _read(directory / _CONFIG) or {})
    return result


def _claim(directory: Path, config: Mapping[str, Any]) -> None:
    """Write the configuration, or compare it with the one that is there."""
    stored = _read(directory / _CONFIG)
    # What a kill in the middle of a write leaves behind is nobody's.
    there = {path.name for path in directory.iterdir() if not path.name.endswith(".partial")}
    if stored is None and there - {_LOCK}:
        raise RunError(
            f"expected a new or empty folder, or one that holds a run; {directory} holds "
            f"{', '.join(sorted(there - {_LOCK})[:3])} and no {_CONFIG}"
        )
    # A command that was refused before it did anything does not keep its folder.
    if there <= {_CONFIG, _LOCK}:
        _write(directory / _CONFIG, config)
    else:
        _compare(directory, config, stored or {})


def _compare(directory: Path, config: Mapping[str, Any], stored: Mapping[str, Any]) -> None:
    given = json.loads(json.dumps(config))
    changed = [
        f"{key} was {json.dumps(stored.get(key))} and is now {json.dumps(given.get(key))}"
        for key in sorted({*stored, *given})
        if stored.get(key) != given.get(key)
    ]
    if changed:
        raise RunError(
            f"{directory} holds a run with other settings: {'; '.join(changed)}; "
            "choose another folder (--out on a command line)"
        )


def _read(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise RunError(f"expected JSON in {path}, received: {error}") from error
    if not isinstance(value, dict):
        raise RunError(f"expected a JSON object in {path}, received a {type(value).__name__}")
    return value


def _write(path: Path, value: Mapping[str, Any]) -> None:
    try:
        write_atomically(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}") from error
