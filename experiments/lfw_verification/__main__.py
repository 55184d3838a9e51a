"""`python -m experiments.lfw_verification`."""

from typing import Any

from experiments._command import main
from experiments.lfw_verification.config import VerificationSettings
from simlearn.runs import Run


def _experiment(config: VerificationSettings, folder: Run) -> dict[str, Any]:
    # TensorFlow loads only now, so that --help and a wrong setting answer at once.
    from experiments.lfw_verification.run import run

    return run(config, folder)


if __name__ == "__main__":
    main("lfw_verification", VerificationSettings, _experiment)
