"""The audit of an experiment: before any training, in results.json, allowed by name."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

from experiments import _audit
from simlearn import audit
from simlearn.data import digits
from simlearn.errors import UserError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(_audit.AuditedSettings):
    """Does nothing."""


def leaking():
    data = digits.splits()
    whole = digits.load()
    test = whole.take(np.r_[3, 5, 1290:1400], name="digits-test")
    return data._replace(test=test)._asdict()


def test_a_clean_split_says_so_and_gives_json(capsys):
    found = _audit.check(
        digits.splits()._asdict(), Config(), data_set="digits", unknown={"writers": "not named"}
    )
    assert capsys.readouterr().out.startswith(
        "audit of train, validation and test: nothing shared in ids, pixels; "
    )
    assert json.loads(json.dumps(found)) == found
    assert found["threshold"]["distance"] == audit.THRESHOLDS["digits"].distance
    assert found["not_checked"]["writers"] == "not named"
    assert found["disjoint"] == ["ids", "files", "bytes", "pixels"]


def test_a_leak_stops_the_run_unless_it_is_allowed():
    with pytest.raises(
        UserError, match=r"train and test share 2 ids \(3, 5\) and the pixels of 2 pictures "
    ):
        _audit.check(leaking(), Config(), data_set="digits")
    allowed = Config(allow_leakage=("ids", "pixels"))
    found = _audit.check(leaking(), allowed, data_set="digits")
    assert found["allowed"] == ["ids", "pixels"]


def test_held_out_classes_are_claimed_by_the_experiment():
    data = digits.load()
    parts = {"train": data.take(data.labels < 7), "test": data.take(data.labels >= 6)}
    disjoint = ("identities",)
    with pytest.raises(UserError, match=r"train and test share 1 identity \(6\): "):
        _audit.check(parts, Config(), data_set="digits", disjoint=disjoint)


@pytest.mark.parametrize(
    ("disjoint", "different"),
    [(audit.PICTURES, "pictures"), (("identities", *audit.PICTURES), "identities")],
)
def test_a_data_set_without_a_threshold_is_measured(disjoint, different):
    data = digits.load()
    parts = {"train": data.take(data.labels < 5), "test": data.take(data.labels >= 5)}
    found = _audit.check(parts, Config(), data_set="mine", disjoint=disjoint)
    assert found["threshold"]["data"] == "mine, as in this run"
    assert found["threshold"]["different"] == different
    assert found["threshold"]["pictures"] == len(parts["train"])


LEAKY = """
from simlearn import _quiet
_quiet.load_keras()
from simlearn.data import digits
splits = digits.splits()
leaky = splits._replace(test=splits.test.take([0, 1, 2, *range(9, 400)]))
leaky = leaky._replace(validation=digits.load().take([*range(1029, 1200), 1287]))
digits.splits = lambda: leaky
from experiments._similarity import train
from simlearn.errors import UserError
def siamese(*_):
    raise UserError("training begins")
train.siamese = siamese
import runpy
runpy.run_module("experiments.digits", run_name="__main__", alter_sys=True)
"""


def test_the_command_stops_before_training_with_one_line(tmp_path):
    def run(*arguments):
        command = [sys.executable, "-c", LEAKY, "--smoke", "--out", str(tmp_path / "run")]
        return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=600)

    done = run()
    assert done.returncode == 2
    assert "Epoch" not in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        "validation and test share 1 id (1287) and the pixels of 1 picture (picture "
    )
    assert "--allow-leakage ids pixels on a command line" in line
    # Names that are no kind are refused by the command line itself.
    assert run("--allow-leakage", "byte").returncode == 2
    done = run("--allow-leakage", "ids", "pixels")
    assert done.stderr == "training begins\n"
    assert "validation and test share 1 id (1287); " in done.stdout
