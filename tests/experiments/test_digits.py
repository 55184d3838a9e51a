"""The digits experiment as a user runs it, in small; killed for real in the slow test."""

import json
import random
import re
import signal
import subprocess
import sys
import time

import pytest

COMMAND = [sys.executable, "-u", "-m", "experiments.digits"]


def run(*arguments, **options):
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=600,
        **options,
    )


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits") / "run"
    done = run("--smoke", "--out", folder)
    assert done.returncode == 0, done.stderr
    return folder, done


def test_stdout_ends_with_the_result_and_stderr_is_silent(smoke):
    folder, done = smoke
    result = json.loads(done.stdout.splitlines()[-1])
    assert result == json.loads((folder / "results.json").read_text())
    assert set(result["scores"]) == {"raw_pixels", "PCA", "LDA", "siamese", "triplet"}
    for scores in result["scores"].values():
        assert set(scores) == {"recall_at_1", "map_at_r", "auc", "eer", "accuracy"}
        assert all(0 < value <= 1 for value in scores.values())
    # The baseline does not depend on training: measured apart with a plain numpy loop.
    assert result["scores"]["raw_pixels"]["recall_at_1"] == pytest.approx(503 / 510)
    # No digit is in two parts; who wrote it, nobody can say.
    assert set(result["audit"]["parts"]) == {"train", "validation", "test"}
    shared = {(tuple(s["parts"]), s["kind"]): s["count"] for s in result["audit"]["shared"]}
    assert {count for (_, kind), count in shared.items() if kind in ("ids", "pixels")} == {0}
    assert "writers" in result["audit"]["not_checked"]
    assert done.stderr == ""


def test_the_report_is_one_file_with_every_part(smoke):
    html = (smoke[0] / "report.html").read_text()
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", html)
    for part in ("Scores", "Training", "siamese embedding", "triplet embedding", "Verification"):
        assert part in html


def test_tensorboard_finds_scalars_and_five_embeddings_with_sprites(smoke):
    folder = smoke[0]
    config = (folder / "projector_config.pbtxt").read_text()
    assert config.count("tensor_path") == 5
    assert config.count("image_path") == 5
    for path in re.findall(r'(?:tensor|metadata|image)_path: "(.*)"', config):
        assert (folder / path).is_file()
    assert len(list(folder.glob("*/logs/*/events*"))) == 4


def test_saved_embeddings_load_in_keras_and_give_unit_vectors(smoke):
    import keras
    import numpy as np

    # Keras finds the classes in a file once their modules are imported.
    import simlearn.heads
    import simlearn.losses  # noqa: F401
    from simlearn.data import digits

    model = keras.saving.load_model(smoke[0] / "triplet" / "embedding.keras")
    vectors = model.predict(digits.splits().test.images[:7], verbose=0)
    assert vectors.shape == (7, 8)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


def test_a_finished_run_answers_at_once(smoke):
    again = run("--smoke", "--out", smoke[0])
    assert again.returncode == 0
    assert again.stdout.splitlines()[-1] == smoke[1].stdout.splitlines()[-1]


def test_settings_that_do_not_fit_the_data_are_refused_before_any_training(tmp_path):
    # 30 pictures of a class are in the training part, but not in the validation part.
    done = run("--samples-per-class", 30, "--out", tmp_path)
    assert done.returncode == 2
    assert "10 classes" in done.stderr
    assert "Epoch" not in done.stdout


@pytest.mark.slow
def test_ten_kills_at_random_moments_change_nothing(tmp_path):
    settings = ("--epochs", 6, "--dim", 16)
    started = time.monotonic()
    whole = run(*settings, "--out", tmp_path / "whole")
    duration = time.monotonic() - started
    scores = json.loads(whole.stdout.splitlines()[-1])["scores"]
    moments = random.Random(1)
    kills, folder = 0, 0
    while True:
        # Short lives as well as long ones, so that imports, epochs and the report are all hit.
        process = subprocess.Popen(
            [*COMMAND, *map(str, settings), "--out", str(tmp_path / f"killed{folder}")],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            out, _ = process.communicate(
                timeout=moments.uniform(0, duration) if kills < 10 else 600
            )
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += 1
            continue
        assert process.returncode == 0
        assert json.loads(out.splitlines()[-1])["scores"] == scores
        if kills == 10:
            break
        folder += 1  # done before the tenth kill: the others hit another run


@pytest.mark.slow
def test_ctrl_c_ends_with_one_line_and_the_command_goes_on(tmp_path):
    process = subprocess.Popen(
        [*COMMAND, "--epochs", "4", "--out", str(tmp_path / "run")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stdout:
        if line.startswith("Epoch 2/"):
            process.send_signal(signal.SIGINT)
            break
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert err == f"interrupted; the same command goes on from {tmp_path / 'run'}\n"
    assert run("--epochs", 4, "--out", tmp_path / "run").returncode == 0
