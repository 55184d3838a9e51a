"""The side-by-side benchmark: its table, its arithmetic, and itself in small, without peers."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.benchmarks import _processes as processes
from experiments.benchmarks.losses import case as cases
from experiments.benchmarks.losses import compare, environments, present
from experiments.benchmarks.losses.cases import CASES
from experiments.benchmarks.losses.compare import Row
from simlearn import addons, heads, losses

COMMAND = [sys.executable, "-m", "experiments.benchmarks.losses"]
WORKERS = Path(present.__file__).parent / "workers"
GENEROUS = processes.Limits(memory=8e9, seconds=200)


def run(*arguments):
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=600
    )


# Losses of explicit pairs and triplets, and what wraps other losses: peers have them, but a
# comparison would say nothing about mining.
NOT_MEASURED = {
    "ContrastiveLoss",
    "TripletLoss",
    "MinedTripletLoss",
    "StreamedLoss",
    # Of landmarks and attributes, not of embeddings.
    "AttributeLoss",
    "LandmarkL1Loss",
    "LandmarkNormalizedLoss",
    "LandmarkSmoothL1Loss",
    "LandmarkSquaredLoss",
    "LandmarkWingLoss",
}


def names(module, expression):
    return re.findall(rf"(?<!addons\.)\b{module}\.(\w+)", expression)


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
def test_the_table_names_what_exists(case):
    for module in (losses, heads, addons.losses):
        for name in names(module.__name__.removeprefix("simlearn."), case.ours):
            assert hasattr(module, name), name
    assert set(case.peers) <= set(cases.PEERS)
    assert set(case.differs) <= set(case.peers)
    for expression in (case.ours, case.streamed(5), *case.peers.values()):
        ast.parse(expression, mode="eval")


def test_the_table_has_every_loss_and_knows_which_can_be_streamed():
    exported = {name for name in losses.__all__ if name.endswith("Loss")}
    measured = {name for case in CASES.values() for name in names("losses", case.ours)}
    assert measured == exported - NOT_MEASURED
    for case in CASES.values():
        of_batch = [getattr(losses, name) for name in names("losses", case.ours)]
        assert case.streams == any(getattr(loss, "streams", False) for loss in of_batch), case.name


def test_every_peer_has_a_recipe_and_a_case():
    assert set(environments.RECIPES) == set(cases.PEERS)
    assert {peer for case in CASES.values() for peer in case.peers} == set(cases.PEERS)


@pytest.mark.parametrize("script", sorted(WORKERS.glob("*.py")), ids=lambda path: path.stem)
def test_what_runs_beside_peers_imports_neither_simlearn_nor_keras(script):
    imports = re.findall(r"^\s*(?:from|import) (\w+)", script.read_text(), re.MULTILINE)
    assert ("simlearn" in imports) == (script.stem == "ours")
    assert "keras" not in imports
    assert "experiments" not in imports


def row(subject, batch=8, **values):
    numbers = {"seconds": 1.0, "memory": 100, "value": 2.0, "gradient_norm": 3.0}
    return Row(loss="a", batch=batch, subject=subject, **numbers | values)


def test_ratios_are_peers_over_ours():
    ours, slow, other = compare.with_ratios(
        [
            row(cases.OURS, seconds=0.5, memory=200),
            row(cases.ADDONS, seconds=2.0, memory=50, value=2.0005, gradient_norm=3.3),
            row(cases.SIMILARITY, compared=False, value=7.0),
        ]
    )
    assert (ours.time_ratio, ours.memory_ratio, ours.value_difference) == (None, None, None)
    assert (slow.time_ratio, slow.memory_ratio) == (4.0, 0.25)
    # 0.0005 / 2.0005 and 0.3 / 3.3
    assert slow.value_difference == pytest.approx(2.49938e-4, rel=1e-5)
    assert slow.gradient_difference == pytest.approx(1 / 11)
    assert not slow.agrees
    assert (other.value_difference, other.agrees) == (None, True)


def test_without_ours_there_are_no_ratios():
    rows = [row(cases.OURS, status=compare.FAILED), row(cases.ADDONS)]
    assert compare.with_ratios(rows) == rows


def test_a_value_that_is_not_a_number_agrees_with_nothing():
    peer = compare.with_ratios([row(cases.OURS), row(cases.ADDONS, value=float("nan"))])[1]
    assert not peer.agrees


def test_the_summary_lists_the_rows_that_are_behind_the_best_peer():
    rows = [
        *compare.with_ratios(
            [
                row(cases.OURS),
                row(cases.XLA, seconds=5.0, memory=100),
                row(cases.ADDONS, seconds=0.5, memory=300, busy_elsewhere=0.06),
                row(cases.SENTENCE, seconds=0.25, memory=150),
                row(cases.METRIC_LEARNING, status="out of memory"),
            ]
        ),
        *compare.with_ratios(
            [
                row(cases.OURS, batch=16),
                row(cases.XLA, batch=16, seconds=4.0, memory=200),
                row(cases.ADDONS, batch=16, seconds=1.5, memory=60, value=2.5),
            ]
        ),
    ]
    found = compare.summary(rows)
    assert found["slower"] == [
        {"loss": "a", "batch": 8, "subject": cases.SENTENCE, "time_ratio": 0.25}
    ]
    assert found["heavier"] == [
        {"loss": "a", "batch": 16, "subject": cases.ADDONS, "memory_ratio": 0.6}
    ]
    assert [(r["batch"], r["time_ratio"]) for r in found["xla"]] == [(8, 5.0)]
    assert [(r["batch"], r["subject"]) for r in found["disagree"]] == [(16, cases.ADDONS)]
    assert [r["subject"] for r in found["disturbed"]] == [cases.ADDONS]
    assert [r["subject"] for r in found["not_measured"]] == [cases.METRIC_LEARNING]
    text = present.summary_text(found)
    assert "a, B=8, sentence-transformers: 0.25x" in text
    assert "a, B=16, tensorflow-addons: 2.0e-01, 0.0e+00" in text


def test_the_table_says_what_is_not_a_number():
    ours, peer = compare.with_ratios(
        [
            row(cases.OURS, memory=12_000_000),
            Row(loss="a", batch=8, subject=cases.ADDONS, status="too slow"),
        ]
    )
    lines = present.table("a", [ours, peer]).splitlines()
    assert lines[2].split() == ["8", "ours", "1000.0", "ms", "12", "MB", "2"]
    assert lines[3].split() == ["8", "tensorflow-addons", "too", "slow"]


@pytest.mark.parametrize(
    ("limits", "answer"),
    [
        (processes.Limits(memory=1e6, seconds=200), processes.OUT_OF_MEMORY),
        (processes.Limits(memory=8e9, seconds=0.1), processes.TOO_SLOW),
    ],
)
def test_a_process_beyond_its_limits_is_ended(limits, answer):
    assert processes.measure(WORKERS / "ours.py", sys.executable, {}, limits) == {"error": answer}


def test_a_worker_that_fails_says_why():
    answer = processes.measure(
        WORKERS / "ours.py", sys.executable, {"loss": "losses.NoSuchLoss()"}, GENEROUS
    )
    assert answer["error"].startswith("AttributeError: ")
    assert "NoSuchLoss" in answer["error"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--losses", "no-such-loss"], "received 'no-such-loss'"),
        (["--batches", "1"], "expected --batches of at least 2, received 1"),
        (["--max-memory", "0"], "expected --max-memory of at least 0.1, received 0.0"),
    ],
)
def test_a_wrong_setting_is_one_line(arguments, message):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_smoke():
    done = run("--smoke", "--json", "--losses", "supcon", "--batches", 32)
    assert done.returncode == 0, done.stderr
    *text, last = done.stdout.splitlines()
    result = json.loads(last)
    rows = {row["subject"]: row for row in result["results"]}
    assert set(rows) == {cases.OURS, cases.XLA, cases.STREAMED}
    assert all(row["status"] == "ok" for row in rows.values())
    for row in rows.values():
        assert 0 < row["fastest_seconds"] <= row["seconds"] <= row["slowest_seconds"]
        assert 0 < row["memory"] < row["peak"]
        # Keras on TensorFlow alone takes more than what one small batch does.
        assert row["memory"] < row["peak"] / 2
    assert rows[cases.XLA]["value"] == pytest.approx(rows[cases.OURS]["value"], rel=1e-5)
    assert result["config"]["batches"] == [32]
    assert text[0] == "supcon"
    # One line a process, beside the warning that others keep the machine busy.
    assert len([line for line in done.stderr.splitlines() if line.startswith("supcon, ")]) == 3
