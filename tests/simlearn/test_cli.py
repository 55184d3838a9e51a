"""`simlearn` and `python -m simlearn`: which commands there are, and how they end."""

import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from simlearn import cli
from simlearn.errors import UserError

ROOT = Path(__file__).parents[2]


def call(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    out, err = capsys.readouterr()
    return ended.value.code, out, err


@pytest.mark.parametrize("arguments", [[], ["-h"], ["--help"]])
def test_help_lists_every_command(arguments, capsys):
    status, out, err = call(arguments, capsys)
    assert status == 0
    assert not err
    assert all(name in out for name in cli.COMMANDS)


def test_help_loads_nothing_heavy():
    script = (
        "import sys\nfrom simlearn import cli\n"
        "try:\n cli.main(['--help'])\nexcept SystemExit: pass\n"
        "assert not {'keras', 'tensorflow', 'numpy', 'PIL'} & set(sys.modules), sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, cwd=ROOT)


@pytest.mark.parametrize("command", sorted(cli.COMMANDS))
def test_help_of_a_command_waits_for_no_keras(command):
    script = (
        "import sys\nfrom simlearn import cli\n"
        f"try:\n cli.main([{command!r}, '--help'])\nexcept SystemExit as end: assert not end.code\n"
        "assert not {'keras', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, cwd=ROOT)


def test_an_unknown_command_is_one_line(capsys):
    status, out, err = call(["fases"], capsys)
    assert status == 2
    assert not out
    assert err.count("\n") == 1
    assert "faces" in err
    assert "'fases'" in err


def test_each_command_has_a_module_with_run():
    for command in cli.COMMANDS.values():
        assert callable(importlib.import_module(command.module).run)


def test_the_rest_of_the_line_goes_to_the_command(monkeypatch, capsys):
    seen = []

    class Module:
        @staticmethod
        def run(arguments, *, prog):
            seen.append((list(arguments), prog))
            return 3

    monkeypatch.setattr(cli.importlib, "import_module", lambda name: Module)
    status, _, _ = call(["faces", "verify", "a b"], capsys)
    assert status == 3
    assert seen == [(["verify", "a b"], "simlearn faces")]


def test_what_a_user_did_wrong_is_one_line(monkeypatch, capsys):
    class Module:
        @staticmethod
        def run(arguments, *, prog):
            raise UserError("expected this,\nreceived that")

    monkeypatch.setattr(cli.importlib, "import_module", lambda name: Module)
    status, _, err = call(["faces"], capsys)
    assert (status, err) == (2, "expected this, received that\n")


def test_the_installed_command_is_this_one():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"simlearn": "simlearn.cli:main"}
    done = subprocess.run(
        [sys.executable, "-m", "simlearn", "--help"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0
    assert done.stdout.startswith("usage: simlearn")
