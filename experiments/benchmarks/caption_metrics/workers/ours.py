"""caption.metrics."""

from hashlib import sha256
from typing import Any

from measuring import SETTINGS, Task, measure

import numpy as np  # isort: skip

from caption.metrics import Bleu, CiderD, RougeL  # isort: skip


def tokens(captions: dict[str, Any]) -> Task:
    """The words of every caption; a digest of them is what is compared."""
    from caption.tokenizer import tokenize

    texts = [text for image in captions["references"] for text in image] + captions["hypotheses"]

    def task() -> str:
        words = [" ".join(tokenize(text)) for text in texts]
        return sha256("\n".join(words).encode()).hexdigest()

    return task


def whole(scorer: type[Bleu] | type[RougeL] | type[CiderD]) -> Any:
    """From lists of words to scores, the references prepared within."""

    def prepare(captions: dict[str, Any]) -> Task:
        def task() -> dict[str, float]:
            prepared = scorer(captions["reference_words"], compat="coco")
            return prepared.score(captions["hypothesis_words"]).corpus

        return task

    return prepare


def prepared_cider(captions: dict[str, Any]) -> Task:
    """The same with references prepared before."""
    scorer = CiderD(captions["reference_words"], compat="coco")
    return lambda: scorer.score(captions["hypothesis_words"]).corpus


TASKS = {
    "tokens": tokens,
    "bleu": whole(Bleu),
    "rouge_l": whole(RougeL),
    "cider_d": whole(CiderD),
    "cider_d_prepared": prepared_cider,
}

if __name__ == "__main__":
    SETTINGS.setdefault("meteor_data", None)
    measure(TASKS, {"numpy": np.__version__})
