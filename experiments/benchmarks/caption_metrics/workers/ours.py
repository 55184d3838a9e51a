"""caption.metrics."""

from typing import Any, Literal
from zlib import crc32

from measuring import SETTINGS, Task, measure

import numpy as np  # isort: skip

from caption.metrics import Bleu, CiderD, RougeL  # isort: skip


def words(compat: Literal["coco"] | None) -> Any:
    """The words of every caption; a sum of each is what is compared."""

    def prepare(captions: dict[str, Any]) -> Task:
        from caption.tokenizer import tokenize_corpus

        references = [text for image in captions["references"] for text in image]

        def task() -> list[int]:
            systems = references, captions["hypotheses"]
            cut = [tokenize_corpus(texts, compat=compat) for texts in systems]
            return [crc32(" ".join(text).encode()) for texts in cut for text in texts]

        return task

    return prepare


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


def meteor(captions: dict[str, Any]) -> Task:
    """METEOR, its data read and its table compiled before."""
    from caption.metrics.meteor import Meteor

    metric = Meteor(SETTINGS["meteor_data"])
    references = [[" ".join(words) for words in image] for image in captions["reference_words"]]
    hypotheses = [" ".join(words) for words in captions["hypothesis_words"]]
    return lambda: {"meteor": metric.score(hypotheses, references).corpus}


TASKS = {
    "tokens": words(None),
    "tokens_coco": words("coco"),
    "bleu": whole(Bleu),
    "rouge_l": whole(RougeL),
    "cider_d": whole(CiderD),
    "cider_d_prepared": prepared_cider,
    "meteor": meteor,
}

if __name__ == "__main__":
    measure(TASKS, {"numpy": np.__version__})
