"""`simlearn faces verify|enrol|identify|cluster`."""

from collections.abc import Sequence
from typing import Any

from simlearn import _quiet


def run(arguments: Sequence[str], *, prog: str) -> int:
    """Run one of the commands, and return the exit status.

    Args:
        arguments: after `simlearn faces`.
        prog: what the command is called.
    """
    import tyro

    from simlearn.faces._commands._settings import Command

    settings: Any = tyro.cli(
        Command,
        args=arguments,
        prog=prog,
        description="From photos to verified, recognised and grouped people. Faces are personal "
        "data: ask those whom you enrol.",
    )
    return _answered(settings)


def _answered(settings: Any) -> int:
    settings.check()
    # Only now, so that --help and a wrong setting answer at once.
    _quiet.load_keras()
    from simlearn.faces._commands import _settings
    from simlearn.faces._commands._cluster import cluster
    from simlearn.faces._commands._people import enrol, identify
    from simlearn.faces._commands._verify import verify

    answers: dict[type, Any] = {
        _settings.Verify: verify,
        _settings.Enrol: enrol,
        _settings.Identify: identify,
        _settings.Cluster: cluster,
    }
    return int(answers[type(settings)](settings))
