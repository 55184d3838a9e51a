"""The training of face embeddings, in small, on rendered people."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from experiments import _faces
from experiments.facenet import data, train
from experiments.facenet import run as experiment
from experiments.facenet.config import FacenetSettings
from simlearn import losses
from simlearn.errors import UserError
from simlearn.faces import Cropped, FaceEmbedder, FaceModel, FoundFaces

COMMAND = [sys.executable, "-m", "experiments.facenet"]


def call(*arguments):
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=900
    )


def settings(**changes):
    small = {"layout": "rendered", "rendered_people": 14, "rendered_pictures": 3, "size": 32}
    return FacenetSettings(**(small | {"people_per_batch": 4, "dim": 8} | changes))


def test_parts_share_nobody_and_lose_nobody(tmp_path):
    parts = data.parts(settings(), tmp_path)
    people = [set(part.labels.tolist()) for part in parts]
    assert sum(map(len, people)) == len(set().union(*people)) == 14
    assert [len(p) for p in people] == [7, 3, 4]
    other = data.parts(settings(seed=1), tmp_path)
    assert set(other.test.labels.tolist()) != people[2]


def test_folders_of_people_are_read(tmp_path):
    for person in range(10):
        for number in range(2):
            path = tmp_path / f"p{person}" / f"{number}.png"
            path.parent.mkdir(exist_ok=True)
            Image.new("RGB", (40, 60), (person * 20, number, 0)).save(path)
    config = settings(layout="folders", data=tmp_path, validation_share=0.3)
    parts = data.parts(config, tmp_path.parent / "cache")
    assert parts.train.images.shape[1:] == (32, 32, 3)
    assert sum(map(len, parts)) == 20
    with pytest.raises(UserError, match="found nothing"):
        data.people(settings(layout="orl", data=tmp_path / "gone"), tmp_path)
    with pytest.raises(UserError, match="less than 1 together"):
        data.parts(settings(validation_share=0.6, test_share=0.5), tmp_path)
    with pytest.raises(UserError, match="at least 3 people"):
        data.parts(settings(validation_share=0.05), tmp_path)


def test_interleaved_triplets_are_the_explicit_ones():
    rows = np.random.default_rng(0).normal(size=(12, 5)).astype(np.float32)
    loss = train.InterleavedTriplets(margin=0.7)
    expected = losses.triplet_loss(rows[0::3], rows[1::3], rows[2::3], margin=0.7)
    found = loss(np.zeros(12, np.int64), rows)
    assert float(found) == pytest.approx(float(np.mean(expected)), rel=1e-5)


def test_offline_triplets_are_mined_once_an_epoch_and_kept(tmp_path):
    config = settings()
    people = data.parts(config, tmp_path).train
    model = train.network(config)
    plan = train._Mined(model, people, config, tmp_path)
    rows = plan(0)
    assert rows.shape == (plan.steps, 3 * (config.people_per_batch * 4 // 3))
    triplets = people.labels[rows.reshape(-1, 3)]
    assert (triplets[:, 0] == triplets[:, 1]).all()
    assert (triplets[:, 0] != triplets[:, 2]).all()
    # With other weights epoch 0 stays as it was, and epoch 1 is mined by them.
    keras.utils.set_random_seed(7)
    other = train._Mined(train.network(config), people, config, tmp_path)
    np.testing.assert_array_equal(other(0), rows)
    # The negative is the nearest of another person, by a naive search.
    vectors = train.embed(model, people.images)
    for anchor, positive, negative in rows.reshape(-1, 3)[:5]:
        distances = np.linalg.norm(vectors - vectors[anchor], axis=1)
        others = people.labels != people.labels[anchor]
        assert distances[negative] == pytest.approx(distances[others].min(), abs=1e-5)
        assert distances[positive] == pytest.approx(distances[~others].max(), abs=1e-5)


def test_networks_of_one_and_three_crops():
    for crops in (1, 3):
        model = train.network(settings(crops=crops, size=48))
        assert model.output_shape == (None, 8)
        assert model.input_shape == (None, 48, 48, 3)


def mean_colour():
    pixels = keras.Input((8, 8, 3))
    mean = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(pixels))
    return FaceEmbedder(keras.Model(pixels, mean), placing=Cropped())


def unit(rows):
    rows = np.asarray(rows, float)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_what_is_compared_sees_the_whole_pictures_of_the_same_people(tmp_path, monkeypatch):
    """Each picture is of a colour of its own at the left, and white at the right."""
    colours = np.random.default_rng(0).integers(0, 200, (20, 3))
    for row, colour in enumerate(colours):
        path = tmp_path / "people" / f"p{row // 2}" / f"{row % 2}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((60, 90, 3), 255, np.uint8)
        pixels[:, :55] = colour
        Image.fromarray(pixels).save(path)

    class LeftPatch:
        fingerprint = "left patch"

        def __init__(self, min_face):
            pass

        def find(self, pictures):
            box = np.array([[5, 10, 45, 50, 0.9, *range(10)]])
            # In those that are rather red it finds nothing: they are laid as the others.
            return FoundFaces.gathered([box[: int(p[30, 20, 0] < 150)] for p in pictures])

    monkeypatch.setattr(_faces.faces, "MtcnnDetector", LeftPatch)
    mean_colour().save(tmp_path / "other")
    given = {"layout": "folders", "data": tmp_path / "people", "validation_share": 0.3}
    config = settings(**given, compare=tmp_path / "other", share=0.5)
    test = data.parts(config, tmp_path / "cache").test
    assert (colours[test.ids, 0] >= 150).any()
    found = experiment._compared(config, tmp_path / "cache")(test)
    np.testing.assert_allclose(found, unit(colours[test.ids]), atol=1e-3)
    # The fixed box is of the pixels that are trained on, of which few are patch.
    config = settings(**given, compare=tmp_path / "other", share=0.5, compare_laying="fixed")
    fixed = experiment._compared(config, tmp_path / "cache")(test)
    assert np.abs(fixed - unit(colours[test.ids])).max() > 0.05


def test_no_face_in_any_picture():
    with pytest.raises(UserError, match="found none in 3"):
        _faces.one_each(FoundFaces.none(3))


@pytest.mark.parametrize(
    "changes",
    [{"crops": 2}, {"epochs": 0, "warm_epochs": 0}, {"backbone": "inception-resnet"},
     {"layout": "casia"}, {"margin": 0.0}],
)  # fmt: skip
def test_settings_that_cannot_work(changes):
    with pytest.raises(UserError, match="expected"):
        settings(**changes).check()


@pytest.mark.slow
@pytest.mark.parametrize("mining", ["semi-hard", "offline"])
def test_it_trains_scores_saves_and_resumes(tmp_path, mining):
    options = ["--smoke", "--layout", "rendered", "--mining", mining, "--out", tmp_path]
    done = call(*options, "--epochs", 2)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert set(result["scores"]) == {"eigenfaces", "Fisherfaces", "network"}
    assert "rendered" in result["protocol"]
    assert 0 <= result["scores"]["network"]["auc"] <= 1
    model = FaceModel.load(tmp_path)
    assert model.threshold is not None
    assert "validation" in model.threshold.data
    assert (tmp_path / "report.html").exists()
    again = call(*options, "--epochs", 2)
    assert json.loads(again.stdout.splitlines()[-1]) == result
