"""`python -m experiments.orl_faces`."""

from typing import Any

from experiments._command import main
from experiments.orl_faces.config import OrlSettings
from simlearn.runs import Run


def _experiment(config: OrlSettings, folder: Run) -> dict[str, Any]:
    # TensorFlow loads only now, so that --help and a wrong setting answer at once.
    from experiments.orl_faces.run import run

    return run(config, folder)


if __name__ == "__main__":
    main("orl_faces", OrlSettings, _experiment)
