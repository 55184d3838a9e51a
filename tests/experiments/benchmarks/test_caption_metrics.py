"""The benchmark of caption metrics: itself in small, without peers, and its tables."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.benchmarks.caption_metrics import run as benchmark
from experiments.benchmarks.caption_metrics.captions import captions_of
from experiments.benchmarks.caption_metrics.config import CaptionMetricsSettings

COMMAND = [sys.executable, "-m", "experiments.benchmarks.caption_metrics"]
WORKERS = Path(benchmark.__file__).parent / "workers"
OURS = {
    "seconds": 2.0,
    "slowest": 6.0,
    "cpu": 3.0,
    "memory": 100e6,
    "peak": 300e6,
    "found": {"rouge_l": 0.5},
}


def call(*arguments):
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=600
    )


def test_it_measures_us():
    tasks = ("bleu", "rouge_l", "cider_d", "cider_d_prepared")
    done = call("--smoke", "--images", 37, "--tasks", *tasks, "--json")
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout.splitlines()[-1])["results"]
    assert set(results) == set(tasks)
    for found in results.values():
        assert 0 < found["ours"]["fastest"] <= found["ours"]["slowest"]
    one, other = (results[task]["ours"]["found"] for task in tasks[2:])
    assert one == other
    assert 0 < one["cider_d"] < 10
    assert "37 images x 4 references, generated captions" in done.stdout
    assert re.search(r"^rouge_l +ours +\d\.\d{3} ", done.stdout, re.MULTILINE)


def test_generated_captions_are_like_captions():
    captions = captions_of(CaptionMetricsSettings(images=301, references=3, seed=5))
    assert [len(texts) for texts in captions["references"]] == [3] * 301
    words = captions["hypothesis_words"]
    assert all(7 <= len(text) <= 14 for text in words)
    # Captions of one image share words, and others fewer.
    first = [set(texts[0]) for texts in captions["reference_words"]]
    own = sum(len(set(text) & other) for text, other in zip(words, first, strict=True))
    shifted = sum(len(set(text) & other) for text, other in zip(words, first[1:], strict=False))
    assert own > 2 * shifted
    assert captions["hypotheses"][0] == f"{' '.join(words[0]).capitalize()}."
    again = captions_of(CaptionMetricsSettings(images=301, references=3, seed=6))
    assert again != captions


def test_a_file_is_gone_through_again(tmp_path):
    texts = [
        {"image_id": key, "caption": f"caption {number} of {key}"}
        for key in (7, 3)
        for number in range(4)
    ]
    path = tmp_path / "captions.json"
    path.write_text(json.dumps(texts))
    captions = captions_of(CaptionMetricsSettings(captions=path, images=3, references=2))
    assert captions["hypotheses"] == ["caption 0 of 7", "caption 0 of 3", "caption 0 of 7"]
    assert captions["references"][1] == ["caption 1 of 3", "caption 2 of 3"]
    assert captions["hypothesis_words"][1] == ["caption", "0", "of", "3"]


def test_ratios_are_theirs_over_ours_and_differences_the_largest():
    theirs = OURS | {"seconds": 5.0, "cpu": 9.0, "peak": 750e6, "found": {"rouge_l": 0.75}}
    found = {"ours": dict(OURS), "peer": theirs, "other": {"error": "no Java"}}
    found = benchmark.compared("rouge_l", found)
    ratios = ("time_ratio", "cpu_ratio", "peak_ratio", "difference")
    assert [found["peer"][name] for name in ratios] == [2.5, 3.0, 2.5, 0.25]
    lines = benchmark.table({"rouge_l": found}).splitlines()
    assert lines[2].split()[:6] == ["rouge_l", "peer", "5.000", "6.000", "2.50", "8.0"]
    assert lines[3].split() == ["rouge_l", "other", "no", "Java"]
    assert benchmark.complaints("rouge_l", found) == [
        "rouge_l, peer: differs from ours by 2.5e-01, expected at most 1e-09"
    ]


def test_other_words_and_failures_are_complaints():
    found = {
        "ours": OURS | {"found": [7, 3, 5]},
        "same": OURS | {"found": [7, 3, 5]},
        "peer": OURS | {"found": [7, 4, 5]},
        "broken": {"error": "ended with status 1"},
        "large": {"error": benchmark.OUT_OF_MEMORY},
    }
    lines = benchmark.complaints("tokens", benchmark.compared("tokens", found))
    assert [line.split(":")[0] for line in lines] == ["tokens, peer", "tokens, broken"]
    assert found["peer"]["difference"] == pytest.approx(1 / 3)
    assert "found" not in found["peer"]


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
def test_peers_do_not_import_us(script):
    imports = re.findall(r"^\s*(?:from|import) (\w+)", script.read_text(), re.MULTILINE)
    assert ("caption" in imports) == (script.stem == "ours")
    assert not {"experiments", "simlearn"} & set(imports)


def test_bad_input_ends_in_one_line():
    done = call("--images", 1)
    assert done.returncode == 2
    # A busy machine is warned of on a line before.
    assert "--images" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
