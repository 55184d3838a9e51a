import json

import pytest

from simlearn.errors import RunError
from simlearn.runs import Run, config_hash, default_directory, versions


def test_a_new_run_has_no_result_and_a_finished_one_has(tmp_path):
    config = {"seed": 3, "data": None}
    with Run.open(tmp_path / "a" / "b", config=config) as run:
        assert run.result is None
        run.finish({"auc": 0.5})
    assert json.loads((tmp_path / "a/b/results.json").read_text()) == {"auc": 0.5}
    with Run.open(tmp_path / "a" / "b", config=config) as run:
        assert run.result == {"auc": 0.5}


def test_another_configuration_is_refused_by_name(tmp_path):
    with Run.open(tmp_path, config={"seed": 3, "dim": 32}):
        (tmp_path / "checkpoint.npz").touch()
    with pytest.raises(RunError, match=r"dim was 32 and is now 64.*--out"):
        Run.open(tmp_path, config={"seed": 3, "dim": 64})
    with pytest.raises(RunError, match=r"margin was null and is now 0\.2"):
        Run.open(tmp_path, config={"seed": 3, "dim": 32, "margin": 0.2})
    with Run.open(tmp_path, config={"dim": 32, "seed": 3}) as run:
        assert run.result is None


def test_two_owners_at_once_are_refused_and_one_after_the_other_is_not(tmp_path):
    with Run.open(tmp_path, config={}), pytest.raises(RunError, match="another process"):
        Run.open(tmp_path, config={})
    Run.open(tmp_path, config={}).__exit__(None, None, None)


def test_a_refused_configuration_does_not_keep_the_folder(tmp_path):
    with Run.open(tmp_path, config={"seed": 1}):
        (tmp_path / "checkpoint.npz").touch()
    with pytest.raises(RunError):
        Run.open(tmp_path, config={"seed": 2})
    with Run.open(tmp_path, config={"seed": 1}):
        pass


def test_a_folder_in_which_nothing_was_done_takes_other_settings(tmp_path):
    with Run.open(tmp_path, config={"batch": 31}):
        pass
    with Run.open(tmp_path, config={"batch": 32}):
        (tmp_path / "checkpoint.npz").touch()
    with pytest.raises(RunError, match="batch was 32"):
        Run.open(tmp_path, config={"batch": 31})


def test_a_folder_with_other_things_is_not_taken_over(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(RunError, match=r"holds thesis\.tex and no config\.json"):
        Run.open(tmp_path, config={})
    assert {path.name for path in tmp_path.iterdir()} <= {"thesis.tex", ".lock"}


def test_a_kill_while_the_configuration_is_written_leaves_a_usable_folder(tmp_path):
    (tmp_path / ".config.json.partial").write_text("{ha")
    with Run.open(tmp_path, config={"seed": 1}) as run:
        assert run.result is None


def test_a_finished_run_is_read_without_writing(tmp_path):
    with Run.open(tmp_path, config={"seed": 1}) as run:
        run.finish({"auc": 0.5})
    (tmp_path / ".lock").unlink()
    with Run.open(tmp_path, config={"seed": 1}) as run:
        assert run.result == {"auc": 0.5}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "results.json"]
    with pytest.raises(RunError, match="seed was 1 and is now 2"):
        Run.open(tmp_path, config={"seed": 2})


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(RunError, match=r"cannot write to .*taken"):
        Run.open(tmp_path / "taken", config={})
    with pytest.raises(RunError, match=r"cannot write to .*taken"):
        Run.open(tmp_path / "taken" / "below", config={})


@pytest.mark.parametrize("content", ["{half", "[1]", "\xff"])
def test_damaged_files_are_named(tmp_path, content):
    (tmp_path / "config.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(RunError, match=r"expected (a )?JSON.*config\.json"):
        Run.open(tmp_path, config={})


def test_default_directory_follows_the_environment_and_the_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLEARN_RUNS", str(tmp_path))
    one = default_directory("digits", {"seed": 1, "dim": 2})
    assert one.parent == tmp_path / "digits"
    assert one == default_directory("digits", {"dim": 2, "seed": 1})
    assert one != default_directory("digits", {"dim": 2, "seed": 2})
    monkeypatch.delenv("SIMLEARN_RUNS")
    assert default_directory("digits", {}).parts[:2] == ("runs", "digits")
    assert len(config_hash({})) == 10


def test_versions_name_what_is_installed():
    found = versions()
    assert found["python"].startswith("3.")
    assert {"keras", "tensorflow", "numpy"} <= set(found)
