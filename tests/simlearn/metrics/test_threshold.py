import dataclasses
import json
import math
from functools import partial

import numpy as np
import pytest

import simlearn
from simlearn import search
from simlearn.errors import UserError
from simlearn.metrics import (
    Threshold,
    accuracy_at,
    best_accuracy_threshold,
    choose_threshold,
    equal_error_rate,
    tar_at_far,
)

DISTANCES = np.array([0.11, 0.23, 0.37, 0.41, 0.53, 0.61, 0.73])
SAME = np.array([True, True, False, True, False, False, False])


def chosen(rule=best_accuracy_threshold, **changes):
    settings = {
        "distance": search.cosine,
        "data": "seven Paare, äußerst",
        "data_fingerprint": "d41d8",
        "model_fingerprint": "93b88",
    }
    return choose_threshold(DISTANCES, SAME, rule, **(settings | changes))


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        (best_accuracy_threshold, "best_accuracy_threshold"),
        (equal_error_rate, "equal_error_rate"),
        (partial(tar_at_far, far=0.25), "tar_at_far(far=0.25)"),
        (partial(partial(tar_at_far, far=0.5), far=0.25), "tar_at_far(far=0.25)"),
    ],
)
def test_a_threshold_says_where_it_comes_from(rule, name):
    threshold = chosen(rule)
    value = rule(DISTANCES, SAME).threshold
    assert threshold.value == value
    assert threshold.rule == name
    assert (threshold.distance, threshold.data) == ("cosine", "seven Paare, äußerst")
    assert (threshold.same_pairs, threshold.different_pairs) == (3, 4)
    # Counted: of the same 0.11, 0.23, 0.41 and of the different 0.37, 0.53, 0.61, 0.73.
    assert threshold.tar == sum(d <= value for d in (0.11, 0.23, 0.41)) / 3
    assert threshold.far == sum(d <= value for d in (0.37, 0.53, 0.61, 0.73)) / 4
    assert threshold.accuracy == accuracy_at(DISTANCES, SAME, value)
    assert threshold.simlearn_version == simlearn.__version__


def test_its_text_is_for_people():
    assert str(chosen(partial(tar_at_far, far=0.25))) == (
        "cosine <= 0.41 by tar_at_far(far=0.25) on 3 same and 4 different pairs of "
        "seven Paare, äußerst: TAR 1, FAR 0.25, accuracy 0.8571"
    )


def test_it_accepts_up_to_its_value_and_not_beyond():
    near = np.float32(0.1)
    far = np.nextafter(near, np.float32(1))
    # Between two adjacent float32, nearer the larger, to which rounding would raise it.
    threshold = dataclasses.replace(chosen(), value=0.25 * float(near) + 0.75 * float(far))
    np.testing.assert_array_equal(
        threshold.accepts(np.array([[near, far, np.float32("nan")]])), [[True, False, False]]
    )
    assert dataclasses.replace(chosen(), value=0.5).accepts(0.5)


@pytest.mark.parametrize("name", ["euclidean", "squared_euclidean", "cosine", "dot"])
def test_its_distance_is_found_again(name):
    function = getattr(search, name)
    assert chosen(distance=function).distance_function() is function


def test_a_distance_of_ones_own_is_written_down_but_not_found():
    def chi_squared(left, right):
        raise NotImplementedError

    threshold = chosen(distance=chi_squared)
    assert threshold.distance == "chi_squared"
    with pytest.raises(UserError, match=r"one of simlearn.search, cosine, .*'chi_squared'"):
        threshold.distance_function()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rule": lambda d, s: best_accuracy_threshold(d, s)}, "rule: .* got <lambda>"),
        ({"rule": partial(tar_at_far, far=0.25), "distance": lambda a, b: a}, "distance: .*lambda"),
        ({"data": 7}, "data: expected str, got 7"),
        ({"model_fingerprint": None}, "model_fingerprint: expected str, got None"),
    ],
)
def test_refuses_what_could_not_be_read_again(changes, message):
    with pytest.raises(UserError, match=message):
        chosen(**changes)


def test_refuses_a_rule_that_accepts_nothing():
    # The nearest pair is a different one: no threshold has a false accept rate below 1/2.
    with pytest.raises(UserError, match=r"accepts something, got -inf from tar_at_far\(far=0.5\)"):
        choose_threshold(
            [0.1, 0.1, 0.2],
            [0, 0, 1],
            partial(tar_at_far, far=0.5),
            distance=search.cosine,
            data="x",
        )


def test_round_trip_through_a_file(tmp_path):
    threshold = chosen(equal_error_rate)
    threshold.save(tmp_path / "threshold.json")
    assert Threshold.load(tmp_path / "threshold.json") == threshold
    assert Threshold.load(str(tmp_path / "threshold.json"), model_fingerprint="93b88") == threshold
    assert [path.name for path in tmp_path.iterdir()] == ["threshold.json"]
    content = json.loads((tmp_path / "threshold.json").read_text(encoding="utf-8"))
    assert content["format"] == "simlearn threshold 1"
    assert content["data"] == "seven Paare, äußerst"


@pytest.mark.parametrize("value", [1 / 3, 5e-324, 1.7976931348623157e308, -0.1, 2])
def test_a_value_comes_back_exactly(tmp_path, value):
    threshold = dataclasses.replace(chosen(), value=value)
    threshold.save(tmp_path / "t.json")
    loaded = Threshold.load(tmp_path / "t.json").value
    assert loaded == value
    assert isinstance(loaded, float)


def test_refuses_the_threshold_of_another_model(tmp_path):
    chosen().save(tmp_path / "t.json")
    with pytest.raises(
        UserError, match=r"t.json: expected a threshold of the model 'abc', got .*'93b88'"
    ):
        Threshold.load(tmp_path / "t.json", model_fingerprint="abc")


def damaged(**changes):
    content = {"format": "simlearn threshold 1"} | dataclasses.asdict(chosen()) | changes
    return json.dumps({key: value for key, value in content.items() if value != "gone"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a threshold in JSON"),
        (damaged()[:-20], "expected a threshold in JSON"),
        ("\udcff", "expected a threshold in JSON"),
        ("[1, 2]", "expected a JSON object of format 'simlearn threshold 1', got list"),
        ('{"recall": 0.9}', "got format None"),
        (damaged(format="simlearn threshold 2"), "got format 'simlearn threshold 2'"),
        (damaged(value="gone"), "got value missing and none unknown"),
        (damaged(colour="red"), "got none missing and colour unknown"),
        (damaged(value="0.5"), "value: expected float, got '0.5'"),
        (damaged(value=True), "value: expected float, got True"),
        (damaged(value=math.nan), "value: expected a number"),
        (damaged(value=-math.inf), "value: expected a number"),
        (damaged(far=1.5), "far: expected a number from 0 to 1, got 1.5"),
        (damaged(tar=-0.5), "tar: expected a number from 0 to 1, got -0.5"),
        (damaged(same_pairs=0), "same_pairs: expected a number from 1"),
        (damaged(value=10**400), "value: expected a number from .* got 1000000"),
        (damaged(far=math.nan), "far: expected a number from 0 to 1, got nan"),
        (damaged(same_pairs=10**400), "same_pairs: expected a number from 1"),
        (damaged(same_pairs=2.5), "same_pairs: expected int, got 2.5"),
        (damaged(rule=None), "rule: expected str, got None"),
    ],
)
def test_a_damaged_file_gives_one_error_that_names_it(tmp_path, text, message):
    path = tmp_path / "damaged.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError, match=message) as caught:
        Threshold.load(path)
    assert "damaged.json" in str(caught.value)


def test_files_that_cannot_be_read_or_written(tmp_path):
    with pytest.raises(UserError, match=r"cannot read .*nowhere.json: No such file"):
        Threshold.load(tmp_path / "nowhere.json")
    with pytest.raises(UserError, match="cannot read"):
        Threshold.load(tmp_path)
    with pytest.raises(UserError, match=r"cannot write .*t.json: No such file"):
        chosen().save(tmp_path / "nowhere" / "t.json")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "t.json"
    chosen().save(path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError, match="No space left"):
        chosen(equal_error_rate).save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["t.json"]
