"""The training of face embeddings, in small, on rendered people."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from experiments.facenet import data, train
from experiments.facenet.config import FacenetSettings
from simlearn import losses
from simlearn.errors import UserError
from simlearn.faces import FaceModel

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
