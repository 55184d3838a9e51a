"""`python -m experiments.demo`."""

from typing import Any

from experiments._command import main
from experiments.demo.config import DemoSettings
from simlearn.runs import Run


def _experiment(config: DemoSettings, folder: Run) -> dict[str, Any]:
    # TensorFlow loads only now, so that --help and a wrong setting answer at once.
    from experiments.demo.run import run

    return run(config, folder)


if __name__ == "__main__":
    main("demo", DemoSettings, _experiment)
