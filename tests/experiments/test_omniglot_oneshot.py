"""The Omniglot experiment on strokes drawn at random, laid out as the official files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from experiments.omniglot_oneshot import data, evaluate
from experiments.omniglot_oneshot.config import OmniglotSettings
from simlearn.data import LabelledImages, omniglot
from simlearn.data.loading import Loader
from simlearn.data.records import PictureArray
from tests.simlearn.data.pictures import encoded, folder


def drawing(number, drawer):
    """A character of three strokes, by a hand that shakes."""
    strokes = np.random.default_rng(number).uniform(15, 90, (3, 3, 2))
    strokes = strokes + np.random.default_rng((number, drawer)).normal(0, 2, strokes.shape)
    picture = Image.new("1", (105, 105), 1)
    for stroke in strokes:
        ImageDraw.Draw(picture).line([tuple(p) for p in stroke], fill=0, width=3)
    return encoded(np.asarray(picture))


def drawings(split, alphabets, first, drawers):
    """`alphabets`: characters of each."""
    names, number = {}, first
    for alphabet, characters in alphabets.items():
        for character in range(1, characters + 1):
            for drawer in range(1, drawers + 1):
                path = f"{alphabet}/character{character:02}/{number:04}_{drawer:02}.png"
                names[f"images_{split}/{path}"] = drawing(number, drawer)
            number += 1
    return names


def one_run(number):
    run, first = f"run{number:02}", 5000
    rows = [
        f"{run}/test/item{i + 1:02}.png {run}/training/class{(3 * i + number) % 20 + 1:02}.png\n"
        for i in range(20)
    ]
    files = {f"{run}/class_labels.txt": "".join(rows).encode()}
    for i in range(20):
        of_class = (3 * i + number) % 20
        files[f"{run}/test/item{i + 1:02}.png"] = drawing(first + of_class, 8)
        files[f"{run}/training/class{i + 1:02}.png"] = drawing(first + i, 9)
    return files


BACKGROUND = drawings("background", {f"Script_{i}": 3 + i % 2 for i in range(8)}, 1, 4)
EVALUATION = drawings("evaluation", {"Other": 21, "Small": 2}, 900, 10)
RUNS = {name: content for n in range(1, 21) for name, content in one_run(n).items()}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return folder(tmp_path_factory.mktemp("omniglot"), BACKGROUND | EVALUATION | RUNS)


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "experiments.omniglot_oneshot", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ,
    )


@pytest.mark.slow
def test_files_go_through_the_whole_experiment(root, tmp_path):
    out = tmp_path / "run"
    done = run("--smoke", "--data", root, "--out", out, "--steps", 20, "--trials", 50)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    scores = result["scores"]
    assert {"raw pixels", "network"} <= set(scores)
    for errors in scores.values():
        assert len(errors["published_runs"]["errors"]) == 20
        assert set(errors) >= {"trials", "episodes_5way_1shot", "episodes_20way_5shot"}
    # Twenty steps are enough to leave chance, 95 %, behind.
    assert scores["network"]["published_runs"]["error"] < 0.85
    assert result["audit"]["allowed"] == []
    assert "taken for" in (out / "report.html").read_text()
    assert (out / "projector_config.pbtxt").exists()
    again = run("--smoke", "--data", root, "--out", out, "--steps", 20, "--trials", 50)
    assert json.loads(again.stdout.splitlines()[-1]) == result


def settings(root, **options):
    return OmniglotSettings(data=Path(root), side=28, **options)


def test_the_parts_of_lakes_split_are_the_official_ones(root):
    parts = data.parts(settings(root))
    assert (len(parts.training.images), len(parts.scored.images)) == (28 * 4, 23 * 10)
    assert not set(parts.training.images.labels) & set(parts.scored.images.labels)
    assert not set(parts.training.alphabets) & set(parts.scored.alphabets)
    assert set(parts.scored.drawers) == set(range(1, 11))


def test_choices_are_made_without_the_evaluation_set(tmp_path):
    # Nothing but the background is there to be read.
    parts = data.parts(settings(folder(tmp_path, BACKGROUND), validate=True))
    assert len(np.unique(parts.scored.alphabets)) == 6
    assert len(np.unique(parts.training.alphabets)) == 2
    assert not set(parts.training.images.ids) & set(parts.scored.images.ids)
    assert len(parts.training.images) + len(parts.scored.images) == 28 * 4


def test_the_mixed_split_holds_out_characters(root, monkeypatch):
    monkeypatch.setattr(data, "_TRAINING_CHARACTERS", 31)
    monkeypatch.setattr(data, "_HELD_OUT_CHARACTERS", 7)
    final = data.parts(settings(root, split="vinyals"))
    choosing = data.parts(settings(root, split="vinyals", validate=True))
    characters = [set(p.images.labels.tolist()) for p in (*final, *choosing)]
    assert [len(c) for c in characters] == [31, 51 - 31, 31 - 7, 7]
    assert not characters[0] & characters[1]
    assert characters[2] | characters[3] == characters[0]


def test_each_quarter_turn_is_a_class_of_its_own():
    images = np.random.default_rng(0).integers(0, 256, (3, 5, 5, 1), dtype=np.uint8)
    part = LabelledImages(images, np.array([4, 4, 9]), np.array([7, 5, 6]), name="few")
    turned = data.quarter_turns(data.Drawings(part, np.array([0, 0, 2]), np.array([1, 2, 1])))
    assert turned.images.labels.tolist() == [16, 16, 36, 17, 17, 37, 18, 18, 38, 19, 19, 39]
    assert turned.alphabets[:6].tolist() == [0, 0, 8, 1, 1, 9]
    np.testing.assert_array_equal(turned.images.images[4], np.rot90(images[1]))


def test_a_batch_knows_one_quarter_turn():
    from experiments.omniglot_oneshot.train import quarter_turn

    images = np.random.default_rng(0).integers(0, 256, (5, 7, 7, 1), dtype=np.uint8)
    loader, seen = Loader(PictureArray(images)), set()
    for seed in range(30):
        change = quarter_turn(np.random.default_rng(seed), 5, (7, 7))
        turned = loader.load(np.arange(5), change).images
        (turn,) = [k for k in range(4) if np.array_equal(turned, np.rot90(images, k, axes=(1, 2)))]
        seen.add(turn)
    assert seen == {0, 1, 2, 3}


def test_published_runs_are_scored_by_their_answers(root):
    runs = omniglot.runs(root)
    # An embedding that knows each picture of the training part, and the test part as rolled by
    # the answers: everything is right.
    config = settings(root)

    def by_class(images):
        # What `drawing` drew by 8 and by 9 shares its strokes but for the shaking.
        return images.reshape(len(images), -1) < 128

    scored = evaluate.published_runs(lambda x: by_class(x).astype("float32"), runs, config)
    assert len(scored.errors) == 20
    assert len(scored.mistakes) == round(400 * scored.mean)
    assert scored.mean < 0.6
    wrong = [r._replace(answer=(r.answer + 1) % 20) for r in runs]
    inverted = evaluate.published_runs(lambda x: by_class(x).astype("float32"), wrong, config)
    assert inverted.mean > 0.9


def test_a_character_in_both_sets_stops_the_run(root, tmp_path):
    leaky = dict(EVALUATION)
    stolen = next(iter(BACKGROUND.values()))
    leaky["images_evaluation/Other/character01/0900_01.png"] = stolen
    done = run(
        "--smoke", "--data", folder(tmp_path / "o", BACKGROUND | leaky | RUNS),
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert done.returncode == 2
    assert "pixels" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_missing_folder_is_one_line(tmp_path):
    done = run("--data", tmp_path / "nowhere")
    assert done.returncode == 2
    assert "expected a folder or zip with Omniglot, and found nothing" in done.stderr
    assert done.stderr.count("\n") == 1
