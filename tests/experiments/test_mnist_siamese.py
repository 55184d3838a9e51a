"""The MNIST experiment on idx files made from scikit-learn's digits, enlarged to 28x28."""

import gzip
import json
import os
import struct
import subprocess
import sys

import numpy as np
import pytest

from simlearn.data import digits


def idx(values, magic):
    return struct.pack(f">{values.ndim + 1}i", magic, *values.shape) + values.tobytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("mnist")
    data = digits.splits()
    for name, part in {"train": data.train, "t10k": data.test}.items():
        enlarged = np.kron(part.images[..., 0], np.ones((1, 3, 3), np.uint8))
        pictures = np.pad(enlarged, ((0, 0), (2, 2), (2, 2)))
        labels = part.labels.astype(np.uint8)
        with gzip.open(root / f"{name}-images-idx3-ubyte.gz", "wb") as file:
            file.write(idx(pictures, 2051))
        (root / f"{name}-labels-idx1-ubyte").write_bytes(idx(labels, 2049))
    return root


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "experiments.mnist_siamese", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | environment,
    )


@pytest.mark.slow
def test_idx_files_go_through_the_whole_experiment(folder, tmp_path):
    out = tmp_path / "run"
    done = run("--smoke", "--data", folder, "--validation", 300, "--out", out)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert set(result["scores"]) == {"raw_pixels", "PCA", "LDA", "siamese", "triplet"}
    assert result["protocol"].startswith("MNIST, 300 to train, 300 to choose")
    assert (out / "report.html").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (),
            "{data}/mnist: expected a folder or zip with MNIST, and found nothing; python "
            "datasets/mnist/prepare.py --data {data} downloads it into {data}/mnist",
        ),
        (("--data", "nowhere"), "nowhere: expected a folder or zip with MNIST, and found nothing"),
        (("--data", "{data}"), "{data}: expected one of train-images"),
        (("--data", "{folder}", "--validation", 1029), "expected --validation between 1 and 1028"),
    ],
)
def test_data_that_does_not_fit_is_one_line(folder, tmp_path, arguments, message):
    filled = [str(a).format(folder=folder, data=tmp_path) for a in arguments]
    done = run(*filled, "--out", tmp_path / "run", SIMLEARN_DATA=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith(message.format(data=tmp_path))
    assert done.stderr.count("\n") == 1
