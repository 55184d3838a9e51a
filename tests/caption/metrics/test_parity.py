"""The COCO caption evaluation's own numbers: `make_reference.py` stored them."""

import json
from pathlib import Path

import numpy as np
import pytest

from caption import metrics
from caption.metrics.bleu import Bleu
from caption.metrics.cider import CiderD
from caption.metrics.rouge import RougeL

STORED = json.loads(Path(__file__).with_name("reference.json").read_text(encoding="utf-8"))
REFERENCES = [
    [text.split(" ") if text else [] for text in texts] for texts in STORED["reference_tokens"]
]
HYPOTHESES = [text.split(" ") if text else [] for text in STORED["hypothesis_tokens"]]


@pytest.mark.parametrize("scorer", [Bleu, RougeL, CiderD])
def test_scores_are_the_evaluations(scorer):
    found = scorer(REFERENCES, compat="coco").score(HYPOTHESES)
    for name, scores in found.per_image.items():
        assert found.corpus[name] == pytest.approx(STORED["corpus"][name], abs=1e-9)
        np.testing.assert_allclose(scores, STORED["per_image"][name], rtol=0, atol=1e-9)


@pytest.mark.parametrize("scorer", [Bleu, RougeL, CiderD])
def test_without_compat_something_differs(scorer):
    # Otherwise the stored captions would not reach what `compat` is there for.
    found = scorer(REFERENCES).score(HYPOTHESES)
    differences = [
        np.abs(scores - STORED["per_image"][name]).max() for name, scores in found.per_image.items()
    ]
    assert max(differences) > 1e-3


def test_the_stored_captions_hold_what_makes_trouble():
    texts = list(STORED["hypotheses"].values())
    assert "" in texts
    assert any("\N{DOG FACE}" in text for text in texts)
    assert any("https://" in text for text in texts)
    assert max(map(len, HYPOTHESES)) > 64
    assert min(len(text) for texts in REFERENCES for text in texts) == 0
    assert any("\N{NO-BREAK SPACE}" in word for words in HYPOTHESES for word in words)


def test_captions_as_they_are_score_as_the_evaluation_scores_them():
    # With words from `caption.tokenizer`, and the ids of images.
    found = metrics.score(STORED["references"], STORED["hypotheses"], compat="coco")
    assert found.ids == tuple(STORED["references"])
    for name, scores in found.per_image.items():
        assert found.corpus[name] == pytest.approx(STORED["corpus"][name], abs=1e-9)
        np.testing.assert_allclose(scores, STORED["per_image"][name], rtol=0, atol=1e-9)
