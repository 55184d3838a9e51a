"""What is shipped, what an import costs, and what must not stand in the repository."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Split up, so that this file does not hold what it looks for.
INDEX_ADDRESSES = re.compile(
    "|".join(
        [
            "index" + "-url",
            "extra" + "-index",
            "find" + "-links",
            r"/simple" + "/",
            "pypi" + r"\.org",
        ]
    )
)


# Where git keeps no list, as in an unpacked archive: what building and running leave behind.
NOT_OURS = {"__pycache__", "build", "dist", "site", "runs"}


def tracked_files(root=ROOT):
    files = listed_by_git(root) if (root / ".git").exists() else sorted(found_below(root))
    assert files, f"no files in {root}"
    return files


def listed_by_git(root):
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return [root / line for line in listed.stdout.splitlines() if (root / line).is_file()]


def found_below(root):
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if not left_behind(Path(folder, name), root)]
        yield from (Path(folder, name) for name in files if not name.endswith((".pyc", ".pyo")))


def left_behind(folder, root):
    name = folder.name
    caches = name.endswith((".egg-info", "_cache")) or name in {".venv", ".hypothesis", ".git"}
    return caches or name in NOT_OURS or folder == root / "data"


def test_files_are_found_without_git_too(tmp_path):
    kept = ["README.md", ".ci/install", "simlearn/data/mnist.py", "simlearn/runs.py"]
    left = [
        ".venv/lib/site.py",
        ".mypy_cache/a.json",
        "simlearn/__pycache__/runs.pyc",
        "simlearn.egg-info/PKG-INFO",
        "runs/mnist/model.keras",
        "data/mnist/pictures",
        "dist/simlearn.whl",
    ]
    for name in kept + left:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = {path.relative_to(tmp_path).as_posix() for path in tracked_files(tmp_path)}
    assert found == set(kept)
    (tmp_path / "empty").mkdir()
    with pytest.raises(AssertionError, match="no files in"):
        tracked_files(tmp_path / "empty")


def test_git_and_the_walk_agree_on_the_sources():
    below = {path for path in found_below(ROOT) if path.suffix == ".py"}
    assert {path for path in tracked_files() if path.suffix == ".py"} <= below


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    from hatchling.builders.wheel import WheelBuilder

    folder = tmp_path_factory.mktemp("wheel")
    (path,) = WheelBuilder(str(ROOT)).build(directory=str(folder))
    return zipfile.ZipFile(path)


def test_the_wheel_holds_simlearn_and_caption_alone(wheel):
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"simlearn", "caption"}
    assert {"simlearn/py.typed", "caption/py.typed"} <= set(wheel.namelist())
    assert "simlearn/audit/mtfl_in_lfw.npy" in wheel.namelist()
    sources = [p.relative_to(ROOT).as_posix() for p in tracked_files()]
    modules = {p for p in sources if p.startswith(("simlearn/", "caption/"))}
    assert modules == {name for name in wheel.namelist() if not name.startswith("simlearn-")}


def test_the_wheel_says_its_licence_and_pythons(wheel):
    (name,) = [n for n in wheel.namelist() if n.endswith("METADATA")]
    metadata = wheel.read(name).decode()
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Python: <3.14,>=3.11" in metadata
    assert any(n.endswith("licenses/LICENSE") for n in wheel.namelist())


def test_data_set_recipes_are_no_package():
    # An installed top-level `datasets` would hide Hugging Face's package of that name.
    assert not list((ROOT / "datasets").rglob("__init__.py"))


def test_versions_agree():
    import simlearn

    version = re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.M)[1]
    assert simlearn.__version__ == version
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()


def test_no_file_names_a_package_index():
    for path in tracked_files():
        text = path.read_bytes().decode("utf-8", errors="replace")
        assert not INDEX_ADDRESSES.search(text), path
    assert not list(ROOT.glob("*.lock"))


def test_constraints_are_names_and_versions_and_meet_the_bounds():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+( ; python_version .*)?", pin) for pin in pins)
    pinned = {pin.split("==")[0].lower().replace("_", "-") for pin in pins}
    wanted = re.findall(r'"([\w-]+)[\[>]', (ROOT / "pyproject.toml").read_text())
    assert {name.lower() for name in wanted if name != "simlearn"} <= pinned


def modules_after(code):
    script = f"import sys\n{code}\nimport json\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


HEAVY = {"keras", "tensorflow", "matplotlib", "sklearn", "scipy", "PIL", "tensorboard", "pooch"}


@pytest.mark.parametrize(
    "code", ["import simlearn", "import caption", "import simlearn.runs, simlearn.errors"]
)
def test_a_bare_import_loads_nothing_heavy(code):
    assert not (HEAVY | {"numpy"}) & modules_after(code)


@pytest.mark.parametrize(
    "code",
    [
        "import simlearn; simlearn.metrics.retrieval_scores; simlearn.search.nearest",
        "from simlearn.data import digits, mnist, sampling",
        "from simlearn import report, figures, tensorboard, baselines, audit; audit.in_mtfl",
    ],
)
def test_scores_readers_and_reports_load_no_tensorflow(code):
    assert not {"keras", "tensorflow"} & modules_after(code)


def test_every_submodule_is_reachable_from_the_package():
    import simlearn

    files = {
        path.stem if path.suffix else path.name
        for path in (ROOT / "simlearn").iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").exists())
    }
    assert {name for name in files if not name.startswith("_")} == set(simlearn._SUBMODULES)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = simlearn.nothing
