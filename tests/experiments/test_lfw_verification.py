"""The verification experiment on made-up people, and its parts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from experiments.lfw_verification import embed, pairs, score
from experiments.lfw_verification.config import VerificationSettings
from simlearn import metrics
from simlearn.data.files import Files
from simlearn.data.records import StoredPictures, VideoPairs
from simlearn.errors import UserError
from simlearn.faces import FaceEmbedder, FaceModel

COMMAND = [sys.executable, "-m", "experiments.lfw_verification"]
DATA = os.environ.get("SIMLEARN_DATA")
PEOPLE = 20


def write_lfw(folder, *, pictures=2, side=50):
    """People of different colours, in LFW's layout, with a list of View 1 of ten pairs a kind."""
    random = np.random.default_rng(0)
    names = [f"P{chr(97 + n)}" for n in range(PEOPLE)]
    for name, colour in zip(names, random.uniform(30, 225, (PEOPLE, 3)), strict=True):
        for number in range(1, pictures + 1):
            pixels = np.clip(colour + random.normal(0, 12, (side, side, 3)), 0, 255)
            path = folder / "lfw" / name / f"{name}_{number:04d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.astype(np.uint8)).save(path)
    same = [f"{name}\t1\t2" for name in names]
    different = [f"{a}\t1\t{b}\t2" for a, b in zip(names, names[1:] + names[:1], strict=True)]
    (folder / "pairsDevTest.txt").write_text("\n".join([str(PEOPLE), *same, *different]) + "\n")
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Embeds a picture as its mean colour, off grey."""
    pixels = keras.Input((16, 16, 3))
    mean = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 128, -1.0)(pixels))
    folder = tmp_path_factory.mktemp("model")
    FaceEmbedder(keras.Model(pixels, mean)).save(folder)
    return folder


def call(*arguments):
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=600
    )


def test_view_1_is_scored_saved_and_found_again(tmp_path, model):
    data = write_lfw(tmp_path / "data")
    options = ["--data", data, "--model", model, "--laying", "fixed", "--out", tmp_path / "out"]
    done = call(*options, "--resamples", 20, "--fixed-share", 0.8)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    fixed = result["scores"]["fixed"]
    assert fixed["accuracy"] > 0.85
    assert fixed["interval_95"][0] <= fixed["accuracy"] <= fixed["interval_95"][1]
    assert (fixed["scored"], fixed["dropped"]) == (2 * PEOPLE, 0)
    assert set(result["baselines"]) >= {"raw pixels", "LBPH"}
    assert "View 1 is for choosing" in result["protocol"]
    saved = FaceModel.load(tmp_path / "out")
    assert saved.threshold is not None
    assert saved.threshold.data == "lfw-view1-test, fixed box"
    assert saved.calibration is not None
    page = (tmp_path / "out" / "report.html").read_text()
    assert "False accepts" in page or "False rejects" in page
    again = call(*options, "--resamples", 20, "--fixed-share", 0.8)
    assert json.loads(again.stdout.splitlines()[-1]) == result


def test_wrong_settings_end_in_one_line(tmp_path, model):
    for arguments, message in (
        (["--protocol", "pairs"], "--pairs"),
        (["--no-baselines"], "expected --model"),
        (["--model", model, "--data", tmp_path / "gone"], "found nothing"),
        (["--min-face", "3"], "--min-face"),
    ):
        done = call(*arguments, "--out", tmp_path / "out")
        assert done.returncode == 2
        assert message in done.stderr
        assert "Traceback" not in done.stderr


def made_pairs(distances_same, distances_different):
    """Things on a line, a pair of each distance; every thing in one pair."""
    count = len(distances_same) + len(distances_different)
    same = np.arange(count) < len(distances_same)
    return pairs.Pairs(
        pictures=StoredPictures(None, [str(n) for n in range(2 * count)]),
        thing=np.arange(2 * count),
        left=np.arange(count) * 2,
        right=np.arange(count) * 2 + 1,
        same=same,
        fold=pairs.folds_within(same, 2),
        people=np.full(2 * count, ""),
        name="made up",
    )


def test_folds_take_each_kind_in_the_order_of_the_list():
    same = np.array([True] * 6 + [False] * 4)
    assert pairs.folds_within(same, 2).tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 1, 1]
    counts = np.bincount(pairs.folds_within(np.arange(1000) < 500))
    assert counts.tolist() == [100] * 10


def test_scores_are_those_of_the_metric_with_missing_pairs_dropped():
    told = made_pairs([0.1, 0.2, 0.3, 0.8], [0.7, 0.9, 0.25, 1.0])
    distances = np.array([0.1, 0.2, 0.3, 0.8, 0.7, 0.9, 0.25, np.nan])
    found = score.score(distances, told, resamples=20, seed=0)
    expected = metrics.fold_scores(distances, told.same, told.fold, missing=np.isnan(distances))
    assert found.folds.mean == expected.mean
    assert found.as_json()["dropped"] == 1
    assert found.interval is None  # Nobody is named.


def test_the_plainest_mistakes_come_first():
    told = made_pairs([0.1, 0.2, 0.3, 0.8, 0.9, 0.15], [0.7, 0.95, 0.25, 1.0, 0.05, 0.85])
    distances = np.array([0.1, 0.2, 0.3, 0.8, 0.9, 0.15, 0.7, 0.95, 0.25, 1.0, 0.05, 0.85])
    found = score.score(distances, told, resamples=20, seed=0)
    # By how far each is on the wrong side of the threshold that decided it.
    beyond = distances - found.folds.thresholds[told.fold]
    accepted = sorted(np.flatnonzero(~told.same & (beyond <= 0)), key=lambda row: beyond[row])
    rejected = sorted(np.flatnonzero(told.same & (beyond > 0)), key=lambda row: -beyond[row])
    assert score.worst(found, told, accepted=True, count=9).tolist() == accepted
    assert score.worst(found, told, accepted=False, count=1).tolist() == rejected[:1]
    assert len(accepted) >= 2


def test_a_missing_side_has_no_distance():
    told = made_pairs([1.0], [1.0])
    vectors = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0], [0.0, 2.0]])
    found = score.of_vectors(vectors, np.array([False, False, True, False]), told)
    assert found[0] == pytest.approx(1 - np.sqrt(0.5))
    assert np.isnan(found[1])


def test_what_is_fitted_never_sees_the_tested_fold():
    told = made_pairs([0.0] * 4, [0.0] * 4)
    seen = []

    def fit(things):
        seen.append(set(things.tolist()))
        return lambda rows: np.stack([np.ones(len(rows)), told.left[rows // 2] % 4], axis=1)

    score.fold_by_fold(fit, np.zeros(16, bool), told)
    for fold, things in enumerate(seen):
        rows = np.flatnonzero(told.fold == fold)
        assert not things & set(np.concatenate([told.left[rows], told.right[rows]]).tolist())
        assert len(things) == 8


def write_list(folder, text):
    for name in ("a/1.png", "b/1.png", "b/ä.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(folder / name)
    path = folder / "list.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_list_of_pairs(tmp_path):
    path = write_list(tmp_path, "# three pairs\na/1.png b/1.png 0 3\nb/1.png b/ä.png 1 4\n\n")
    found = pairs.listed(path, tmp_path)
    assert found.pictures.paths == ("a/1.png", "b/1.png", "b/ä.png")
    assert (found.left.tolist(), found.right.tolist()) == ([0, 1], [1, 2])
    assert (found.same.tolist(), found.fold.tolist()) == ([False, True], [3, 4])
    config = VerificationSettings(protocol="pairs", pairs=path, data=tmp_path)
    assert pairs.load(config).people.tolist() == ["a", "b", "b"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a/1.png b/1.png 2", "line 1: expected `left right 0-or-1"),
        ("a/1.png b/1.png", "line 1"),
        ("a/1.png b/1.png 1 x", "number of a fold"),
        ("a/1.png ../b/1.png 1", "line 1"),
        ("a/1.png b/1.png 1 2\na/1.png b/1.png 0", "in every row or in none"),
        ("", "found none"),
    ],
)
def test_lists_of_another_form(tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        pairs.listed(write_list(tmp_path, text), tmp_path)


def test_frames_of_a_video_are_pooled(tmp_path):
    random = np.random.default_rng(0)
    paths = [f"{who}/{video}/{frame}.png" for who in "ab" for video in "01" for frame in range(5)]
    for path in paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, (16, 16, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / path)
    record = VideoPairs(
        pictures=StoredPictures(Files(tmp_path), paths),
        video=np.arange(20) // 5,
        videos=("a/0", "a/1", "b/0", "b/1"),
        left=np.array([0, 2, 0, 1]),
        right=np.array([1, 3, 2, 3]),
        same=np.array([True, True, False, False]),
        fold=np.array([0, 1, 0, 1]),
        name="videos",
    )
    told = pairs._of_videos(record, 3)
    # Three of five frames, spread evenly.
    assert [path[-5] for path in told.pictures.paths[:3]] == ["0", "2", "4"]
    assert told.people.tolist() == ["a", "a", "b", "b"]
    pixels = keras.Input((16, 16, 3))
    embedder = FaceEmbedder(keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(pixels)))
    config = VerificationSettings(fixed_share=1.0, fixed_shift=0.0)
    found = embed.embed(told, embedder, None, "fixed", config, tmp_path / "cache")
    for video in range(4):
        frames = [
            np.asarray(told.pictures.open(row)) for row in np.flatnonzero(told.thing == video)
        ]
        means = np.array([frame.mean((0, 1)) for frame in frames])
        pooled = (means / np.linalg.norm(means, axis=1, keepdims=True)).sum(axis=0)
        np.testing.assert_allclose(found.vectors[video], pooled / np.linalg.norm(pooled), atol=1e-5)
    assert not found.missing.any()


def write_videos(folder):
    """YouTube Faces' layout: people of a colour each with two videos; one has no frames."""
    random = np.random.default_rng(0)
    names, splits = np.empty((2 * PEOPLE, 1), object), np.zeros((PEOPLE, 3, 2))
    for person, colour in enumerate(random.uniform(30, 225, (PEOPLE, 3))):
        for video in range(2):
            row = 2 * person + video
            names[row, 0] = f"P{chr(97 + person)}/{video}"
            for frame in range(0 if row == 1 else 3):
                pixels = np.clip(colour + random.normal(0, 12, (40, 40, 3)), 0, 255)
                path = folder / "frame_images_DB" / names[row, 0] / f"{video}.{frame}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels.astype(np.uint8)).save(path)
        fold, place = divmod(person, PEOPLE // 2)
        other = (2 * person + 3) % (2 * PEOPLE)
        # Videos are counted from 1.
        splits[2 * place : 2 * place + 2, :, fold] = [
            [2 * person + 1, 2 * person + 2, 1],
            [2 * person + 1, other + 1, 0],
        ]
    savemat(folder / "meta_and_splits.mat", {"video_names": names, "Splits": splits})
    return folder


def test_videos_are_verified_and_one_without_frames_is_dropped(tmp_path, model):
    data = write_videos(tmp_path / "ytf")
    done = call(
        "--protocol", "youtube", "--data", data, "--model", model, "--laying", "fixed",
        "--resamples", 20, "--fixed-share", 0.8, "--out", tmp_path / "out",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    fixed = result["scores"]["fixed"]
    # Of the video without frames, one pair of each kind.
    assert (fixed["scored"], fixed["dropped"]) == (2 * PEOPLE - 2, 2)
    assert fixed["accuracy"] > 0.85
    assert len(fixed["fold_accuracies"]) == 2
    assert fixed["interval_95"] is not None
    assert set(result["baselines"]) >= {"raw pixels", "LBPH"}
    # Nothing is chosen on pairs that are reported.
    assert result["saved"] is None


def test_view_2_reports_the_first_way_of_laying_and_saves_nothing(tmp_path, model):
    data = write_lfw(tmp_path / "data")
    rows = (data / "pairsDevTest.txt").read_text().splitlines()[1:]
    half = PEOPLE // 2
    same, different = rows[:PEOPLE], rows[PEOPLE:]
    folds = [*same[:half], *different[:half], *same[half:], *different[half:]]
    (data / "pairs.txt").write_text("\n".join([f"2\t{half}", *folds]) + "\n")
    done = call(
        "--protocol", "view2", "--data", data, "--model", model, "--laying", "fixed",
        "--no-baselines", "--resamples", 20, "--fixed-share", 0.8, "--out", tmp_path / "out",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["reported"], result["saved"]) == ("fixed", None)
    assert len(result["scores"]["fixed"]["fold_accuracies"]) == 2
    assert "FaceNet (Schroff et al. 2015)" in (tmp_path / "out" / "report.html").read_text()


def test_a_list_of_pairs_of_nobody_in_particular(tmp_path, model):
    """As CFP's pictures lie: two folders a person, so that no folder says who it is."""
    random, rows = np.random.default_rng(0), []
    for person, colour in enumerate(random.uniform(30, 225, (PEOPLE, 3))):
        for kind in ("frontal", "profile"):
            path = tmp_path / "cfp" / f"{person:03d}" / kind / "01.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.clip(colour + random.normal(0, 12, (40, 40, 3)), 0, 255)
            Image.fromarray(pixels.astype(np.uint8)).save(path)
        other = (person + 1) % PEOPLE
        rows.append(f"{person:03d}/frontal/01.jpg {person:03d}/profile/01.jpg 1")
        rows.append(f"{person:03d}/frontal/01.jpg {other:03d}/profile/01.jpg 0")
    (tmp_path / "list.txt").write_text("\n".join(rows))
    done = call(
        "--protocol", "pairs", "--pairs", tmp_path / "list.txt", "--data", tmp_path / "cfp",
        "--model", model, "--laying", "fixed", "--fixed-share", 0.8, "--out", tmp_path / "out",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["scores"]["fixed"]["accuracy"] > 0.85
    assert result["scores"]["fixed"]["interval_95"] is None
    assert len(result["scores"]["fixed"]["fold_accuracies"]) == 10
    assert set(result["baselines"]) >= {"raw pixels", "LBPH"}


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.skipif(DATA is None, reason="needs SIMLEARN_DATA")
def test_published_weights_reach_their_accuracy_on_view_1(tmp_path):
    root = Path(DATA or "")
    done = subprocess.run(
        [
            *COMMAND, "--data", str(root / "lfw"), "--out", str(tmp_path), "--no-baselines",
            "--model", str(root / "weights" / "mobilefacenet.npz"),
        ],
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    scores = json.loads(done.stdout.splitlines()[-1])["scores"]
    assert scores["fixed"]["accuracy"] >= 0.97
    assert scores["aligned"]["accuracy"] >= 0.985
