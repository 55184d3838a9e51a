"""`python -m experiments.caption_flickr8k`."""

from typing import Any

from experiments._command import main
from experiments.caption_flickr8k.config import Flickr8kSettings
from simlearn.runs import Run


def _experiment(config: Flickr8kSettings, folder: Run) -> dict[str, Any]:
    # TensorFlow loads only now, so that --help and a wrong setting answer at once.
    from experiments.caption_flickr8k.run import run

    return run(config, folder)


if __name__ == "__main__":
    main("caption_flickr8k", Flickr8kSettings, _experiment)
