"""Our scores beside pytorch-metric-learning's own, which make_reference.py wrote down."""

import json
from pathlib import Path

import numpy as np
import pytest

from simlearn import search
from simlearn.metrics import retrieval, retrieval_bounds, retrieval_scores
from tests.simlearn.metrics.parity.make_reference import NAMES, cases

REFERENCE = json.loads(Path(__file__).with_name("reference.json").read_text(encoding="utf-8"))
OURS = dict(zip(NAMES, ("precision_at_1", "r_precision", "map_at_r", "mrr"), strict=True))

by_case = pytest.mark.parametrize("name", REFERENCE["scores"])


@by_case
@pytest.mark.parametrize("few", [0, 2**40], ids=["float32 first", "float64"])
def test_scores_are_theirs(name, few, monkeypatch):
    monkeypatch.setattr(retrieval, "_FEW", few)
    scores = retrieval_scores(**cases()[name], block=64)
    for theirs, ours in OURS.items():
        assert scores[ours] == pytest.approx(REFERENCE["scores"][name][theirs], abs=1e-6), theirs


@by_case
def test_no_ties_make_it_a_matter_of_luck(name):
    for score, (worst, _, best) in retrieval_bounds(**cases()[name]).items():
        assert worst == pytest.approx(best, abs=1e-12), score


def test_the_reference_covers_every_case_and_is_not_trivial():
    assert REFERENCE["scores"].keys() == cases().keys()
    for scores in REFERENCE["scores"].values():
        assert set(scores) == set(NAMES)
        assert all(0.05 < score < 0.99 for score in scores.values())


def test_distances_are_far_enough_apart_for_float32():
    # faiss ranks by float32 products, in which a squared distance is off by about 1e-6 here.
    for case in cases().values():
        vectors = case["embeddings"].astype(np.float64)
        gallery = case.get("gallery", vectors).astype(np.float64)
        squared = np.sort(search.squared_euclidean(vectors, gallery), axis=1)
        assert np.mean(np.diff(squared, axis=1) < 2e-6) < 1e-3
