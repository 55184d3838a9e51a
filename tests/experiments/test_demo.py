"""`make demo` in small."""

import json
import re
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-m", "experiments.demo"]


@pytest.mark.slow
def test_both_halves_on_one_page(tmp_path):
    out = tmp_path / "run"
    done = subprocess.run(
        [*COMMAND, "--smoke", "--seed", "3", "--out", str(out)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout.splitlines()[-1])
    assert result == json.loads((out / "results.json").read_text())
    assert "siamese" in result["digits"]["scores"]
    assert "adaptive" in result["scenes"]["scores"]
    assert set(result["data_fingerprint"]) == {"digits", "scenes"}
    page = (out / "report.html").read_text()
    chapters = re.findall(r'<h2 id="[^"]*" class="chapter">([^<]*)</h2>', page)
    assert chapters == ["Handwritten digits", "Captions of rendered scenes"]
    # Each half announces no page of its own.
    assert done.stdout.count("report.html") == 1


def test_it_takes_no_data(tmp_path):
    done = subprocess.run(
        [*COMMAND, "--data", str(tmp_path), "--out", str(tmp_path / "run")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr == f"expected no --data, received {tmp_path}: the demo brings its own\n"
    assert not (tmp_path / "run").exists()
