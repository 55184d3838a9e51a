"""The landmark experiment on rendered faces, and on files as the data sets lay them out."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest

from experiments.mtfl_landmarks import data, evaluate, present, train
from experiments.mtfl_landmarks.config import LandmarkSettings
from experiments.mtfl_landmarks.evaluate import Outcome
from simlearn import landmarks, metrics
from simlearn.data import clicked, mtfl
from simlearn.data.clicked import Clicked
from simlearn.data.records import Landmark
from simlearn.data.rendered import faces
from simlearn.errors import UserError
from simlearn.labelling import Labels, landmarks_of, write_decisions
from simlearn.landmarks import Prediction


def settings(**changes):
    return replace(LandmarkSettings(rendered=40, validation=8), **changes)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mtfl")
    faces.write_mtfl(folder, train=30, test=10, seed=0, size=48)
    return folder


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "experiments.mtfl_landmarks", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=900,
        env=os.environ,
    )


def test_validation_rows_are_held_out_of_the_training_rows(root):
    config = settings(data=root)
    parts = data.parts(config)
    training, validation = parts.training.ids, parts.validation.ids
    assert (len(training), len(validation), len(parts.scored)) == (22, 8, 10)
    assert not set(training) & set(validation)
    assert sorted([*training, *validation]) == list(range(30))
    # The same for every seed: runs with several seeds learn from the same faces.
    assert data.parts(replace(config, seed=5)).training.ids.tolist() == training.tolist()


def test_ids_of_rendered_faces_never_meet():
    parts = data.parts(settings())
    assert [len(part) for part in parts] == [32, 8, 8]
    assert len({*parts.training.ids, *parts.validation.ids, *parts.scored.ids}) == 48


def test_rows_to_drop_or_fix_are_left_out(root, tmp_path):
    parts = data.parts(settings(data=root))
    path = tmp_path / "decisions.csv"
    write_decisions(path, parts.training, {3: "drop", 4: "keep", 5: "fix"})
    again = data.parts(settings(data=root, decisions=path))
    left = {*again.training.ids.tolist(), *again.validation.ids.tolist()}
    assert left == set(range(30)) - {3, 5}


def test_rare_poses_are_drawn_more_often():
    record = faces.landmarks(60, size=32)
    pose = record.attribute("pose")
    counts = np.bincount(pose, minlength=5)
    shares = data.shares(record, settings(pose_balance=1.0))
    assert shares.sum() == pytest.approx(1.0)
    for value in np.unique(pose):  # Balanced: each pose has the same share in all.
        assert shares[pose == value].sum() == pytest.approx(1 / np.count_nonzero(counts))
    flat = data.shares(record, settings(pose_balance=0.0))
    assert np.ptp(flat) == pytest.approx(0.0)


def test_clicked_pictures_are_split_and_read(tmp_path):
    pictures = faces.landmarks(20, size=32)
    from PIL import Image

    for row in range(20):
        Image.fromarray(pictures.pictures.images[row]).save(tmp_path / f"{row:02}.png")
    labels = Labels(tmp_path, landmarks_of("eyes,nose"))
    for row in range(20):
        points = tuple((float(x), float(y)) for x, y in pictures.points[row, :3])
        labels.set(row, Clicked("done", points))
    parts = data.parts(settings(data=tmp_path, data_set="clicked", validation=4))
    assert [len(part) for part in parts] == [14, 4, 2]
    assert parts.training.landmarks == clicked.load(tmp_path).landmarks
    assert data.shares(parts.training, settings()).tolist() == [1 / 14] * 14


def test_too_many_held_out_rows_are_one_error(root):
    with pytest.raises(UserError, match="--validation up to half of the 30"):
        data.parts(settings(data=root, validation=16))


def test_a_tenth_is_held_out_by_default(root):
    assert len(data.parts(settings(data=root, validation=None)).validation) == 3


def named(*names):
    mirrored = {"left_eye": "right_eye", "right_eye": "left_eye"}
    places = {name: place for place, name in enumerate(names)}
    points = tuple(Landmark(name, places[mirrored.get(name, name)]) for name in names)
    record = faces.landmarks(3, size=48)
    count = len(names)
    return replace(
        record,
        points=record.points[:, :count],
        visible=record.visible[:, :count],
        landmarks=points,
    )


def test_errors_are_over_the_distance_of_the_eyes_wherever_they_stand():
    assert data.scale(named("nose", "right_eye", "left_eye"), settings()) == (2, 1)
    assert data.scale(faces.landmarks(2, size=48), settings()) == (0, 1)
    # Points 1 and 2 it is where they are named, whatever they are.
    ends = data.scale(named("tail", "nose", "ear"), settings(scale=("nose", "ear")))
    assert ends == (1, 2)


def test_the_training_measures_over_the_eyes_too():
    record = named("nose", "right_eye", "left_eye")
    pixels = keras.Input((4,))
    nothing = keras.layers.Dense(6, kernel_initializer="zeros")(pixels)
    network = keras.Model(pixels, {"points": keras.layers.Reshape((3, 2))(nothing)})
    model = train.multi_task(network, record, settings(tasks="points"))
    model.compile("sgd")
    true = np.array([[[6.0, 8.0, 1.0], [3.0, 4.0, 1.0], [3.0, 24.0, 1.0]]], np.float32)
    found = model.test_on_batch(np.zeros((1, 4)), {"points": true}, return_dict=True)
    # The eyes are 20 apart; the first two points, 5.
    expected = np.mean(np.linalg.norm(true[0, :, :2], axis=1)) / 20
    assert found["points_error"] == pytest.approx(expected, rel=1e-5)
    assert found["points_loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "expected a left and a right eye among the points, .* of tail, nose, ear"),
        ({"scale": ("nose", "paw")}, "--scale as two of tail, nose, ear, received nose,paw"),
    ],
)
def test_points_without_eyes_need_a_scale(changes, message):
    with pytest.raises(UserError, match=message):
        data.scale(named("tail", "nose", "ear"), settings(**changes))


def test_faces_that_cannot_be_scored_are_one_error_before_the_training(root, monkeypatch):
    load = mtfl.load

    def without_eyes(path, split="train", **options):
        record = load(path, split, **options)
        return replace(record, visible=record.visible & [True, False, True, True, True])

    monkeypatch.setattr(data.mtfl, "load", without_eyes)
    with pytest.raises(UserError, match="none of 10 faces to be scored has both image_left_eye"):
        data.parts(settings(data=root))


def test_the_worst_face_is_by_its_known_points_alone(monkeypatch):
    found = outcome()
    errors = np.full((12, 5), 0.2)
    errors[3] = np.nan
    errors[7] = [0.4, *[np.nan] * 4]
    best = found.best._replace(errors=errors)
    shown = []
    monkeypatch.setattr(present, "Picture", lambda image, label: shown.append(label))
    monkeypatch.setattr(present.Report, "pictures", lambda self, rows, **options: None)
    present._add_worst(present.Report("T"), found._replace(methods={"near": best}))
    assert shown[0] == f"40 % (id {found.faces.ids[7]})"
    assert len(shown) == 11


def outcome():
    """Scores of points that are off by known amounts."""
    record = faces.landmarks(12, size=48, split="test")
    true = record.points.astype(float)
    near, far = true + np.array([1.0, -0.5]), true + 6.0
    methods = {
        "far": evaluate._score(record, far, (0, 1)),
        "near": evaluate._score(record, near, (0, 1)),
    }
    told = {
        one.name: metrics.attribute_scores(
            record.attribute(one.name), np.zeros(12, int), len(one.values)
        )
        for one in record.attributes
    }
    empty = Prediction(near, {}, np.zeros(12))
    return Outcome(record, methods, empty, told)


def test_a_constant_offset_is_taken_off_in_the_second_figure():
    found = outcome()
    assert found.best is found.methods["near"]
    scores = found.best.as_json()
    scale = np.linalg.norm(found.faces.points[:, 0] - found.faces.points[:, 1], axis=1)
    assert scores["raw"]["mean_error_percent"] == pytest.approx(
        100 * np.mean(np.hypot(1.0, 0.5) / scale), abs=1e-2
    )
    assert scores["after_one_offset"]["mean_error_percent"] == pytest.approx(0.0, abs=1e-3)
    assert scores["offset_pixels"] == [1.0, -0.5]
    points = evaluate.by_point(found.best, found.faces)
    assert list(points) == [one.name for one in found.faces.landmarks]
    poses = evaluate.by_pose(found.best, found.faces)
    assert sum(raw.pictures for raw, _ in poses.values()) == 12


def test_tables_hold_majorities_beside_accuracies():
    found = outcome()
    for name, accuracy, majority, balanced, chance in present.attribute_rows(found):
        counts = np.bincount(found.faces.attribute(name))
        assert majority == pytest.approx(100 * counts.max() / 12)
        assert accuracy == pytest.approx(100 * counts[0] / 12)
        assert chance == pytest.approx(100 / np.count_nonzero(counts))
        # All of the first value are right, where there are any, and none of the others.
        assert balanced == pytest.approx(chance if counts[0] else 0.0)
    text = present.table(found)
    assert "near" in text
    assert "balanced" in text


def test_the_mean_shape_lies_in_the_middle_of_each_picture():
    shape = np.array([[-1.0, 0.0], [1.0, 0.0]])
    plan = landmarks.Plan(
        landmarks=(landmarks_of("eyes")),
        attributes=(),
        shape=tuple(map(tuple, shape.tolist())),
        coarse=landmarks.Stage(side=40, channels=1, extent=5.0),
    )

    class Fake:
        pass

    fake = Fake()
    fake.plan = plan
    placed = evaluate._mean_shape(np.array([[100.0, 50.0]]), fake)
    # A fifth of the longer side to either side of the middle, (49.5, 24.5).
    np.testing.assert_allclose(placed[0], [[29.5, 24.5], [69.5, 24.5]])


def test_settings_out_of_range_are_one_line():
    done = run("--fine-steps", "0")
    assert done.returncode == 2
    assert done.stderr.strip() == "expected --fine-steps of at least 1, received 0"


@pytest.mark.slow
def test_rendered_faces_go_through_the_whole_experiment_and_it_resumes(tmp_path):
    out = tmp_path / "run"
    done = run("--smoke", "--out", out)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["rendered"] is True
    assert result["protocol"].startswith("Rendered faces")
    assert set(result["scores"]) == {"mean shape", "first network", "both networks"}
    assert set(result["attributes"]) == {"gender", "smile", "glasses", "pose"}
    page = (out / "report.html").read_text()
    assert "Landmarks of rendered faces" in page
    assert "after one offset" in page
    predictor = landmarks.load(out / "faces.landmarks")
    assert not predictor.plan.flip
    record = faces.landmarks(2, size=64)
    assert predictor.predict(record.pictures).points.shape == (2, 5, 2)
    again = run("--smoke", "--out", out)
    assert "this run finished before" in again.stdout


@pytest.mark.slow
@pytest.mark.parametrize("weighting", ["uncertainty", "early_stopping"])
def test_files_and_every_weighting_go_through(root, tmp_path, weighting):
    done = run(
        *("--smoke", "--data", root, "--out", tmp_path / "run", "--weighting", weighting),
        *("--network", "tutorial", "--frame", "whole", "--loss", "wing", "--mirror"),
    )
    assert done.returncode == 0, done.stderr
    assert landmarks.load(tmp_path / "run" / "faces.landmarks").plan.flip
    result = json.loads(done.stdout.splitlines()[-1])
    assert set(result["scores"]) == {"mean shape", "network"}
    assert result["rendered"] is False
