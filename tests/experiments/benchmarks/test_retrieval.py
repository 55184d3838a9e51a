"""The retrieval benchmark: itself in small, without peers, and its tables."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.benchmarks.retrieval import run as benchmark

COMMAND = [sys.executable, "-m", "experiments.benchmarks.retrieval"]
WORKERS = Path(benchmark.__file__).parent / "workers"
SCORES = {"recall_at_1": 0.5, "r_precision": 0.25, "map_at_r": 0.125}
OURS = {
    "seconds": 2.0,
    "slowest": 6.0,
    "cpu": 3.0,
    "memory": 100e6,
    "peak": 300e6,
    "scores": SCORES,
}


def call(*arguments):
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=600
    )


def test_it_measures_us():
    done = call("--smoke", "--per-class", 7, "--items", 225, "--rounds", 2, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    (found,) = result["results"].values()
    ours = found["ours"]
    assert ours["fastest"] <= ours["seconds"] <= ours["slowest"]
    assert 0 <= ours["memory"] < ours["peak"]
    # The last item is alone in its class.
    assert ours["scores"]["queries_scored"] == 224
    assert 0.05 < ours["scores"]["map_at_r"] < 0.95
    assert "225 x 16 generated float32, 7 a class" in done.stdout
    assert re.search(r"^ours +\d+\.\d\d ", done.stdout, re.MULTILINE)


def test_ratios_are_theirs_over_ours_and_differences_the_largest():
    theirs = OURS | {"seconds": 5.0, "memory": 250e6, "scores": SCORES | {"r_precision": 0.2501}}
    found = benchmark.compared({"ours": dict(OURS), "peer": theirs, "other": {"error": "no"}})
    assert found["peer"]["time_ratio"] == 2.5
    assert found["peer"]["memory_ratio"] == 2.5
    assert found["peer"]["difference"] == pytest.approx(1e-4)
    assert found["ours"]["time_ratio"] == 1.0
    lines = benchmark.table(found).splitlines()
    assert lines[2].split()[:8] == ["peer", "5.00", "6.00", "2.50", "3.0", "250", "2.50", "300"]
    assert lines[2].split()[-1] == "1e-04"
    assert lines[3].split() == ["other", "failed"]


def test_limits_are_rows_and_failures_and_other_scores_are_complaints():
    wrong = OURS | {"scores": SCORES | {"map_at_r": 0.1}}
    found = benchmark.compared(
        {
            "ours": dict(OURS),
            "large": {"error": benchmark.OUT_OF_MEMORY},
            "broken": {"error": "ended with status 1"},
            "wrong": wrong,
        }
    )
    complaints = benchmark._complaints(found)
    assert complaints[0] == "broken: ended with status 1"
    assert complaints[1].startswith("wrong: scores differ from ours by 2.5e-02")
    assert len(complaints) == 2
    assert benchmark.table(found).splitlines()[2].split() == ["large", "out", "of", "memory"]


def test_processes_are_summed_up_by_their_medians_and_largest_memory():
    answers = [
        OURS | {"seconds": s, "cpu": c, "memory": m, "peak": 2 * m}
        for s, c, m in ((3.0, 1.0, 5.0), (9.0, 8.0, 7.0), (4.0, 2.0, 6.0))
    ]
    summed = benchmark.summary(answers)
    assert (summed["fastest"], summed["seconds"], summed["slowest"]) == (3.0, 4.0, 9.0)
    assert (summed["cpu"], summed["memory"], summed["peak"]) == (2.0, 7.0, 14.0)
    assert benchmark.summary([*answers, {"error": "ended"}]) == {"error": "ended"}


@pytest.mark.parametrize("script", sorted(WORKERS.glob("*.py")), ids=lambda path: path.stem)
def test_peers_do_not_import_simlearn(script):
    imports = re.findall(r"^\s*(?:from|import) (\w+)", script.read_text(), re.MULTILINE)
    assert ("simlearn" in imports) == (script.stem == "ours")
    assert "experiments" not in imports


def test_bad_input_ends_in_one_line():
    for arguments in (("--per-class", "1"), ("--items", "50", "--per-class", "51")):
        done = call(*arguments)
        assert done.returncode == 2
        # A busy machine is warned of on a line before.
        assert "--per-class" in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr
