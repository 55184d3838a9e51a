"""The command line: `simlearn faces ...` and its like, each a thin layer over the library.

`python -m simlearn` is the same. A command's module is imported when the command is called, so
that `--help` waits for nothing; it has a function `run(arguments, prog=...)` that returns the exit
status. What a user can do wrong ends in one line on stderr and exit status 2, never in a
traceback.
"""

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, NoReturn

# TensorFlow reads this when it is imported, which nothing has done yet.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


class Command(NamedTuple):
    """Where a command's function `run` is, and what it is for."""

    module: str
    summary: str


COMMANDS: Final[Mapping[str, Command]] = {
    "faces": Command("simlearn.faces._commands", "verify, enrol, identify and cluster faces"),
}


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command, and exit.

    Args:
        arguments: By default those of the process.
    """
    from simlearn._exits import one_line_errors

    for stream in (sys.stdout, sys.stderr):
        # Whatever the terminal's encoding, a path in a message must not end a run.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    given = list(sys.argv[1:] if arguments is None else arguments)
    name = given[0] if given else "--help"
    if name in ("-h", "--help"):
        sys.stdout.write(_usage())
        sys.exit(0)
    if name not in COMMANDS:
        sys.stderr.write(f"expected a command, one of {', '.join(COMMANDS)}, received {name!r}\n")
        sys.exit(2)
    with one_line_errors():
        run = importlib.import_module(COMMANDS[name].module).run
        status = run(given[1:], prog=f"simlearn {name}")
    sys.exit(status)


def _usage() -> str:
    width = max(map(len, COMMANDS))
    rows = [f"  {name:{width}}  {command.summary}" for name, command in COMMANDS.items()]
    usage = "usage: simlearn COMMAND ...", "", "commands (each has --help):", *rows
    return "\n".join(usage) + "\n"
