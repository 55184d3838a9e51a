"""Real captions, beside the COCO caption evaluation itself: Java cuts its words, and is METEOR."""

import json
import os
import random
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from caption.metrics import Bleu, CaptionScorer, CiderD, RougeL
from caption.metrics.meteor import Meteor
from caption.metrics.readers import read_references
from experiments.benchmarks._environments import EnvironmentFailedError, python_of
from experiments.benchmarks.caption_metrics.config import CaptionMetricsSettings
from experiments.benchmarks.caption_metrics.environments import RECIPE
from tests.caption.metrics.make_reference import damaged

pytestmark = [
    pytest.mark.java,
    pytest.mark.real_data,
    pytest.mark.skipif(shutil.which("java") is None, reason="no Java"),
]
ASK = Path(__file__).with_name("ask_evaluation.py")


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """The first caption of each picture against its others, and the same damaged."""
    try:
        python = python_of(RECIPE, CaptionMetricsSettings().environments_folder)
    except EnvironmentFailedError as error:
        pytest.skip(f"no environment for the evaluation: {error}")
    path = f"{os.environ['SIMLEARN_DATA']}/coco/captions_val2017-half.json"
    images = list(read_references(path).captions.values())
    draw = random.Random(31)
    systems = {
        "first": [texts[0] for texts in images],
        "damaged": [damaged(texts[0], row, draw) for row, texts in enumerate(images)],
    }
    references = [list(texts[1:]) for texts in images]
    folder = tmp_path_factory.mktemp("evaluation")
    found = {}
    for name, hypotheses in systems.items():
        texts = {"references": references, "hypotheses": hypotheses}
        (folder / "captions.json").write_text(json.dumps(texts), encoding="utf-8")
        subprocess.run(
            [python, ASK, folder / "captions.json", folder / "answer.json"],
            check=True,
            capture_output=True,
            env=os.environ | {"JAVA_TOOL_OPTIONS": "-Xmx1g"},
        )
        answer = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
        found[name] = texts, answer
    (found["data"],) = python.parents[1].glob("lib/python*/site-packages/pycocoevalcap")
    return found


def words_of(text):
    return text.split(" ") if text else []


@pytest.mark.parametrize("system", ["first", "damaged"])
def test_scores_of_its_words_are_its_scores(asked, system):
    _, answer = asked[system]
    references = [[words_of(text) for text in texts] for texts in answer["reference_tokens"]]
    hypotheses = [words_of(text) for text in answer["hypothesis_tokens"]]
    assert len(references) == 2500
    for scorer in (Bleu, RougeL, CiderD):
        found = scorer(references, compat="coco").score(hypotheses)
        for name, scores in found.per_image.items():
            assert found.corpus[name] == pytest.approx(answer["corpus"][name], abs=1e-9)
            np.testing.assert_allclose(scores, answer["per_image"][name], rtol=0, atol=1e-9)


@pytest.mark.parametrize("system", ["first", "damaged"])
def test_captions_as_they_are_score_as_the_evaluation_scores_them(asked, system):
    texts, answer = asked[system]
    scorer = CaptionScorer(texts["references"], compat="coco")
    words = scorer.tokens(texts["hypotheses"])
    assert [" ".join(caption) for caption in words] == answer["hypothesis_tokens"]
    cut = scorer.references.words_in_order()
    assert [[" ".join(t) for t in image] for image in cut] == answer["reference_tokens"]
    found = scorer.score_tokens(words)
    for name, scores in found.per_image.items():
        assert found.corpus[name] == pytest.approx(answer["corpus"][name], abs=1e-9)
        np.testing.assert_allclose(scores, answer["per_image"][name], rtol=0, atol=1e-9)


@pytest.mark.parametrize("system", ["first", "damaged"])
def test_meteor_is_that_of_its_program(asked, system, tmp_path_factory):
    # One compiled table for both systems.
    cache = tmp_path_factory.getbasetemp() / "meteor"
    _, answer = asked[system]
    found = Meteor(asked["data"], cache=cache).score(
        answer["hypothesis_tokens"], answer["reference_tokens"]
    )
    assert found.corpus == pytest.approx(answer["corpus"]["meteor"], abs=1e-12)
    np.testing.assert_allclose(found.segments, answer["per_image"]["meteor"], rtol=0, atol=1e-12)


def test_meteor_of_captions_as_they_are(asked):
    texts, answer = asked["damaged"]
    scorer = CaptionScorer(
        texts["references"], metrics=["meteor"], compat="coco", meteor_data=asked["data"]
    )
    found = scorer.score(texts["hypotheses"])
    assert found.corpus["meteor"] == pytest.approx(answer["corpus"]["meteor"], abs=1e-12)
