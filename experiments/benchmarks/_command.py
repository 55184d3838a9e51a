"""The command line that every benchmark has: settings in, a table and perhaps one JSON line out.

A benchmark is not resumed; what it needs and a run can leave behind, such as environments, stays
in a folder. What a user can do wrong ends in one line on stderr and exit status 2, rows that
could not be measured in status 1, Ctrl-C in 130; never in a traceback.
"""

import dataclasses
import inspect
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import tyro

from experiments._command import require
from experiments._sized import sized
from simlearn.errors import UserError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """What all benchmarks take."""

    json: bool = False
    """Print one JSON object last, with everything that was measured."""

    seed: int = 0
    """Seed of the data, 0 to 2^32 - 1."""

    smoke: bool = False
    """Run a tiny version, to see that it runs; its numbers mean nothing. Settings that are given
    stand; of the others, some shrink."""

    def smoke_values(self) -> dict[str, Any]:
        """Settings that shrink the benchmark to seconds, where the user gave none."""
        return {}

    def check(self) -> None:
        """Refuse what cannot work, before anything is measured.

        Raises:
            UserError: a setting is out of its range.
        """
        require("--seed", self.seed, 0, 2**32 - 1)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a benchmark found.

    Attributes:
        text: what to print last, for people.
        result: everything, as JSON can hold it.
        missing: one line for each thing that should have been measured and was not.
    """

    text: str
    result: dict[str, Any]
    missing: tuple[str, ...] = ()


Config = TypeVar("Config", bound=Settings)


def main(name: str, settings: type[Config], benchmark: Callable[[Config], Outcome]) -> NoReturn:
    """Run a benchmark from the command line, and exit.

    Args:
        name: of the benchmark, as in `python -m experiments.benchmarks.<name>`.
        settings: dataclass of its settings.
        benchmark: called with the settings.
    """
    # Whatever the terminal's encoding, a character in the table must not end a run.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        config = tyro.cli(
            settings,
            prog=f"python -m experiments.benchmarks.{name}",
            description=inspect.cleandoc(settings.__doc__ or ""),
        )
        config = sized(config)
        config.check()
        outcome = benchmark(config)
        print(outcome.text, flush=True)
        if config.json:
            print(json.dumps(outcome.result), flush=True)
    except UserError as error:
        _fail(str(error), 2)
    except KeyboardInterrupt:
        _fail("interrupted", 130)
    except BrokenPipeError:
        # Whoever read stdout has gone, as `| head` does; nobody is left to be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except OSError as error:
        _fail(f"cannot read or write {error.filename}: {error.strerror or error}", 2)
    if outcome.missing:
        _fail("missing: " + "; ".join(outcome.missing), 1)
    sys.exit(0)


def folder_of(name: str) -> Path:
    """Folder for what benchmarks keep: `$SIMLEARN_RUNS/benchmarks/<name>`, or under `runs`."""
    return Path(os.environ.get("SIMLEARN_RUNS") or "runs") / "benchmarks" / name


def _fail(message: str, status: int) -> NoReturn:
    print(message, file=sys.stderr, flush=True)
    sys.exit(status)
