"""How commands end when something is wrong: in one line, never a traceback."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import NoReturn


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """Ends the process with one line on stderr: status 2 for what a user did, 130 for Ctrl-C."""
    from simlearn.errors import UserError

    try:
        yield
    except UserError as error:
        _fail(" ".join(str(error).split()), 2)
    except KeyboardInterrupt:
        _fail("interrupted", 130)
    except BrokenPipeError:
        # Whoever read stdout has gone, as `| head` does; nobody is left to be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except OSError as error:
        if error.filename is None:
            # What is left in the buffer fails again at exit, were it let.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        _fail(f"cannot read or write {error.filename or 'the output'}: {error.strerror}", 2)


def _fail(message: str, status: int) -> NoReturn:
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()
    sys.exit(status)
