"""`python -m experiments.digits`."""

from typing import Any

from experiments._command import main
from experiments.digits.config import DigitsSettings
from simlearn.runs import Run


def _experiment(config: DigitsSettings, folder: Run) -> dict[str, Any]:
    # TensorFlow loads only now, so that --help and a wrong setting answer at once.
    from experiments.digits.run import run

    return run(config, folder)


if __name__ == "__main__":
    main("digits", DigitsSettings, _experiment)
