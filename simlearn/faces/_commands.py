"""`simlearn faces ...`."""

from collections.abc import Sequence


def run(arguments: Sequence[str], *, prog: str) -> int:
    """Run one of the commands, and return the exit status."""
    from simlearn.errors import UserError

    raise UserError(f"{prog}: no such command yet: {' '.join(arguments)}")
