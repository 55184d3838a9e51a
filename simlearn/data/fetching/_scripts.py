"""What every `datasets/<name>/prepare.py` has in common."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from simlearn.data.fetching._downloads import NotDeliveredError
from simlearn.errors import UserError


def script_main(
    name: str,
    prepare: Callable[[Path, argparse.Namespace], int],
    arguments: Sequence[str] | None = None,
    *,
    description: str,
    parts: Sequence[str] = (),
) -> int:
    """Run the script that prepares one data set.

    Args:
        name: Of its folder below the folder of all data sets.
        prepare: Called with that folder and the options `check`, whether to download nothing, and
            `part`, a list of parts or None; returns the exit status.
        arguments: Of the command line; by default those that the script was called with.
        description: For `--help`.
        parts: What `--part` can be.

    Returns:
        The exit status: 2 after a `UserError`, whose message goes to stderr.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        default=os.environ.get("SIMLEARN_DATA"),
        help=f"folder of all data sets, this one being in DIR/{name}; default: $SIMLEARN_DATA",
    )
    parser.add_argument(
        "--check", action="store_true", help="download and write nothing, check what is there"
    )
    if len(parts) > 1:
        parser.add_argument(
            "--part", action="append", choices=parts, help="this part; can be repeated"
        )
    parser.set_defaults(part=None)
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("expected --data DIR or the variable SIMLEARN_DATA, and received neither")
    try:
        return prepare(Path(options.data) / name, options)
    except UserError as error:
        print_error(error)
        return 2


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def print_error(error: Exception) -> None:
    """Print an error as one line on stderr, and one more for each address of a failed download."""
    lines = [str(error)]
    if isinstance(error, NotDeliveredError):
        lines = [error.summary, *error.answers]
    for number, line in enumerate(lines):
        sys.stderr.write(f"{'  ' if number else ''}{' '.join(line.split())}\n")
