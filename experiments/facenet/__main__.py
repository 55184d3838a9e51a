"""`python -m experiments.facenet`."""

from typing import Any

from experiments._command import main
from experiments.facenet.config import FacenetSettings
from simlearn.runs import Run


def _experiment(config: FacenetSettings, folder: Run) -> dict[str, Any]:
    # TensorFlow loads only now, so that --help and a wrong setting answer at once.
    from experiments.facenet.run import run

    return run(config, folder)


if __name__ == "__main__":
    main("facenet", FacenetSettings, _experiment)
