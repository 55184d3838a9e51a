"""pycocoevalcap, the COCO caption evaluation's Python port; Java for words and METEOR."""

from importlib.metadata import version
from typing import Any
from zlib import crc32

from measuring import Task, measure

from pycocoevalcap.bleu.bleu import Bleu  # isort: skip
from pycocoevalcap.cider.cider import Cider  # isort: skip
from pycocoevalcap.rouge.rouge import Rouge  # isort: skip
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer  # isort: skip


def tokens(captions: dict[str, Any]) -> Task:
    """References and hypotheses by two calls, as the evaluation makes them."""
    references = {
        number: [{"caption": text} for text in texts]
        for number, texts in enumerate(captions["references"])
    }
    hypotheses = {number: [{"caption": text}] for number, text in enumerate(captions["hypotheses"])}

    def task() -> list[int]:
        cut = PTBTokenizer().tokenize(references), PTBTokenizer().tokenize(hypotheses)
        words = [text for system in cut for texts in system.values() for text in texts]
        return [crc32(text.encode()) for text in words]

    return task


def joined(captions: dict[str, Any]) -> tuple[dict[int, list[str]], dict[int, list[str]]]:
    """References and hypotheses as its scorers take them: words joined by spaces."""
    references = {
        number: [" ".join(words) for words in image]
        for number, image in enumerate(captions["reference_words"])
    }
    own = enumerate(captions["hypothesis_words"])
    return references, {number: [" ".join(words)] for number, words in own}


def bleu(captions: dict[str, Any]) -> Task:
    """BLEU-1 to BLEU-4."""
    references, hypotheses = joined(captions)

    def task() -> dict[str, float]:
        found, _ = Bleu(4).compute_score(references, hypotheses, verbose=0)
        return {f"bleu_{n}": float(score) for n, score in enumerate(found, start=1)}

    return task


def rouge(captions: dict[str, Any]) -> Task:
    """ROUGE-L."""
    texts = joined(captions)
    return lambda: {"rouge_l": float(Rouge().compute_score(*texts)[0])}


def cider(captions: dict[str, Any]) -> Task:
    """CIDEr-D; it keeps no references."""
    texts = joined(captions)
    return lambda: {"cider_d": float(Cider().compute_score(*texts)[0])}


def meteor(captions: dict[str, Any]) -> Task:
    """METEOR 1.5, whose Java program starts within."""
    from pycocoevalcap.meteor.meteor import Meteor

    texts = joined(captions)
    return lambda: {"meteor": float(Meteor().compute_score(*texts)[0])}


TASKS = {
    "tokens": tokens,
    "tokens_coco": tokens,
    "bleu": bleu,
    "rouge_l": rouge,
    "cider_d": cider,
    "cider_d_prepared": cider,
    "meteor": meteor,
}

if __name__ == "__main__":
    measure(TASKS, {name: version(name) for name in ("pycocoevalcap", "numpy")})
