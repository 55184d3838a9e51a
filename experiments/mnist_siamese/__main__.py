"""`python -m experiments.mnist_siamese`."""

from typing import Any

from experiments._command import main
from experiments.mnist_siamese.config import MnistSettings
from simlearn.runs import Run


def _experiment(config: MnistSettings, folder: Run) -> dict[str, Any]:
    # TensorFlow loads only now, so that --help and a wrong setting answer at once.
    from experiments.mnist_siamese.run import run

    return run(config, folder)


if __name__ == "__main__":
    main("mnist_siamese", MnistSettings, _experiment)
