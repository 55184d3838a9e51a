"""`python -m experiments.caption_coco`."""

from typing import Any

from experiments._command import main
from experiments.caption_coco.config import CocoSettings
from simlearn.runs import Run


def _experiment(config: CocoSettings, folder: Run) -> dict[str, Any]:
    # TensorFlow loads only now, so that --help and a wrong setting answer at once.
    from experiments.caption_coco.run import run

    return run(config, folder)


if __name__ == "__main__":
    main("caption_coco", CocoSettings, _experiment)
