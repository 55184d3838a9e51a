"""The contract of every experiment's command line, on an experiment that does nothing."""

import dataclasses
import errno
import json
import os
import subprocess
import sys

import pytest

from experiments._command import Settings, describe, main
from simlearn.errors import RunError, TrainingFailedError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(Settings):
    """Does nothing."""

    dim: int = 3
    """Length."""

    def smoke_values(self):
        return {"dim": 1}


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Run `main` with arguments; gives exit status, stdout's lines and stderr."""
    monkeypatch.setenv("SIMLEARN_RUNS", str(tmp_path / "runs"))

    def run(*arguments, experiment=lambda config, run: {"score": config.dim}):
        monkeypatch.setattr(sys, "argv", ["nothing", *arguments])
        with pytest.raises(SystemExit) as exit_:
            main("nothing", Config, experiment)
        captured = capsys.readouterr()
        return exit_.value.code, captured.out.splitlines(), captured.err

    return run


def test_the_last_line_is_the_result_and_results_json_holds_it(command, tmp_path):
    status, lines, _ = command("--seed", "5")
    assert status == 0
    result = json.loads(lines[-1])
    (folder,) = (tmp_path / "runs" / "nothing").iterdir()
    assert json.loads((folder / "results.json").read_text()) == result
    assert result["score"] == 3
    assert result["seed"] == 5
    assert result["config"] == {
        "experiment": "nothing",
        "data": None,
        "dim": 3,
        "seed": 5,
        "smoke": False,
    }
    assert {"python", "keras", "tensorflow", "numpy"} <= set(result["versions"])


def test_a_finished_run_prints_its_stored_result(command, tmp_path):
    def never(config, run):
        raise AssertionError

    first = command("--out", str(tmp_path / "o"))
    second = command("--out", str(tmp_path / "o"), experiment=never)
    assert second[0] == 0
    assert second[1][-1] == first[1][-1]
    assert "finished before" in second[1][0]


def test_what_the_user_gives_stands_in_a_smoke_run_too(command):
    assert json.loads(command("--smoke", "--dim", "7")[1][-1])["score"] == 7


def test_smoke_is_another_run_of_another_size(command, tmp_path):
    assert json.loads(command("--smoke")[1][-1])["score"] == 1
    command()
    assert len(list((tmp_path / "runs" / "nothing").iterdir())) == 2


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (RunError("the folder is odd"), 2, "the folder is odd\n"),
        (TrainingFailedError("loss is nan"), 1, "training failed: loss is nan\n"),
        (
            OSError(errno.ENOSPC, "No space left on device", "x.npz"),
            2,
            "cannot read or write x.npz: No space left on device\n",
        ),
        (RuntimeError("... x; No space left on device"), 2, "No space left on device\n"),
    ],
)
def test_errors_are_one_line_and_leave_no_result(command, tmp_path, error, status, message):
    def fail(config, run):
        raise error

    code, lines, err = command("--out", str(tmp_path / "o"), experiment=fail)
    assert code == status
    assert err.endswith(message)
    assert err.count("\n") == 1
    assert lines == []
    assert not (tmp_path / "o" / "results.json").exists()


def test_ctrl_c_says_how_to_go_on(command, tmp_path):
    def interrupt(config, run):
        raise KeyboardInterrupt

    code, _, err = command("--out", str(tmp_path / "o"), experiment=interrupt)
    assert code == 130
    assert err == f"interrupted; the same command goes on from {tmp_path / 'o'}\n"


def test_a_refused_setting_does_not_keep_the_folder(command, tmp_path):
    def refuse(config, run):
        raise RunError("31 is odd")

    assert command("--out", str(tmp_path / "o"), "--dim", "31", experiment=refuse)[0] == 2
    assert command("--out", str(tmp_path / "o"), "--dim", "32")[0] == 0


def test_paths_and_results_print_on_a_terminal_that_knows_only_ascii(tmp_path):
    script = (
        "import sys; from experiments._command import main, Settings\n"
        "def say(config, run):\n    print(run.directory); return {'name': 'Zoë'}\n"
        "main('nothing', Settings, say)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "--out", str(tmp_path / "Zoë")],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["name"] == "Zoë"


def test_a_closed_pipe_is_no_traceback(tmp_path):
    done = subprocess.run(
        f"{sys.executable} -m experiments.digits --smoke --out '{tmp_path}' | true",
        shell=True,
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in done.stderr


def test_a_bug_is_not_disguised(command, monkeypatch):
    def bug(config, run):
        raise ZeroDivisionError

    monkeypatch.setattr(sys, "argv", ["nothing"])
    with pytest.raises(ZeroDivisionError):
        main("nothing", Config, bug)


def test_changed_settings_in_the_same_folder_are_refused(command, tmp_path):
    command("--out", str(tmp_path / "o"))
    code, _, err = command("--out", str(tmp_path / "o"), "--dim", "4")
    assert code == 2
    assert "dim was 3 and is now 4" in err


@pytest.mark.parametrize("seed", ["-1", str(2**32)])
def test_settings_out_of_range_are_refused_before_a_folder_is_made(command, tmp_path, seed):
    code, _, err = command("--seed", seed)
    assert code == 2
    assert err == f"expected --seed from 0 to 4294967295, received {seed}\n"
    assert not (tmp_path / "runs").exists()


def test_data_paths_are_told_apart_wherever_the_command_is_given(monkeypatch, tmp_path):
    from pathlib import Path

    monkeypatch.chdir(tmp_path)
    assert describe(Config(data=Path("d")))["data"] == str(tmp_path / "d")


@pytest.mark.parametrize("name", ["digits", "mnist_siamese"])
def test_help_answers_without_loading_tensorflow(name):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", f"experiments.{name}", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--seed" in done.stdout
    assert "default: 0" in done.stdout
    assert "tensorflow" not in done.stderr
