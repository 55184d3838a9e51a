"""`python -m experiments.omniglot_oneshot`."""

from typing import Any

from experiments._command import main
from experiments.omniglot_oneshot.config import OmniglotSettings
from simlearn.runs import Run


def _experiment(config: OmniglotSettings, folder: Run) -> dict[str, Any]:
    # TensorFlow loads only now, so that --help and a wrong setting answer at once.
    from experiments.omniglot_oneshot.run import run

    return run(config, folder)


if __name__ == "__main__":
    main("omniglot_oneshot", OmniglotSettings, _experiment)
