"""Scores of a captioner beside captions that are somebody else's."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caption import decoding
from caption.baselines import most_frequent_caption, neighbour_captions
from caption.metrics import CaptionScorer, CaptionScores, bootstrap_intervals, diversity
from caption.metrics.meteor import Meteor
from caption.models import Captioner, FineTuned
from caption.reranking import ConsensusReranking
from caption.writing import Writer, Written
from experiments._captioning.config import CaptioningSettings
from experiments._captioning.prepare import Prepared, mean_features
from simlearn.errors import UserError

Model = Captioner | FineTuned

NEIGHBOURS = 10
SHOWN = ("bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "cider_d", "meteor")


@dataclass(frozen=True)
class Scored:
    """What was written of the test pictures, and what it is worth.

    Attributes:
        written: the captioner's, reranked where that was asked for.
        captions: words of each system's captions, by its name; those last.
        scores: of each.
        intervals: of each, 95 %, over test pictures.
    """

    written: list[Written]
    captions: dict[str, list[list[str]]]
    scores: dict[str, CaptionScores]
    intervals: dict[str, dict[str, tuple[float, float]]]

    def table(self) -> dict[str, dict[str, float]]:
        """Corpus scores by system and metric."""
        return {
            name: {metric: found.corpus[metric] for metric in SHOWN if metric in found.corpus}
            for name, found in self.scores.items()
        }


def score(captioner: Model, config: CaptioningSettings, prepared: Prepared) -> Scored:
    """Write captions of the test pictures, and score them and the baselines."""
    vectors = mean_features(prepared, prepared.train), mean_features(prepared, prepared.test)
    captions = _baselines(prepared, *vectors)
    written = _by_beam(captioner, config, prepared, config.beams)
    captions[config.model] = [list(one[0].words) for one in written]
    if config.candidates:
        rerank = ConsensusReranking(
            vectors[0],
            prepared.train.words,
            neighbours=min(config.neighbours, len(vectors[0])),
            weight=config.agreement,
        )
        written = rerank(vectors[1], _by_beam(captioner, config, prepared, config.candidates))
        captions[f"{config.model}, reranked"] = [list(one[0].words) for one in written]
    scorer = CaptionScorer(
        [list(texts) for texts in prepared.test.record.captions], metrics=_metrics()
    )
    scores = {name: scorer.score_tokens(words) for name, words in captions.items()}
    intervals = {
        name: {
            metric: (found.low, found.high)
            for metric, found in bootstrap_intervals(one, seed=config.seed).items()
        }
        for name, one in scores.items()
    }
    return Scored([one[0] for one in written], captions, scores, intervals)


def _by_beam(
    captioner: Model, config: CaptioningSettings, prepared: Prepared, beams: int
) -> list[list[Written]]:
    """All captions of a beam of each test picture."""
    decode = partial(
        decoding.beam_search,
        beams=beams,
        results=beams,
        max_length=config.longest + 1,
        normalize=decoding.divide_by_length,
    )
    writer = Writer(captioner, prepared.vocabulary, decode=decode)
    return [
        [one for one in captions if one.words] or captions
        for captions in writer(prepared.test.features)
    ]


def _metrics() -> list[str]:
    """METEOR too, where its data are."""
    found = ["bleu", "rouge_l", "cider_d"]
    try:
        Meteor()
    except UserError:
        print("METEOR is left out: its data files are not installed (pip install pycocoevalcap)")
        return found
    return [*found, "meteor"]


def _baselines(
    prepared: Prepared, vectors: NDArray[np.float32], asked: NDArray[np.float32]
) -> dict[str, list[list[str]]]:
    train, test = prepared.train, prepared.test
    neighbours = min(NEIGHBOURS, len(vectors))
    common = most_frequent_caption(train.words)
    return {
        "most frequent caption": [common] * len(test.record),
        "nearest picture's caption": neighbour_captions(vectors, train.words, asked),
        f"consensus of {neighbours} pictures": neighbour_captions(
            vectors, train.words, asked, neighbours=neighbours
        ),
    }


def said(scored: Scored, prepared: Prepared, name: str) -> dict[str, Any]:
    """How varied the captions of a system are."""
    words = scored.captions[name]
    training = [caption for image in prepared.train.words for caption in image]
    found = diversity(words, training=training)
    return {
        "vocabulary": found.vocabulary,
        "unique": found.unique,
        "novel": found.novel,
        "mean_length": float(np.mean([len(caption) for caption in words])),
    }
