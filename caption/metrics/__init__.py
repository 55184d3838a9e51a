"""Scores of captions: the COCO caption evaluation's numbers, without Java.

`score` and `CaptionScorer` take text and give every metric; `Bleu`, `RougeL`, `CiderD` and `Cider`
take lists of words. None of it loads TensorFlow or Keras.
"""

from caption.metrics._frequencies import DocumentFrequencies, document_frequencies
from caption.metrics._references import References
from caption.metrics._scored import MetricScores
from caption.metrics.bleu import Bleu
from caption.metrics.bootstrap import Comparison, Interval, bootstrap_intervals, compare
from caption.metrics.cider import Cider, CiderD
from caption.metrics.diversity import Diversity, diversity
from caption.metrics.rouge import RougeL
from caption.metrics.scores import METRICS, CaptionScorer, CaptionScores, score
from caption.metrics.signature import signature
from caption.metrics.spice import spice

__all__ = [
    "METRICS",
    "Bleu",
    "CaptionScorer",
    "CaptionScores",
    "Cider",
    "CiderD",
    "Comparison",
    "Diversity",
    "DocumentFrequencies",
    "Interval",
    "MetricScores",
    "References",
    "RougeL",
    "bootstrap_intervals",
    "compare",
    "diversity",
    "document_frequencies",
    "score",
    "signature",
    "spice",
]
