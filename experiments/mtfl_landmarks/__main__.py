"""`python -m experiments.mtfl_landmarks`."""

from typing import Any

from experiments._command import main
from experiments.mtfl_landmarks.config import LandmarkSettings
from simlearn.runs import Run


def _experiment(config: LandmarkSettings, folder: Run) -> dict[str, Any]:
    # TensorFlow loads only now, so that --help and a wrong setting answer at once.
    from experiments.mtfl_landmarks.run import run

    return run(config, folder)


if __name__ == "__main__":
    main("mtfl_landmarks", LandmarkSettings, _experiment)
