"""`python -m experiments.word2vec`."""

from typing import Any

from experiments._command import main
from experiments.word2vec.config import Word2VecSettings
from simlearn.runs import Run


def _experiment(config: Word2VecSettings, folder: Run) -> dict[str, Any]:
    # gensim loads only now, so that --help and a wrong setting answer at once.
    from experiments.word2vec.run import run

    return run(config, folder)


if __name__ == "__main__":
    main("word2vec", Word2VecSettings, _experiment)
