"""The captions that are scored: generated ones, or a file's."""

import random
from itertools import cycle, islice
from typing import Any

from caption.metrics.readers import read_references
from experiments.benchmarks.caption_metrics.config import CaptionMetricsSettings
from simlearn.errors import UserError

# As frequent as words of captions are: the k-th about 1 / k of the first, of some thousand.
_WORDS = 6000
_LEAST, _MOST = 7, 14
_SHARED = 0.6


def captions_of(config: CaptionMetricsSettings) -> dict[str, Any]:
    """References and a hypothesis for each image, as text and cut into words.

    Returns:
        `references` and `hypotheses`, as text, and `reference_words` and `hypothesis_words`.

    Raises:
        UserError: the file cannot be read, or an image has a single caption.
    """
    if config.captions is None:
        return _generated(config)
    from caption.tokenizer import tokenize

    images = list(read_references(config.captions).captions.values())
    if min(map(len, images)) < 2:
        raise UserError(f"{config.captions}: expected at least 2 captions of each image, got 1")
    taken = list(islice(cycle(images), config.images))
    references = [list(texts[1 : 1 + config.references]) for texts in taken]
    return {
        "references": references,
        "hypotheses": [texts[0] for texts in taken],
        "reference_words": [[tokenize(text) for text in texts] for texts in references],
        "hypothesis_words": [tokenize(texts[0]) for texts in taken],
    }


def _generated(config: CaptionMetricsSettings) -> dict[str, Any]:
    draw = random.Random(config.seed)
    words = [f"{chr(97 + number % 26)}w{number}" for number in range(_WORDS)]
    weights = [1 / (rank + 2) for rank in range(_WORDS)]
    images = [
        _of_one_image(draw, words, weights, config.references + 1) for _ in range(config.images)
    ]
    return {
        "references": [[_written(text) for text in texts[1:]] for texts in images],
        "hypotheses": [_written(texts[0]) for texts in images],
        "reference_words": [texts[1:] for texts in images],
        "hypothesis_words": [texts[0] for texts in images],
    }


def _of_one_image(
    draw: random.Random, words: list[str], weights: list[float], count: int
) -> list[list[str]]:
    """Captions that have words and pairs of words in common, as those of one image do."""
    subject = draw.choices(words, weights, k=_MOST)
    captions = []
    for _ in range(count):
        length = draw.randint(_LEAST, _MOST)
        other = draw.choices(words, weights, k=length)
        captions.append(
            [subject[i] if draw.random() < _SHARED else other[i] for i in range(length)]
        )
    return captions


def _written(words: list[str]) -> str:
    """Words as a sentence."""
    return f"{' '.join(words).capitalize()}."
