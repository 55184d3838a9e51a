"""The face benchmark: itself in small, without peers, and its table."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.benchmarks.faces import run as benchmark
from experiments.benchmarks.faces.config import FacesSettings

COMMAND = [sys.executable, "-m", "experiments.benchmarks.faces"]
WORKERS = Path(benchmark.__file__).parent / "workers"


def test_it_measures_us():
    done = subprocess.run(
        [*COMMAND, "--smoke", "--json"], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    ours = result["results"]["ours"]
    assert ours["pictures"] == ours["faces"] == 4
    assert ours["rate"] > 0
    assert "4 distinct JPEG files of one photograph" in done.stdout


@pytest.mark.slow
def test_it_measures_the_peer_and_memory_too():
    done = subprocess.run(
        [
            *COMMAND, "--json", "--pictures", "4", "--rounds", "1", "--memory-pictures", "10",
        ],
        capture_output=True,
        text=True,
        timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["results"]["mtcnn"]["faces"] >= 4
    assert result["results"]["mtcnn"]["versions"]["mtcnn"].startswith("1.")
    assert (result["memory"]["pictures"], result["memory"]["distinct"]) == (10, 4)


def test_pictures_are_distinct_and_the_same_again():
    config = FacesSettings(pictures=16)
    first = list(benchmark._cut(config))
    assert len(set(first)) == 16
    assert first == list(benchmark._cut(config))


def test_the_table_has_ratios_of_ours_over_each():
    found = {"rate": 30.0, "slowest": 29.0, "fastest": 31.0, "cpu": 50.0, "faces": 7}
    results = {
        "ours": found,
        "mtcnn": found | {"rate": 6.0, "cpu": 300.0},
        "other": {"error": "no such thing"},
    }
    lines = benchmark._table(results).splitlines()
    assert lines[1].split() == ["ours", "30.00", "29.00", "31.00", "1.00", "50.0", "1.00", "7"]
    assert lines[2].split() == ["mtcnn", "6.00", "29.00", "31.00", "5.00", "300.0", "6.00", "7"]
    assert lines[3].split()[:2] == ["other", "failed"]


def test_memory_is_told_with_the_number_of_distinct_files():
    memory = {
        "megabytes_after_a_fifth": 900.4, "megabytes_after_all": 910.0, "pictures": 5000,
        "distinct": 128,
    }  # fmt: skip
    line = benchmark._memory_line(memory)
    assert "900 MB at most over 1000 pictures, 910 MB over 5000, 128 of them distinct" in line
    assert benchmark._memory_line(None) == benchmark._memory_line({"error": "x"}) == ""


@pytest.mark.parametrize("script", sorted(WORKERS.glob("*.py")), ids=lambda path: path.stem)
def test_peers_do_not_import_simlearn(script):
    imports = re.findall(r"^\s*(?:from|import) (\w+)", script.read_text(), re.MULTILINE)
    assert ("simlearn" in imports) == (script.stem == "ours")
    assert "experiments" not in imports


def test_bad_input_ends_in_one_line(tmp_path):
    for arguments, message in (
        (("--data", tmp_path, "--smoke"), "expected --pictures 4 JPEG files or more, and found 0"),
        (("--min-face", "5"), "--min-face"),
    ):
        done = subprocess.run(
            [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 2
        assert message in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr
