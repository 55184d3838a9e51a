"""`python -m caption.metrics`: what it prints, and how it fails."""

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from caption import metrics
from caption.metrics._command import _Progress, main
from caption.metrics._output import as_json

ENVIRONMENT = {"PYTHONPATH": ":".join([str(Path(__file__).parents[3]), *filter(None, sys.path)])}
REFERENCES = [
    {"image_id": key, "caption": text}
    for key, text in [(42, "a dog runs on grass"), (42, "a brown dog"), (7, "the cat"), (3, "hi")]
]
HYPOTHESES = [
    {"image_id": key, "caption": text} for key, text in [(7, "a cat"), (3, "hi"), (42, "a dog")]
]
OTHER = [{"image_id": key, "caption": text} for key, text in [(3, "h"), (7, "cat"), (42, "dog")]]


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, content in (("refs", REFERENCES), ("hyps", HYPOTHESES), ("other", OTHER)):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["--tokenized", *arguments])
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return call


def test_the_last_line_is_json(call):
    status, out, err = call("refs.json", "hyps.json")
    assert (status, err) == (0, "")
    result = json.loads(out.splitlines()[-1])
    expected = metrics.score(
        [["a dog runs on grass", "a brown dog"], ["the cat"], ["hi"]],
        ["a dog", "a cat", "hi"],
        tokenize=str.split,
    )
    assert result["scores"] == expected.corpus
    assert result["signatures"] == expected.signatures
    assert result["images"] == 3
    assert f"rouge_l    {expected.corpus['rouge_l']:.4f}" in out
    assert expected.signatures["bleu"] in out.splitlines()


def test_json_alone(call):
    _, out, _ = call("refs.json", "hyps.json", "--json", "--metrics", "bleu", "diversity")
    (line,) = out.splitlines()
    result = json.loads(line)
    assert list(result["scores"]) == ["bleu_1", "bleu_2", "bleu_3", "bleu_4"]
    # a dog, a cat, hi
    assert result["diversity"]["vocabulary"] == 4
    assert result["diversity"]["distinct_1"] == 4 / 5
    assert result["diversity"]["lengths"] == {"1": 1, "2": 2}
    assert result["diversity"]["novel"] is None


def test_diversity_alone_and_beside_the_training_captions(call, tmp_path):
    (tmp_path / "train.txt").write_text("a dog\thi\nx\n")
    _, out, _ = call("refs.json", "hyps.json", "--metrics", "diversity", "--training", "train.txt")
    assert json.loads(out.splitlines()[-1])["diversity"]["novel"] == pytest.approx(1 / 3)


def test_each_image(call, tmp_path):
    call("refs.json", "hyps.json", "--per-image", "each.json")
    records = json.loads((tmp_path / "each.json").read_text())
    assert [record["image_id"] for record in records] == [42, 7, 3]
    assert records[2]["caption"] == "hi"
    assert (records[1]["bleu_1"], records[2]["rouge_l"]) == (0.5, 1.0)


def test_two_systems(call):
    status, out, _ = call("refs.json", "hyps.json", "--compare", "other.json", "--resamples", "50")
    assert status == 0
    found = json.loads(out.splitlines()[-1])["comparison"]["rouge_l"]
    assert found["difference"] == found["other_score"] - found["score"] < 0
    low, high = found["difference_interval"]
    assert low <= found["difference"] <= high
    assert found["interval"][0] <= found["score"] <= found["interval"][1]
    assert found["other_interval"][0] <= found["other_score"] <= found["other_interval"][1]
    assert 1 / 51 <= found["p_value"] <= 1
    assert "difference -" in out


def test_some_images_and_blank_captions_as_the_evaluation_has_them(call, tmp_path):
    (tmp_path / "list.txt").write_text("42\n3\n")
    hypotheses = [record for record in HYPOTHESES if record["image_id"] != 7]
    hypotheses[0] = {"image_id": 3, "caption": ""}
    (tmp_path / "hyps.json").write_text(json.dumps(hypotheses))
    status, _, err = call("refs.json", "hyps.json", "--images", "list.txt")
    assert (status, err) == (
        2,
        "hyps.json: [0]: image 3: expected a caption, and received ''\n",
    )
    status, out, _ = call("refs.json", "hyps.json", "--images", "list.txt", "--compat", "coco")
    assert status == 0
    assert json.loads(out.splitlines()[-1])["images"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("refs.json", "gone.json"), "gone.json: expected a file to read: No such file"),
        (("refs.json", "refs.json"), r"refs.json: \[1\]: image 42: expected each image once"),
        (("hyps.json", "part.json"), "part.json: expected a hypothesis for every image of hyps"),
        (("part.json", "hyps.json"), r"hyps.json: \[1\]: image 3: expected an image that has"),
        (("part.json", "part.json"), "part.json: expected at least 2 images for cider_d, got 1"),
        (("refs.json", "hyps.json", "--compare", "part.json"), "part.json: expected a hypothesis"),
        (("refs.json", "hyps.json", "--metrics", "spice"), "spice: expected --spice-jar"),
        (("refs.json", "hyps.json", "--compare", "other.json", "--resamples", "0"), "resamples: "),
        (("refs.json", "gone.json", "--per-image", "no/f.json"), "no/f.json: .* no is not there"),
        (("refs.json", "gone.json", "--per-image", "."), r"^\.: .*: that is a folder"),
        (("refs.json", "gone.json", "--per-image", os.devnull), "null: .*no regular file"),
        (("refs.json", "gone.json", "--seed", "1"), "--seed: expected --compare too"),
        (("refs.json", "gone.json", "--resamples", "9"), "--resamples: expected --compare too"),
        (
            ("refs.json", "gone.json", "--compare", "x", "--seed", "-1"),
            "seed: .* at least 0, got -1",
        ),
        (("refs.json", "gone.json", "--training", "x"), "--training: .* with diversity, got bleu"),
        (("refs.json", "gone.json", "--spice-jar", "x"), "--spice-jar: expected --metrics with sp"),
        (("refs.json", "gone.json", "--meteor-data", "x"), "--meteor-data: .* with meteor"),
    ],
)
def test_bad_input_ends_in_one_line(call, tmp_path, arguments, message):
    (tmp_path / "part.json").write_text(json.dumps(HYPOTHESES[:1]))
    status, out, err = call(*arguments)
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert re.search(message, err)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_one_line(call, tmp_path):
    command = [sys.executable, "-m", "caption.metrics", "refs.json", "hyps.json", "--tokenized"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
        )
    assert done.returncode == 2
    assert done.stderr == "cannot read or write the output: No space left on device\n"


def test_what_is_no_number_is_null():
    scores = {"spice": math.nan, "rest": [1.5, math.inf, {"a": 1}]}
    assert json.loads(as_json(scores)) == {"spice": None, "rest": [1.5, None, {"a": 1}]}
    assert "NaN" not in as_json(scores)


def test_progress_is_said_after_two_seconds(capsys, monkeypatch):
    times = iter([0.0, 1.0, 2.5, 3.0])
    monkeypatch.setattr("caption.metrics._command.time.monotonic", lambda: next(times))
    progress = _Progress("hyps.json", "captions aligned by METEOR")
    for done in (50, 100, 150):
        progress(done, 200)
    assert capsys.readouterr().err == "hyps.json: 100 of 200 captions aligned by METEOR\n"


def test_it_loads_neither_tensorflow_nor_nltk(tmp_path):
    for name, content in (("refs", REFERENCES), ("hyps", HYPOTHESES)):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    code = (
        "import sys; from caption.metrics._command import main\n"
        "try: main(['refs.json', 'hyps.json', '--tokenized'])\n"
        "finally: print(sorted({'tensorflow', 'keras', 'nltk', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
