"""`python -m experiments.mtfl_landmarks`."""

import os
from typing import Any

# TensorFlow reads this when it is imported, which nothing has done yet. Without AVX-512 it leaves
# oneDNN's convolutions off, which are up to 1.9 times as fast there.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

from experiments._command import main
from experiments.mtfl_landmarks.config import LandmarkSettings
from simlearn.runs import Run


def _experiment(config: LandmarkSettings, folder: Run) -> dict[str, Any]:
    # TensorFlow loads only now, so that --help and a wrong setting answer at once.
    from experiments.mtfl_landmarks.run import run

    return run(config, folder)


if __name__ == "__main__":
    main("mtfl_landmarks", LandmarkSettings, _experiment)
