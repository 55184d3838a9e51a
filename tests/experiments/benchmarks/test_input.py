"""The input benchmark: itself in small, without peers, and its table."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.benchmarks.input import run as benchmark
from tests.simlearn.data.pictures import encoded, folder, noise

COMMAND = [sys.executable, "-m", "experiments.benchmarks.input"]
WORKERS = Path(benchmark.__file__).parent / "workers"


def call(*arguments):
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=600
    )


def test_it_measures_us_on_given_pictures(tmp_path):
    contents = {f"{i}/{i}.jpg": encoded(noise(40, 30, seed=i), "JPEG") for i in range(9)}
    data = folder(tmp_path / "data", contents)
    options = ("--smoke", "--pictures", 8, "--batch", 4, "--json")
    done = call("--data", data, *options)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    ours = result["results"]["ours"]
    assert ours["count"] == 8
    assert ours["batch"] == "(4, 32, 32, 3) float32"
    assert ours["slowest"] <= ours["rate"] <= ours["fastest"]
    assert "8 JPEG files of data, 0.00 megapixels" in done.stdout
    assert re.search(r"^ours +\d+ ", done.stdout, re.MULTILINE)


def test_the_table_has_ratios_of_ours_over_each():
    found = {"rate": 300.0, "slowest": 290.0, "fastest": 310.0, "cpu": 2.0, "batch": "b"}
    results = {
        "ours": found,
        "keras": found | {"rate": 120.0, "cpu": 5.0},
        "pytorch": {"error": "no such thing"},
    }
    lines = benchmark._table(results).splitlines()
    assert lines[1].split() == ["ours", "300", "290", "310", "1.00", "2.00", "1.00", "b"]
    assert lines[2].split() == ["keras", "120", "290", "310", "2.50", "5.00", "2.50", "b"]
    assert lines[3].split()[:2] == ["pytorch", "failed"]


def test_processes_are_summed_up_by_their_medians():
    answers = [
        {"rates": [1.0, 9.0, 2.0], "cpu": 1.0, "batch": "b"},
        {"rates": [5.0, 6.0, 4.0], "cpu": 7.0, "batch": "b"},
        {"rates": [3.0, 3.0, 3.0], "cpu": 2.0, "batch": "b"},
    ]
    summed = benchmark._summary(answers)
    # The medians of the three are 2, 5 and 3.
    assert (summed["rate"], summed["slowest"], summed["fastest"]) == (3.0, 2.0, 5.0)
    assert summed["cpu"] == 2.0
    assert benchmark._summary([*answers, {"error": "ended"}]) == {"error": "ended"}


@pytest.mark.parametrize("script", sorted(WORKERS.glob("*.py")), ids=lambda path: path.stem)
def test_peers_do_not_import_simlearn(script):
    imports = re.findall(r"^\s*(?:from|import) (\w+)", script.read_text(), re.MULTILINE)
    assert ("simlearn" in imports) == (script.stem == "ours")
    assert "experiments" not in imports


def test_bad_input_ends_in_one_line(tmp_path):
    for arguments, message in (
        (("--data", tmp_path, "--smoke"), "expected --pictures 32 JPEG files or more, and found 0"),
        (("--batch", "0"), "--batch"),
        (("--pictures", "10"), "--pictures"),
    ):
        done = call(*arguments)
        assert done.returncode == 2
        # A busy machine is warned of on a line before.
        assert message in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr
