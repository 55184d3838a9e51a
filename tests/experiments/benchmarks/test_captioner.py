"""The benchmark of the captioner: itself in small, without peers, its problem and its tables."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from caption.vocabulary import END, PAD, START, UNKNOWN
from experiments.benchmarks.captioner import compare, problem
from experiments.benchmarks.captioner.config import CaptionerSettings

COMMAND = [sys.executable, "-m", "experiments.benchmarks.captioner"]
WORKERS = Path(compare.__file__).parent / "workers"
OURS = {"rate": 20.0, "cpu": 0.004, "memory": 100e6, "peak": 300e6, "differs": {"logits": 0.0}}


def call(*arguments):
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=600
    )


def test_it_measures_us():
    done = call("--smoke", "--json", "--threads", 1)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout.splitlines()[-1])["results"]
    assert set(results) == {"tiny"}
    for task in ("training", "beam"):
        ours = results["tiny"][task]["ours"]
        assert 0 < ours["slowest"] <= ours["rate"] <= ours["fastest"]
        assert set(ours["differs"].values()) == {0.0}
        assert re.search(rf"^tiny +{task} +ours +\d", done.stdout, re.MULTILINE)


def test_captions_are_like_captions():
    size = problem.SIZES["coco"]
    found = problem.captions_of(size, 300, np.random.default_rng(3))
    tokens, targets = found["tokens"], found["targets"]
    assert tokens.shape == targets.shape == (300, problem.CAPTIONS, targets.shape[-1])
    assert (tokens[..., 0] == START).all()
    assert ((tokens != PAD) == (targets != PAD)).all()
    words = (targets > UNKNOWN).sum(axis=-1)
    # Of 1500 captions the mean is off by 2.4 / sqrt(1500) = 0.06, in one deviation.
    assert abs(words.mean() - 10.5) < 0.3
    assert words.max() <= problem.LONGEST
    assert ((targets == END).sum(axis=-1) == 1).all()
    for row, count in zip(targets.reshape(1500, -1), words.ravel(), strict=True):
        assert row[count] == END
    for read, said in zip(tokens.reshape(1500, -1), targets.reshape(1500, -1), strict=True):
        inside = read[1:] != PAD
        assert (read[1:][inside] == said[:-1][inside]).all()
    said = targets[targets > UNKNOWN]
    first, tenth = (said == UNKNOWN + 1).mean(), (said == UNKNOWN + 10).mean()
    # A tenth as often; of 15,000 words 10 % and 1 % are the first and the tenth.
    assert 7 < first / tenth < 14
    assert targets.max() < size.vocabulary


def test_pictures_differ():
    features = problem.features_of(problem.SIZES["tiny"], 5, np.random.default_rng(3))
    assert features.min() == 0.0
    means = features.mean(axis=1)
    assert min(np.ptp(means, axis=0)) > 0.3


def test_one_unit_counts_words_and_ends_the_caption():
    size = problem.SIZES["tiny"]
    weights = problem.weights_of(size, np.random.default_rng(3))
    width = size.width
    i, f, o, g = (weights["lstm_bias"][gate * width] for gate in range(4))
    # Gates that are open for good, and a tenth more at each word: its cell is 0.1 t.
    assert (i, f, o) == (20, 20, 20)
    assert np.tanh(g) == pytest.approx(0.1)
    for name in ("lstm", "recurrent"):
        assert not weights[name][:, [gate * width for gate in range(4)]].any()
    hidden = np.tanh(0.1 * np.arange(1, 20))
    seen = np.tanh(weights["output"][0, 0] * hidden + weights["output_bias"][0])
    towards_end = seen * weights["next_word"][0, END]
    # Behind nine words END is unlikelier than by chance, behind ten likelier.
    assert towards_end[8] < 0 < towards_end[9]
    assert np.flatnonzero(weights["next_word"][0]).tolist() == [END]
    assert (weights["next_word_bias"][[PAD, START, UNKNOWN]] < -1e8).all()


def test_differences_are_of_the_largest_number_above_one():
    one = {"logits": np.array([[4.0, -1e9]]), "words": np.array([[5, 6], [7, 0]])}
    other = {"logits": np.array([[4.02, -1e9]]), "words": np.array([[5, 6], [8, 0]])}
    found = compare.difference(one, other)
    assert found == {"logits": pytest.approx(0.02 / 4.0), "words": 0.5}
    assert compare.difference({"words": one["words"]}, {"words": one["logits"]}) == {
        "words": float("inf")
    }


def test_ratios_are_ours_over_theirs():
    slow = OURS | {"rate": 5.0, "cpu": 0.006, "peak": 150e6, "slowest": 4.0, "fastest": 6.0}
    ours = OURS | {"slowest": 19.0, "fastest": 21.0}
    found = compare.compared({"ours": ours, "plain": slow, "batched": {"error": "too slow"}})
    assert [found["plain"][k] for k in ("rate_ratio", "cpu_ratio", "peak_ratio")] == [4.0, 1.5, 0.5]
    lines = compare.table({"coco": {"beam": found}}).splitlines()
    assert lines[2].split()[:10] == [
        *("coco", "beam", "plain", "5.0", "4.0", "6.0", "4.00", "3.0", "6.00", "1.50")
    ]
    assert lines[3].split() == ["coco", "beam", "batched", "too", "slow"]
    assert compare.complaints("beam", found) == []


def test_what_is_not_the_same_is_a_complaint():
    found = {
        "ours": OURS,
        "plain": OURS | {"differs": {"words": 0.25, "scores": 1e-6, "attention": float("nan")}},
        "batched": {"error": "ended with status 1"},
    }
    lines = compare.complaints("beam", found)
    assert [line.split(" differ")[0] for line in lines] == [
        "beam, plain: words",
        "beam, plain: attention",
        "beam, batched: ended with status 1",
    ]


def test_processes_are_summed_up_by_their_medians_and_largest_memory():
    answers = [
        OURS | {"rate": r, "cpu": c, "memory": m, "peak": 2 * m}
        for r, c, m in ((3.0, 1.0, 5.0), (9.0, 8.0, 7.0), (4.0, 2.0, 6.0))
    ]
    summed = compare.summary(answers)
    assert [summed[k] for k in ("slowest", "rate", "fastest")] == [3.0, 4.0, 9.0]
    assert (summed["cpu"], summed["memory"], summed["peak"]) == (2.0, 7.0, 14.0)
    assert compare.summary([*answers, {"error": "ended"}]) == {"error": "ended"}


@pytest.mark.parametrize("script", sorted(WORKERS.glob("*.py")), ids=lambda path: path.stem)
def test_peers_do_not_import_us(script):
    imports = re.findall(r"^\s*(?:from|import) (\w+)", script.read_text(), re.MULTILINE)
    assert ("caption" in imports) == (script.stem == "ours")
    assert ("torch" in imports) == script.stem.startswith("torch_")
    assert "experiments" not in imports


def test_every_target_is_of_something_that_is_measured():
    settings = CaptionerSettings()
    assert set(compare.TARGETS) == set(settings.tasks) == set(compare.UNITS)
    for peers in compare.TARGETS.values():
        assert set(peers) <= set(settings.peers)


def test_bad_input_ends_in_one_line():
    done = call("--beams", 0)
    assert done.returncode == 2
    # A busy machine is warned of on a line before.
    assert "--beams" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
