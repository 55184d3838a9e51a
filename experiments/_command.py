"""The command line that every experiment has: settings in, one JSON line out.

`main` parses the settings, opens the run's folder, calls the experiment and stores its result.
What a user can do wrong ends in one line on stderr and exit status 2, a training that failed in
status 1, Ctrl-C in 130; never in a traceback.
"""

import dataclasses
import inspect
import json
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import tyro

from experiments._sized import sized
from simlearn._quiet import load_keras
from simlearn.errors import TrainingFailedError, UserError
from simlearn.runs import Run, default_directory, versions


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """What all experiments take."""

    data: Path | None = None
    """Folder or file of the data set, where the experiment takes one."""

    out: Path | None = None
    """Folder of the run; by default $SIMLEARN_RUNS/<name>/<hash of the settings>, with runs for
    $SIMLEARN_RUNS where that is not set."""

    seed: int = 0
    """Seed of weights, batches and augmentation, 0 to 2^32 - 1."""

    smoke: bool = False
    """Run a tiny version of everything, to see that it runs; its scores mean nothing. Settings that
    are given stand; of the others, some shrink."""

    def smoke_values(self) -> dict[str, Any]:
        """Settings that shrink the experiment to seconds, where the user gave none."""
        return {}

    def check(self) -> None:
        """Refuse what cannot work, before anything is loaded or written.

        Raises:
            UserError: a setting is out of its range.
        """
        require("--seed", self.seed, 0, 2**32 - 1)


def require(option: str, value: float, low: float, high: float = math.inf) -> None:
    """Refuse an option's value outside `[low, high]`.

    Raises:
        UserError: says the option, the range and the value.
    """
    if not low <= value <= high:
        wanted = f"of at least {low}" if math.isinf(high) else f"from {low} to {high}"
        raise UserError(f"expected {option} {wanted}, received {value}")


Config = TypeVar("Config", bound=Settings)

_DISK_FULL = "No space left on device"


def main(
    name: str, settings: type[Config], experiment: Callable[[Config, Run], dict[str, Any]]
) -> NoReturn:
    """Run an experiment from the command line, and exit.

    Args:
        name: of the experiment, as in `python -m experiments.<name>`.
        settings: dataclass of its settings.
        experiment: called with the settings and the open run; returns the result, with the key
            `data_fingerprint` among others.
    """
    # Whatever the terminal's encoding, a path in a message must not end a run.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    directory = None
    try:
        config = tyro.cli(
            settings,
            prog=f"python -m experiments.{name}",
            description=inspect.cleandoc(settings.__doc__ or ""),
        )
        config = sized(config)
        config.check()
        described = {"experiment": name, **describe(config)}
        directory = config.out or default_directory(name, described)
        result = _run(directory, described, config, experiment)
    except UserError as error:
        _fail(str(error), 2)
    except TrainingFailedError as error:
        _fail(f"training failed: {error}", 1)
    except KeyboardInterrupt:
        _fail(f"interrupted; the same command goes on from {directory or 'the start'}", 130)
    except BrokenPipeError:
        # Whoever read stdout has gone, as `| head` does; nobody is left to be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except OSError as error:
        where = error.filename or directory
        _fail(f"cannot read or write {where}: {error.strerror or error}", 2)
    except Exception as error:
        if _DISK_FULL not in str(error):
            raise
        # TensorFlow's writers wrap what the system said in errors of their own.
        _fail(f"cannot write to {directory}: {_DISK_FULL}", 2)
    print(json.dumps(result), flush=True)
    sys.exit(0)


def describe(config: Settings) -> dict[str, Any]:
    """The settings that a result depends on, as JSON can hold them: all but `out`."""
    values = dataclasses.asdict(config)
    del values["out"]
    return {k: str(v.resolve()) if isinstance(v, Path) else v for k, v in values.items()}


def _run(
    directory: Path,
    described: dict[str, Any],
    config: Config,
    experiment: Callable[[Config, Run], dict[str, Any]],
) -> dict[str, Any]:
    with Run.open(directory, config=described) as run:
        if run.result is not None:
            print(f"this run finished before; its result is in {directory}")
            return run.result
        load_keras()
        started = time.monotonic()
        result = experiment(config, run)
        seconds = round(time.monotonic() - started, 1)
        result |= {"config": described, "seed": config.seed, "versions": versions()}
        run.finish(result | {"seconds_of_last_session": seconds})
        return run.result or {}


def _fail(message: str, status: int) -> NoReturn:
    print(message, file=sys.stderr, flush=True)
    sys.exit(status)
