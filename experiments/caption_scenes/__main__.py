"""`python -m experiments.caption_scenes`."""

from typing import Any

from experiments._command import main
from experiments.caption_scenes.config import ScenesSettings
from simlearn.runs import Run


def _experiment(config: ScenesSettings, folder: Run) -> dict[str, Any]:
    # TensorFlow loads only now, so that --help and a wrong setting answer at once.
    from experiments.caption_scenes.run import run

    return run(config, folder)


if __name__ == "__main__":
    main("caption_scenes", ScenesSettings, _experiment)
