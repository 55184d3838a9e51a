"""`simlearn review`: what it lists of a folder that was labelled."""

import numpy as np
import pytest
from PIL import Image

from simlearn import backbones, landmarks, models
from simlearn.data.records import Landmark
from simlearn.errors import UserError
from simlearn.labelling._review_command import run
from simlearn.landmarks import Plan, Stage


@pytest.fixture
def folder(tmp_path):
    """Six pictures with two eyes and a nose; the fourth's nose lies right of its picture."""
    random = np.random.default_rng(0)
    rows = ["image,status,left_eye_x,left_eye_y,right_eye_x,right_eye_y,nose_x,nose_y"]
    for number in range(6):
        pixels = random.integers(0, 256, (40, 60, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        nose = 65 if number == 3 else 30
        rows.append(f"{number}.png,done,{20 + number},15,{40 + number},15,{nose},25")
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def listed(folder, capsys, *arguments):
    assert run([str(folder), "--data-set", "clicked", "--list", *arguments], prog="review") == 0
    return capsys.readouterr().out.splitlines()


def test_points_outside_their_pictures_are_listed(folder, capsys):
    before = (folder / "labels.csv").read_bytes()
    record, counts, *doubts = listed(folder, capsys)
    assert "6 pictures" in record
    assert counts == "0 error, 0 swapped, 1 outside, 0 duplicate"
    assert doubts == [f"outside\t5.000\t{folder / '3.png'}\tnose lies 5.0 pixels outside"]
    assert (folder / "labels.csv").read_bytes() == before


def test_a_model_of_other_points_is_refused(folder, tmp_path):
    shape = ((-1.0, 0.0), (1.0, 0.0), (0.0, 1.0))
    points = tuple(Landmark(name, place) for place, name in enumerate(("nose", "chin", "brow")))
    plan = Plan(points, (), shape, Stage(side=32, channels=1, extent=5.0))
    network = models.landmarks(backbones.landmark_cnn((32, 32, 1), units=4), 3)
    path = tmp_path / "other.landmarks"
    landmarks.save(landmarks.Predictor(plan, network), path)
    with pytest.raises(UserError, match="points left_eye, right_eye, nose, received one of nose"):
        run([str(folder), "--data-set", "clicked", "--list", "--model", str(path)], prog="review")
